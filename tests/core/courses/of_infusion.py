"""Courses of the conditions of an infusion."""

from __future__ import annotations

from dataclasses import replace

from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import BolusLimits, Bounds, DoseLimits, DrugLimits, TotalLimit, TotalOver
from pumpd.core.infusion_due import with_bounds
from pumpd.core.infusion_record import ProgrammeVersion
from pumpd.core.infusion_setup import under
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import FlowRate
from pumpd.core.state import Ordered
from pumpd.core.telemetry import Measured, PumpStatus
from pumpd.core.total_dose import DoseAccount
from tests.core.courses.bed import COUNTED, Act, Counted, Course, runs, stands
from tests.core.infusion_scene import AT, FULL_ENTRY, PATIENT, dose, infusion, programme
from tests.core.situations import ENTRY

BARE = replace(COUNTED, programme=None, entry=None)
TWO_MINUTES = programme(volume=None, duration_s=120)
"""At 10 mL/h 0.667 mg."""


def _limited(**bounds: DrugAmount) -> DrugLimits:
    return replace(FULL_ENTRY, totals=(TotalLimit(TotalOver.INFUSION, Bounds(**bounds)),))


def begins(entry: DrugLimits = FULL_ENTRY, ordered: object = None) -> Act:
    """Return: an infusion is begun on it."""

    def act(bed: Counted) -> None:
        version = ProgrammeVersion(1, ordered or programme(), dose("0.3"), "A. Nurse", AT)  # type: ignore[arg-type]
        given = PatientDose(PATIENT, "ketamine", DoseAccount(0))
        watch = InfusionWatch(infusion(entry, versions=(version,)), bed.now_ns, given)
        bed.setup = under(BARE, watch)
        bed.told += bed.give(Ordered(bed.setup, with_bounds(watch), afresh=True))

    return act


def ended_on_paper(bed: Counted) -> None:
    """Let a nurse write down its end."""
    assert bed.state.watch is not None
    watch = bed.state.watch._replace(ended_ns=bed.now_ns)
    bed.setup = under(BARE, watch)
    bed.told += bed.give(Ordered(bed.setup, watch))


def looked_at(bed: Counted) -> None:
    """Let somebody look at the patient."""
    assert bed.state.watch is not None
    bed.told += bed.give(Ordered(bed.setup, bed.state.watch._replace(looked_ns=bed.now_ns)))


def turned_to(seconds: int, ml_per_h: str) -> Act:
    """Return: it runs as it is set; 0.1 mg/kg/h of 70 kg are 3.5 mL/h, and its step is 0.1 mL/h."""
    return runs(seconds, ml_per_h, set_flow=Measured.valid(FlowRate.parse(ml_per_h)))


MOST = DrugAmount.parse("0.01 mg/kg")
"""0.7 mg."""


def at_once(**bounds: DrugAmount) -> DrugLimits:
    """Return limits of one bolus, and of the flow only that 35 mL/h are too fast."""
    only = DoseLimits(hard_max=dose("1"))
    return replace(ENTRY, dose_rate=only, bolus=BolusLimits(Bounds(**bounds), 0, 0))


def bolus(seconds: int, ml_per_h: str = "30") -> Act:
    """Return: it gives a bolus, 8.3 uL a second; 0.7 mg are 0.35 mL, shown after 43 s."""
    return runs(seconds, ml_per_h, status=PumpStatus.BOLUS)


SHORT = replace(FULL_ENTRY, duration_s=Bounds(soft_max=120))
COURSES = {
    ConditionId.TOTAL_DOSE_HARD: Course(
        (runs(125),),
        (runs(115),),
        (stands(3),),
        setup=BARE,
        before=(begins(_limited(hard_max=MOST), TWO_MINUTES),),
    ),
    ConditionId.TOTAL_DOSE_SOFT: Course(
        (runs(125),),
        (runs(115),),
        (stands(3),),
        setup=BARE,
        before=(begins(_limited(soft_max=MOST), TWO_MINUTES),),
    ),
    ConditionId.BOLUS_HARD: Course(
        (bolus(43),), (bolus(42), runs(5)), (runs(2),), setup=replace(COUNTED, entry=at_once(hard_max=MOST))
    ),
    ConditionId.BOLUS_SOFT: Course(
        (bolus(43),), (bolus(42), runs(5)), (runs(2),), setup=replace(COUNTED, entry=at_once(soft_max=MOST))
    ),
    ConditionId.TITRATION: Course(
        (turned_to(11, "13.6"),),
        (turned_to(11, "13.5"),),
        (turned_to(7, "10"),),
        setup=BARE,
        before=(begins(), turned_to(5, "10")),
    ),
    ConditionId.STILL_RUNNING: Course(
        (runs(11),),
        (runs(10), stands(20)),
        (stands(7),),
        setup=BARE,
        before=(begins(), runs(20), ended_on_paper),
    ),
    ConditionId.OBSERVATION_DUE: Course(
        (runs(896),), (runs(895),), (looked_at,), setup=BARE, before=(begins(), runs(5))
    ),
    ConditionId.NOT_STARTED: Course(
        (stands(300),), (stands(299),), (runs(2),), setup=BARE, before=(begins(),)
    ),
    ConditionId.DURATION: Course(
        (runs(121),), (runs(120),), (stands(2),), setup=BARE, before=(begins(SHORT), runs(1))
    ),
    ConditionId.LONG_PAUSE: Course(
        (stands(301),), (stands(300),), (runs(2),), setup=BARE, before=(begins(), runs(5))
    ),
}
