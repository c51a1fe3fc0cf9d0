"""Courses of the conditions of what was delivered."""

from __future__ import annotations

from dataclasses import replace

from pumpd.core.conditions import ConditionId
from pumpd.core.occlusion import line_of
from pumpd.core.quantities import Volume
from pumpd.core.state import PumpSetup
from tests.core.courses.bed import COUNTED, Act, Counted, Course, runs, set_up_as, stands
from tests.core.situations import PROGRAMME

LINED = replace(COUNTED, line=line_of(10, 300))
"""A closed line rises by 28 kPa in 84 uL."""


def ordering(ml: str) -> PumpSetup:
    """Return a pump under an order for so much."""
    return replace(COUNTED, programme=replace(PROGRAMME, volume=Volume.parse(ml)))


def presses(seconds: int, kpa_per_ul: float) -> Act:
    """Return: it runs at 5 mL/h, and the pressure rises with each microlitre."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.kpa += kpa_per_ul * 5 / 3.6
            runs(1, "5")(bed)

    return act


def opened(bed: Counted) -> None:
    """Let the line be open again."""
    bed.kpa = 2.0
    runs(60, "5")(bed)


def jumps(nl: float) -> Act:
    """Return: its counter jumps."""

    def act(bed: Counted) -> None:
        bed.counter_nl += nl

    return act


COURSES = {
    ConditionId.FREE_FLOW: Course(
        (stands(60), stands(3, leaks_nl_s=20_000), stands(1)),
        (stands(60), stands(3, leaks_nl_s=1_000), stands(60)),
        (stands(310),),
        setup=COUNTED,
    ),
    ConditionId.REVERSE_FLOW: Course(
        (stands(2), jumps(-100_000), stands(2)),
        (stands(2), jumps(-100_000), stands(1), jumps(100_000), stands(5)),
        (stands(62),),
        setup=COUNTED,
    ),
    ConditionId.OVER_INFUSION: Course(
        (runs(60, percent=140),), (runs(900, percent=109.9),), (runs(620),), setup=ordering("50")
    ),
    ConditionId.UNDER_INFUSION: Course(
        (runs(320, percent=85),), (runs(900, percent=90.1),), (runs(620),), setup=ordering("50")
    ),
    ConditionId.SILENT_STOP: Course(
        (runs(3, counts=False),), (runs(1, counts=False),), (runs(3),), setup=COUNTED
    ),
    ConditionId.VOLUME_EXCEEDED: Course(
        (runs(385),),
        (runs(370),),
        (set_up_as(ordering("9")), runs(2)),
        setup=ordering("1"),
        beside=frozenset({ConditionId.NEAR_END}),
    ),
    ConditionId.TEN_FOLD: Course((runs(2, "35"),), (runs(5, "34.9"),), (runs(4, "17"),), setup=COUNTED),
    ConditionId.PRESSURE_RISING: Course((presses(30, 1 / 3),), (presses(120, 0.08),), (opened,), setup=LINED),
    ConditionId.COUNTER_FROZEN: Course(
        (runs(3, counts=False),), (runs(300),), (runs(3),), setup=COUNTED, to_come_nl=40_000_000
    ),
    ConditionId.COUNTER_RESET: Course(
        (jumps(-5_012_000), runs(2)),
        (jumps(-5_012_000), runs(1), jumps(5_012_000), runs(9)),
        (runs(62),),
        setup=COUNTED,
    ),
}
