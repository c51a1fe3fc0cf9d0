"""Six tests for each condition of delivery: raised, not just below, cleared, latched, acknowledged, kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from pumpd.core.alarms import AlarmEvent, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.catalogue_delivery import OF_DELIVERY
from pumpd.core.conditions import ConditionId
from pumpd.core.occlusion import line_of
from pumpd.core.quantities import NS_PER_S, Volume
from pumpd.core.state import Acknowledge, Effect, PumpSetup
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests.core.situations import PROGRAMME, SETUP, Bedside, events

ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
COUNTED = replace(SETUP, counter_step=Volume(1_000))
STEP_NL = 1_000


def _ordering(ml: str) -> PumpSetup:
    return replace(COUNTED, programme=replace(PROGRAMME, volume=Volume.parse(ml)))


@dataclass
class Counted(Bedside):
    """A pump whose counter counts, in steps of a microlitre."""

    setup: PumpSetup = COUNTED
    counter_nl: float = 5_000_000
    to_come_nl: float | None = None
    kpa: float = 2.0
    told: list[Effect] = field(default_factory=list)

    def show(self, ml_per_h: str = "0", **other: object) -> None:
        """Read it now."""
        to_come = missing() if self.to_come_nl is None else Measured.valid(Volume(int(self.to_come_nl)))
        counter = Volume(int(self.counter_nl) // STEP_NL * STEP_NL)
        said = {
            "volume": Measured.valid(counter),
            "volume_to_be_infused": to_come,
            "pressure_kpa_e1": Measured.valid(round(10 * self.kpa)),
            **other,
        }
        self.told += self.read(ml_per_h, **said)


LINED = replace(COUNTED, line=line_of(10, 300))
"""A closed line rises by 28 kPa in 84 uL."""

Act = Callable[[Counted], None]


def runs(seconds: int, ml_per_h: str = "10", percent: float = 100, *, counts: bool = True) -> Act:
    """Return: it is read once a second while it delivers ``percent`` of what it is set to."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.now_ns += NS_PER_S
            moved_nl = float(ml_per_h) * 1e6 / 3600 * percent / 100
            bed.counter_nl += moved_nl if counts else 0
            if bed.to_come_nl is not None:
                bed.to_come_nl -= moved_nl
            bed.show(ml_per_h)

    return act


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


def stands(seconds: int, leaks_nl_s: float = 0.0) -> Act:
    """Return: it stands stopped while its counter moves by itself."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.now_ns += NS_PER_S
            bed.counter_nl += leaks_nl_s
            bed.show("0", status=PumpStatus.STOPPED)

    return act


def jumps(nl: float) -> Act:
    """Return: its counter jumps."""

    def act(bed: Counted) -> None:
        bed.counter_nl += nl

    return act


def ordered_anew(bed: Counted) -> None:
    """Let the order be for more."""
    bed.setup = _ordering("9")
    bed.state = replace(bed.state, setup=bed.setup, counter=bed.setup.counter())
    runs(2)(bed)


@dataclass(frozen=True)
class Course:
    """What leads to a condition, what nearly does, and what ends it."""

    breaks: tuple[Act, ...]
    nearly: tuple[Act, ...]
    ends: Act
    setup: PumpSetup = COUNTED
    to_come_nl: float | None = None


COURSES: dict[ConditionId, Course] = {
    ConditionId.FREE_FLOW: Course(
        (stands(60), stands(3, leaks_nl_s=20_000), stands(1)),
        (stands(60), stands(3, leaks_nl_s=1_000), stands(60)),
        stands(310),
    ),
    ConditionId.REVERSE_FLOW: Course(
        (stands(2), jumps(-100_000), stands(2)),
        (stands(2), jumps(-100_000), stands(1), jumps(100_000), stands(5)),
        stands(62),
    ),
    ConditionId.OVER_INFUSION: Course(
        (runs(60, percent=140),), (runs(900, percent=109.9),), runs(620), setup=_ordering("50")
    ),
    ConditionId.UNDER_INFUSION: Course(
        (runs(320, percent=85),), (runs(900, percent=90.1),), runs(620), setup=_ordering("50")
    ),
    ConditionId.SILENT_STOP: Course((runs(3, counts=False),), (runs(1, counts=False),), runs(3)),
    ConditionId.VOLUME_EXCEEDED: Course((runs(385),), (runs(370),), ordered_anew, setup=_ordering("1")),
    ConditionId.TEN_FOLD: Course((runs(2, "35"),), (runs(5, "34.9"),), runs(4, "17")),
    ConditionId.PRESSURE_RISING: Course((presses(30, 1 / 3),), (presses(120, 0.08),), opened, setup=LINED),
    ConditionId.COUNTER_FROZEN: Course(
        (runs(3, counts=False),), (runs(300),), runs(3), to_come_nl=40_000_000
    ),
    ConditionId.COUNTER_RESET: Course(
        (jumps(-5_012_000), runs(2)), (jumps(-5_012_000), runs(1), jumps(5_012_000), runs(9)), runs(62)
    ),
}
LATCHING = {
    ConditionId.FREE_FLOW,
    ConditionId.REVERSE_FLOW,
    ConditionId.OVER_INFUSION,
    ConditionId.VOLUME_EXCEEDED,
    ConditionId.TEN_FOLD,
}
"""What a person must have seen although it is over: too much has reached the patient, or may have."""
each = pytest.mark.parametrize("condition", [c.id for c in OF_DELIVERY], ids=lambda c: c.value)
pytestmark = pytest.mark.requirement("DELIVERY-6", "CORE-8")


def _at(condition: ConditionId) -> tuple[Counted, Course]:
    course = COURSES[condition]
    bed = Counted(course.setup, to_come_nl=course.to_come_nl)
    runs(5)(bed)
    return bed, course


def _broken(condition: ConditionId) -> tuple[Counted, Course]:
    bed, course = _at(condition)
    for act in course.breaks:
        act(bed)
    assert bed.signal(condition) is ON
    return bed, course


@each
def test_it_is_raised(condition: ConditionId) -> None:
    """What breaks it raises it, once, at the priority of the catalogue, and raises nothing else."""
    bed, _ = _broken(condition)
    alarm = bed.alarm(condition)
    assert alarm is not None
    assert alarm.priority is CATALOGUE[condition].priority
    assert [e for e in events(bed.told) if e[1] is AlarmEvent.RAISE] == [(condition, AlarmEvent.RAISE)]
    assert "{" not in alarm.title


@each
def test_it_is_not_raised_just_below(condition: ConditionId) -> None:
    """What nearly breaks it raises nothing at all of delivery."""
    bed, course = _at(condition)
    for act in course.nearly:
        act(bed)
    of_delivery = {c.id for c in OF_DELIVERY}
    assert [e for e in events(bed.told) if e[0] in of_delivery] == []


@each
def test_it_clears_or_latches(condition: ConditionId) -> None:
    """When it has ended it is off; what may have been too much stays until a person has seen it."""
    bed, course = _broken(condition)
    course.ends(bed)
    assert bed.signal(condition) is (LATCHED if condition in LATCHING else OFF)


@each
def test_a_latched_one_ends_when_it_is_seen(condition: ConditionId) -> None:
    """What latched is off after an acknowledgement, and is raised anew by the next time."""
    bed, course = _broken(condition)
    course.ends(bed)
    alarm = bed.alarm(condition)
    if alarm is not None:
        bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    assert bed.signal(condition) is OFF
    assert (alarm is not None) is (condition in LATCHING)


@each
def test_it_is_acknowledged_by_name_and_not_told_again(condition: ConditionId) -> None:
    """Somebody has it: while it stays as bad as it was nobody is told anew, and when it ends it is off."""
    bed, course = _broken(condition)
    alarm = bed.alarm(condition)
    assert alarm is not None
    bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    assert bed.signal(condition) is ACK
    course.ends(bed)
    assert bed.signal(condition) is OFF


@each
def test_it_outlives_a_restart_and_is_not_sounded_anew(condition: ConditionId) -> None:
    """After a restart it stays acknowledged while nothing can be judged, and ends when it is over."""
    bed, course = _broken(condition)
    alarm = bed.alarm(condition)
    assert alarm is not None
    bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    bed.restart()
    bed.told.clear()
    bed.wait(1)
    assert bed.signal(condition) is ACK
    bed.show("10" if bed.state.last is None else "0")
    course.ends(bed)
    assert bed.signal(condition) is OFF
    assert (condition, AlarmEvent.RAISE) not in events(bed.told)
    assert (condition, AlarmEvent.WORSEN) not in events(bed.told)


def test_a_rising_pressure_is_told_by_the_reading_that_completes_its_last_part() -> None:
    """A closed line at 5 mL/h: the fifth part ends with the nineteenth second, and that reading tells it."""
    bed, _ = _at(ConditionId.PRESSURE_RISING)
    presses(18, 1 / 3)(bed)
    assert bed.signal(ConditionId.PRESSURE_RISING) is OFF
    presses(1, 1 / 3)(bed)
    assert bed.signal(ConditionId.PRESSURE_RISING) is ON


def test_every_condition_of_delivery_has_its_course() -> None:
    """A condition without all six tests fails here."""
    assert set(COURSES) == {c.id for c in OF_DELIVERY}
