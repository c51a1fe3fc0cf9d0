"""Limits of an infusion at their very value: flow, total, and what was accepted with a reason."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from pumpd.core.acceptance import Acceptance
from pumpd.core.alarms import AlarmSignal
from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Bounds, DoseLimits, TotalLimit, TotalOver
from pumpd.core.infusion_due import total_findings, with_bounds
from pumpd.core.infusion_order import check_order
from pumpd.core.infusion_setup import set_under, under
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG, FlowRate, Weight
from pumpd.core.restraints import RestraintPhase, RestraintRecord
from pumpd.core.state import Ordered, PumpSetup, new_state
from pumpd.core.telemetry import Provenance
from pumpd.core.total_dose import DoseAccount, Stretch
from tests.core.courses.bed import Counted, silent, stands
from tests.core.courses.of_infusion import begins, ended_on_paper
from tests.core.infusion_scene import FULL_ENTRY, PATIENT, STEP, dose, infusion, order, programme
from tests.core.situations import SETUP, START, Bedside

pytestmark = pytest.mark.requirement("INF-1")
MG = PG_PER_MG * NL_PER_ML
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(24 * NS_PER_H))
SIXTY_KG = Weight.parse(60)
"""1 mg/kg/h are 30 mL/h here, to the nanolitre."""
COUNTER_FREE = replace(SETUP, counter_step=None)


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (Bounds(hard_max=FlowRate.parse(30)), ""),
        (Bounds(hard_max=FlowRate.parse("29.999999")), "flow above the library's hard limit"),
        (Bounds(hard_min=FlowRate.parse(3)), ""),
        (Bounds(hard_min=FlowRate.parse("3.000001")), "flow below the library's hard minimum"),
    ],
)
def test_a_limit_of_the_flow_is_itself_allowed(flow: Bounds[FlowRate], words: str) -> None:
    """0.1 to 1 mg/kg/h for 60 kg are 3 to 30 mL/h: the limit belongs to what is allowed."""
    entry = replace(FULL_ENTRY, flow=flow, dose_rate=DoseLimits(hard_max=dose("1")))
    wide = order(programme=programme(weight=SIXTY_KG, dose_max=dose("1")))
    if not words:
        check_order(wide, entry, STEP, None)
        return
    with pytest.raises(ValueError, match=words):
        check_order(wide, entry, STEP, None)


def _under(low: str, high: str, accepted: str) -> PumpSetup:
    made = infusion()
    version = replace(
        made.begun, programme=programme(dose_min=dose(low), dose_max=dose(high)), accepted=accepted
    )
    return under(SETUP, InfusionWatch(replace(made, versions=(version,)), 0, NOTHING))


@pytest.mark.parametrize(
    ("low", "high", "accepted", "soft"),
    [
        ("0.1", "0.5", "pain", ("0.1", "0.5")),
        ("0.2", "0.4", "pain", ("0.1", "0.5")),
        ("0.2", "0.6", "pain", ("0.1", "0.6")),
        ("0.06", "0.4", "pain", ("0.06", "0.5")),
        ("0.06", "0.6", "", ("0.1", "0.5")),
    ],
)
def test_a_soft_limit_gives_way_to_what_was_accepted_and_no_further(
    low: str, high: str, accepted: str, soft: tuple[str, str]
) -> None:
    """Up to the ordered dose, on its own side alone, and only with a reason; hard limits stay."""
    entry = _under(low, high, accepted).entry
    assert entry is not None
    limits = entry.dose_rate
    assert (limits.soft_min, limits.soft_max) == (dose(soft[0]), dose(soft[1]))
    assert (limits.hard_min, limits.hard_max) == (dose("0.05"), dose("1"))


def test_an_entry_without_soft_limits_gets_none() -> None:
    """What is not there can not give way."""
    entry = replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("1")))
    made = infusion(entry)
    version = replace(made.begun, accepted="pain")
    setup = under(SETUP, InfusionWatch(replace(made, versions=(version,)), 0, NOTHING))
    assert setup.entry is not None
    assert setup.entry.dose_rate == DoseLimits(hard_max=dose("1"))


@pytest.mark.parametrize(
    ("signed_for", "now_signed", "signed"),
    [
        (frozenset({Provenance.DEMO}), True, True),
        (frozenset({Provenance.REAL}), True, False),
        (frozenset(), True, False),
        (frozenset({Provenance.DEMO}), False, False),
    ],
)
def test_pausing_needs_both_libraries_signed(
    signed_for: frozenset[Provenance], now_signed: bool, signed: bool
) -> None:
    """The one it was begun with, for pumps like this one, and the present one."""
    setup = replace(SETUP, gate=replace(SETUP.gate, library_signed=now_signed))
    watch = InfusionWatch(infusion(signed_for=signed_for), 0, NOTHING)
    assert under(setup, watch).gate.library_signed is signed
    assert under(setup, None) is setup


@pytest.mark.parametrize(
    ("phase", "afresh", "kept"),
    [
        (RestraintPhase.IDLE, True, False),
        (RestraintPhase.ASKED, True, True),
        (RestraintPhase.IDLE, False, True),
    ],
)
def test_another_infusion_forgets_what_was_restrained_unless_it_is_under_way(
    phase: RestraintPhase, afresh: bool, kept: bool
) -> None:
    """A pause that is being asked for is told to its end; a change of the same infusion forgets nothing."""
    record = RestraintRecord(START, FlowRate.parse(40))
    state = replace(
        new_state(SETUP, Bedside().now),
        restraints=MappingProxyType({ConditionId.OVER_HARD: record}),
        phase=phase,
    )
    after = set_under(state, Ordered(SETUP, None, afresh=afresh))
    assert bool(after.restraints) is kept


def _told(watch: InfusionWatch, at_ns: int = 0) -> list[tuple[ConditionId, str]]:
    return [(c, f.measured) for c, f in total_findings(with_bounds(watch), COUNTER_FREE, at_ns)]


def _of(over: TotalOver, window_s: int | None = None, **amount: str) -> InfusionWatch:
    bounds = Bounds(**{name: DrugAmount.parse(value) for name, value in amount.items()})
    entry = replace(FULL_ENTRY, totals=(TotalLimit(over, bounds, window_s),))
    ordered = programme(volume=None, duration_s=7200)
    made = infusion(entry)
    made = replace(made, versions=(replace(made.begun, programme=ordered),))
    return InfusionWatch(made, 0, NOTHING)


@pytest.mark.parametrize(("more_e6_p", "told"), [(0, []), (1, [(ConditionId.TOTAL_DOSE_SOFT, "70 mg")])])
def test_a_total_that_is_just_the_soft_limit_is_lawful(
    more_e6_p: int, told: list[tuple[ConditionId, str]]
) -> None:
    """70 mg given and nothing more to come are 70 mg; a millionth of a picogram more is above."""
    watch = _of(TotalOver.INFUSION, soft_max="1 mg/kg", hard_max="1.5 mg/kg")
    seen = _told(watch._replace(given_e6_p=70 * MG + more_e6_p))
    assert seen == [(condition, f"{words} in this infusion") for condition, words in told]


@pytest.mark.parametrize(
    ("more_e6_p", "told"), [(0, [ConditionId.TOTAL_DOSE_SOFT]), (1, [ConditionId.TOTAL_DOSE_HARD])]
)
def test_a_total_that_is_just_the_hard_limit_is_not_above_it(more_e6_p: int, told: list[ConditionId]) -> None:
    """105 mg pass the soft limit alone; a millionth of a picogram more passes the hard one."""
    watch = _of(TotalOver.INFUSION, soft_max="1 mg/kg", hard_max="1.5 mg/kg")
    assert [condition for condition, _ in _told(watch._replace(given_e6_p=105 * MG + more_e6_p))] == told


@pytest.mark.parametrize(("more_e6_p", "told"), [(0, False), (1, True)])
def test_what_was_accepted_is_quiet_up_to_just_that(more_e6_p: int, told: bool) -> None:
    """80 mg were accepted where 70 are usual: so much is quiet, a millionth of a picogram more is told."""
    watch = _of(TotalOver.INFUSION, soft_max="1 mg/kg", hard_max="1.5 mg/kg")
    soft, cause = ConditionId.TOTAL_DOSE_SOFT, "in this infusion"
    one = Acceptance(soft, 80 * MG, "80 mg", "A. Nurse", START, "severe pain", cause)
    at = watch._replace(accepted=(one,), given_e6_p=80 * MG + more_e6_p)
    assert bool(_told(at)) is told


@pytest.mark.parametrize(("amount", "told"), [("5 mg", False), ("4.999 mg", True)])
def test_what_left_a_window_counts_no_more(amount: str, told: bool) -> None:
    """10 mg over an hour, half an hour ago: just 5 mg are in the window, the limit itself."""
    watch = _of(TotalOver.WINDOW, 3600, soft_max=amount)
    dose_had = watch.dose.plus(Stretch(0, NS_PER_H, 10 * MG), 1)
    assert bool(_told(watch._replace(dose=dose_had), NS_PER_H * 3 // 2)) is told


def test_an_infusion_that_is_ended_is_not_waited_for_even_without_a_reading() -> None:
    """Nobody started it, its pump is silent, and somebody writes down its end: the reminder goes."""
    bed = Counted()
    for act in (begins(), stands(1), silent(300)):
        act(bed)
    assert bed.signal(ConditionId.NOT_STARTED) is AlarmSignal.ON
    ended_on_paper(bed)
    assert bed.signal(ConditionId.NOT_STARTED) is AlarmSignal.OFF


def test_an_infusion_is_looked_at_to_its_end_and_a_window_over_its_length() -> None:
    """40 mg/h for two hours: 80 mg pass what an infusion may give, and never what an hour may hold."""
    assert _told(_of(TotalOver.INFUSION, hard_max="1.1 mg/kg")._replace(pace_nl_h=20 * NL_PER_ML)) == [
        (ConditionId.TOTAL_DOSE_HARD, "80 mg in this infusion")
    ]
    assert _told(_of(TotalOver.INFUSION, hard_max="1.2 mg/kg")._replace(pace_nl_h=20 * NL_PER_ML)) == []
    assert _told(_of(TotalOver.WINDOW, 3600, hard_max="0.6 mg/kg")._replace(pace_nl_h=20 * NL_PER_ML)) == []
    assert _told(_of(TotalOver.WINDOW, 3600, hard_max="0.5 mg/kg")._replace(pace_nl_h=20 * NL_PER_ML)) == [
        (ConditionId.TOTAL_DOSE_HARD, "40 mg within 1 h")
    ]


@pytest.mark.parametrize(("flowed_ns", "told"), [(7200 * NS_PER_S, True), (7200 * NS_PER_S - 1, False)])
def test_what_flows_on_at_its_end_is_looked_at_ten_minutes_ahead(flowed_ns: int, told: bool) -> None:
    """65 mg given: another ten minutes of 40 mg/h would pass 70; until its end nothing is left to come."""
    watch = _of(TotalOver.INFUSION, hard_max="1 mg/kg")
    at = watch._replace(pace_nl_h=20 * NL_PER_ML, given_e6_p=65 * MG, flowed_ns=flowed_ns)
    assert bool(_told(at)) is told
