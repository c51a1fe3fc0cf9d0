"""Total dose: an order is judged whole at its beginning, and what goes on is never unheard."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Bounds, DrugLimits, TotalLimit, TotalOver
from pumpd.core.infusion_due import check_totals, total_findings, with_bounds
from pumpd.core.infusion_totals import DoseBound, bounds_of, whole_order
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG, Volume
from pumpd.core.total_dose import DoseAccount, Stretch
from tests import proof
from tests.core.infusion_scene import FULL_ENTRY, PATIENT, PROGRAMME, dose, infusion, order, programme
from tests.core.situations import SETUP
from tests.oracle import total_dose as oracle

MG = PG_PER_MG * NL_PER_ML
"""A milligram in millionths of a picogram."""
DAY_NS = 24 * NS_PER_H
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(DAY_NS))
pytestmark = pytest.mark.requirement("TOTAL-1")


def _had(mg: int, hours_ago: int, now_ns: int = 0, series_mg: int | None = None) -> PatientDose:
    at_ns = now_ns - hours_ago * NS_PER_H
    account = DoseAccount(DAY_NS).plus(Stretch(at_ns - NS_PER_H, at_ns, mg * MG), 0)
    return PatientDose(PATIENT, "ketamine", account, (mg if series_mg is None else series_mg) * MG)


def _check(had: PatientDose = NOTHING, entry: DrugLimits = FULL_ENTRY, **changes: object) -> None:
    made = order(**changes)
    check_totals(made, had, None, bounds_of(entry, made.programme), 0)


def test_a_whole_order_at_a_limit_is_lawful_and_just_past_it_refused():
    """35 mL are 70 mg, 1 mg/kg: exactly the soft limit; a drop more takes a reason, and 105 mg nobody may."""
    endless = {"duration_s": None}
    _check()
    _check(programme=programme(volume=Volume.parse(35), **endless))
    with pytest.raises(
        ValueError, match=r"comes to 70\.002 mg in this infusion.*soft limit is 70 mg.*reason"
    ):
        _check(programme=programme(volume=Volume.parse("35.001"), **endless))
    _check(programme=programme(volume=Volume.parse("35.001"), **endless), accepted="pain")
    _check(programme=programme(volume=Volume.parse("52.5"), **endless), accepted="pain")
    with pytest.raises(ValueError, match=r"105\.002 mg in this infusion.*hard limit is 105 mg"):
        _check(programme=programme(volume=Volume.parse("52.501"), **endless), accepted="pain")


def test_what_was_given_before_counts_within_its_window_and_its_series():
    """70 mg on top of 35 are the day's 105; of 36 they are too many, unless a day lies in between."""
    _check(_had(35, 3))
    with pytest.raises(ValueError, match=r"106 mg within 24 h, with what was given before"):
        _check(_had(36, 3))
    _check(_had(36, 24))
    with pytest.raises(ValueError, match=r"281 mg in this series.*soft limit is 280 mg"):
        _check(_had(36, 24, series_mg=211))
    _check(_had(36, 24, series_mg=210))


def test_the_shorter_of_volume_and_duration_ends_an_order():
    """What can not be given does not count; without either there is no end, and no such order."""
    whole = whole_order(PROGRAMME)
    assert whole is not None
    assert whole.pace_p_h == 35 * PG_PER_MG
    assert whole.for_ns == 2 * NS_PER_H
    by_volume = whole_order(programme(volume=Volume.parse("17.5")))
    assert by_volume is not None
    assert by_volume.for_ns == NS_PER_H
    left = whole_order(PROGRAMME, flowed_ns=NS_PER_H, given_nl=30 * NL_PER_ML)
    assert left is not None
    assert left.until(left.for_ns) - 10 * PG_PER_MG < 1
    with pytest.raises(ValueError, match="write a volume or a duration"):
        _check(programme=programme(volume=None, duration_s=None))
    _check(entry=replace(FULL_ENTRY, totals=()), programme=programme(volume=None, duration_s=None))


def test_a_change_is_judged_with_what_was_given():
    """After 50 mg and 25 mL another 10 mL are 70 mg, and 10.1 mL are too many without a reason."""
    watch = InfusionWatch(infusion(), 0, _had(50, 0), given_e6_p=50 * MG, given_nl=25 * NL_PER_ML)
    for volume, lawful in (("35", True), ("35.1", False)):
        made = order(programme=programme(volume=Volume.parse(volume)), reason="pain")
        bounds = bounds_of(FULL_ENTRY, made.programme)
        if lawful:
            check_totals(made, watch.dose, watch, bounds, 0)
            continue
        with pytest.raises(ValueError, match=r"70\.2 mg in this infusion"):
            check_totals(made, watch.dose, watch, bounds, 0)


WINDOW_S = 600
WINDOWED = replace(
    FULL_ENTRY,
    totals=(TotalLimit(TotalOver.WINDOW, Bounds(hard_max=DrugAmount.parse("0.1 mg/kg")), WINDOW_S),),
)
"""At most 7 mg in ten minutes."""


@proof.examples("continuing flow against a window, as watched", small=40, full=2_000)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 9, 27, 90, 180])), min_size=1, max_size=10),
    st.sampled_from([None, 300, 7200]),
)
def test_flow_that_goes_on_never_fills_a_window_unheard(pieces, duration_s):
    """Whenever a window of the oracle holds more than its limit, the watch said so before or says so now."""
    ordered = programme(volume=None, duration_s=duration_s)
    version = replace(infusion().ordered, programme=ordered)
    account = PatientDose(PATIENT, "ketamine", DoseAccount(WINDOW_S * NS_PER_S))
    watch = with_bounds(InfusionWatch(infusion(WINDOWED, versions=(version,)), 0, account))
    at_s, told, given_so_far = 0, False, []
    for tens_s, ml_h in pieces:
        for _ in range(tens_s):
            watch = watch._replace(pace_nl_h=ml_h * NL_PER_ML)
            told |= any(total_findings(watch, SETUP, at_s * NS_PER_S))
            nl = ml_h * NL_PER_ML // 360
            stretch = Stretch(at_s * NS_PER_S, (at_s + 10) * NS_PER_S, 2 * nl * PG_PER_MG)
            watch = watch._replace(
                dose=watch.dose.plus(stretch, ml_h * NL_PER_ML),
                given_nl=watch.given_nl + nl,
                given_e6_p=watch.given_e6_p + stretch.amount_e6_p,
                flowed_ns=watch.flowed_ns + (10 * NS_PER_S if ml_h else 0),
            )
            given_so_far.append((at_s, at_s + 10, Fraction(2 * ml_h)))
            at_s += 10
            slack_mg = Fraction(2 * ml_h * 5, 3600)
            held_mg = oracle.in_window_mg(given_so_far, Fraction(at_s - WINDOW_S), Fraction(at_s))
            if held_mg > 7 + slack_mg + Fraction(2 * ml_h * 10, 3600):
                assert told


@pytest.mark.parametrize("ml_h", ["3.5", "10.5", "17.5"])
def test_a_lawful_order_is_quiet_from_its_start_to_its_end(ml_h):
    """Any rate of an order that was taken is quiet while it runs; past its end it is told at once."""
    pace_nl_h = int(Fraction(ml_h) * NL_PER_ML)
    watch = with_bounds(InfusionWatch(infusion(), 0, NOTHING, pace_nl_h=pace_nl_h))
    for minute in range(0, 120, 5):
        nl = pace_nl_h * minute // 60
        at = watch._replace(given_nl=nl, given_e6_p=nl * 2 * PG_PER_MG, flowed_ns=minute * 60 * NS_PER_S)
        assert list(total_findings(at, SETUP, minute * 60 * NS_PER_S)) == []
    over = watch._replace(given_nl=36 * NL_PER_ML, given_e6_p=72 * MG, flowed_ns=2 * NS_PER_H, pace_nl_h=0)
    (found,) = total_findings(over, SETUP, 2 * NS_PER_H)
    assert found[1].measured == "72 mg in this infusion"
    assert found[1].allowed == "70 mg"
    assert dose("0.3") == watch.infusion.ordered.dose


@pytest.mark.parametrize("over_nl", [0, 1])
@pytest.mark.parametrize("hard", [False, True])
def test_what_leaves_the_window_is_no_overdose_and_a_few_steps_of_the_counter_are_none(
    over_nl: int, *, hard: bool
) -> None:
    """100 mg in the day's window, of 160 that are kept: told from a nanolitre beyond three steps on."""
    now_ns, step = 30 * NS_PER_H, Volume(1_000)
    slack_nl = 3 * step.nl
    concentration = PROGRAMME.concentration
    beyond = (slack_nl + over_nl) * concentration.p_per_ml
    half_gone = Stretch(now_ns - DAY_NS - NS_PER_H, now_ns - DAY_NS + NS_PER_H, 120 * MG)
    account = DoseAccount(DAY_NS).plus(half_gone, 0)
    account = account.plus(Stretch(now_ns - NS_PER_H, now_ns, 40 * MG + beyond), 1)
    assert account.kept_e6_p == 160 * MG + beyond
    limits = (50 * MG, 100 * MG) if hard else (100 * MG, 200 * MG)
    watch = InfusionWatch(infusion(), 0, PatientDose(PATIENT, "ketamine", account))._replace(
        bounds=(DoseBound(TotalOver.WINDOW, DAY_NS, *limits),)
    )
    found = dict(total_findings(watch, replace(SETUP, counter_step=step), now_ns))
    lesser = [ConditionId.TOTAL_DOSE_SOFT] if hard else []
    worse = ConditionId.TOTAL_DOSE_HARD if hard else ConditionId.TOTAL_DOSE_SOFT
    assert list(found) == ([worse] if over_nl else lesser)
