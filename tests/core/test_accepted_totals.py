"""A soft limit of the total dose passed with a reason at the order: quiet up to what that order comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.acceptance import Acceptance
from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Bounds, DrugLimits, TotalLimit, TotalOver
from pumpd.core.infusion_due import accepted_totals, check_totals, total_findings
from pumpd.core.infusion_record import Order
from pumpd.core.infusion_totals import bounds_of
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, PG_PER_MG, Volume
from pumpd.core.state import Now
from pumpd.core.total_dose import DoseAccount, Stretch
from tests.core.infusion_scene import AT, FULL_ENTRY, PATIENT, infusion, order, programme
from tests.core.situations import SETUP

MG = PG_PER_MG * NL_PER_ML
NANOSECOND = 9_723
"""What 35 mg/h give in one, rounded up."""
SOFT = ConditionId.TOTAL_DOSE_SOFT
DAY_NS = 24 * NS_PER_H
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(DAY_NS))
NOW = Now(0, AT)
FORTY_ML = programme(volume=Volume.parse(40), duration_s=None)
"""80 mg: past the 70 that are usual for one infusion, short of the 105 that are allowed."""
pytestmark = pytest.mark.requirement("ACCEPT-1")


def _begun(made: Order, entry: DrugLimits = FULL_ENTRY, had: PatientDose = NOTHING) -> InfusionWatch:
    """Return the watch that a beginning with ``made`` leads to."""
    bounds = bounds_of(entry, made.programme)
    check_totals(made, had, None, bounds, 0)
    accepted = accepted_totals(made, had, None, bounds, NOW)
    version = replace(infusion().ordered, programme=made.programme, accepted=made.accepted)
    return InfusionWatch(infusion(entry, versions=(version,)), 0, had, bounds=bounds, accepted=accepted)


def _at(watch: InfusionWatch, given_e6_p: int) -> list[tuple[ConditionId, str]]:
    """Return what is told of the total when so much was given and nothing flows."""
    after = watch._replace(given_e6_p=given_e6_p, given_nl=given_e6_p // (2 * PG_PER_MG))
    return [(condition, found.measured) for condition, found in total_findings(after, SETUP, 0)]


def test_a_total_accepted_at_the_order_is_told_anew_just_beyond_it() -> None:
    """80 mg were accepted: at 80 nothing is told, past them it is, long before the hard limit of 105."""
    watch = _begun(order(programme=FORTY_ML, accepted="severe pain"))
    words = "More than usual in all: 80 mg in this infusion, usual up to 70 mg"
    by, why = "A. Nurse", "severe pain"
    (one,) = watch.accepted
    assert one == Acceptance(SOFT, one.up_to, words, by, AT, why, "in this infusion")
    assert 80 * MG <= one.up_to <= 80 * MG + NANOSECOND
    assert _at(watch, one.up_to) == []
    assert _at(watch, one.up_to + 1) == [(SOFT, "80 mg in this infusion")]
    assert _at(watch, 105 * MG + 1)[0][0] is ConditionId.TOTAL_DOSE_HARD


def test_an_accepted_order_is_quiet_while_it_is_carried_out_as_ordered() -> None:
    """At its highest rate, from its start to its end; faster than ordered it is another total."""
    watch = _begun(order(programme=FORTY_ML, accepted="severe pain"))
    flowing = watch._replace(pace_nl_h=17_500_000)
    for minute in range(0, 136, 5):
        nl = 17_500_000 * minute // 60
        at = flowing._replace(given_nl=nl, given_e6_p=nl * 2 * PG_PER_MG)
        assert list(total_findings(at, SETUP, 0)) == []


def test_a_reason_for_another_limit_accepts_no_total() -> None:
    """An order of 70 mg with a reason, for whatever limit, passes no total: past 70 mg it is told."""
    watch = _begun(order(accepted="severe pain"))
    assert watch.accepted == ()
    assert _at(watch, 70 * MG) == []
    assert _at(watch, 70 * MG + 1) == [(SOFT, "70 mg in this infusion")]


def test_of_several_totals_only_the_passed_one_is_accepted() -> None:
    """What one infusion comes to is accepted; the series, lawful at the order, still has its limit."""
    had = PatientDose(PATIENT, "ketamine", DoseAccount(DAY_NS), 200 * MG)
    watch = _begun(order(programme=FORTY_ML, accepted="severe pain"), had=had)
    assert [one.cause for one in watch.accepted] == ["in this infusion"]
    more = watch._replace(dose=had._replace(series_e6_p=280 * MG + 1))
    assert _at(more, 80 * MG) == [(SOFT, "280 mg in this series")]


def test_what_was_had_before_counts_in_what_is_accepted() -> None:
    """60 mg today and 70 mg ordered are 130 in a window of 120: accepted to 130, and no further."""
    day = TotalLimit(TotalOver.WINDOW, Bounds(soft_max=DrugAmount.parse("120 mg")), 24 * 3600)
    account = DoseAccount(DAY_NS).plus(Stretch(-NS_PER_H, 0, 60 * MG), 0)
    had = PatientDose(PATIENT, "ketamine", account)
    watch = _begun(order(accepted="severe pain"), replace(FULL_ENTRY, totals=(day,)), had)
    (one,) = watch.accepted
    assert 130 * MG <= one.up_to <= 130 * MG + NANOSECOND
    assert one.cause == "within 24 h"


def test_a_change_is_accepted_with_what_flowed_before() -> None:
    """After 30 of 40 mL by volume the whole order still comes to 80 mg, not to more and not to less."""
    made = order(programme=FORTY_ML, accepted="severe pain", reason="pain")
    before = _begun(order())._replace(given_e6_p=60 * MG, given_nl=30 * NL_PER_ML)
    bounds = bounds_of(FULL_ENTRY, made.programme)
    check_totals(made, before.dose, before, bounds, 0)
    (one,) = accepted_totals(made, before.dose, before, bounds, NOW)
    assert 80 * MG <= one.up_to <= 80 * MG + NANOSECOND


def test_an_order_without_an_end_is_refused_with_a_reason_too() -> None:
    """It comes to no amount that somebody could accept."""
    endless = order(programme=programme(volume=None, duration_s=None), accepted="severe pain")
    soft = TotalLimit(TotalOver.INFUSION, Bounds(soft_max=DrugAmount.parse("1 mg/kg")))
    with pytest.raises(ValueError, match=r"at most 70 mg in this infusion.*write a volume or a duration"):
        _begun(endless, replace(FULL_ENTRY, totals=(soft,)))
