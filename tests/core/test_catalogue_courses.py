"""Six tests for each condition: raised, not just below, cleared, latched, acknowledged, kept."""

from __future__ import annotations

import pytest

from pumpd.core.alarms import Alarm, AlarmEvent, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.state import Acknowledge
from tests.core.courses import COURSES, NODE_COURSES, Patient
from tests.core.courses.bed import Counted
from tests.core.courses.of_delivery import presses
from tests.core.situations import events

ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
LATCHING = {
    "air",
    "alert-loop",
    "battery-depleted",
    "bolus-hard",
    "bolus-soft",
    "door",
    "empty",
    "flow-ceiling",
    "frame-blocked",
    "free-flow",
    "line-lost",
    "link-lost",
    "occlusion",
    "occlusion-upstream",
    "off-line-delivers",
    "over-hard",
    "over-infusion",
    "pump-fault",
    "rate-lowered",
    "restrained",
    "restraint-failed",
    "reverse-flow",
    "state-unreadable",
    "still-running",
    "ten-fold",
    "total-dose-hard",
    "total-dose-soft",
    "volume-exceeded",
    "wrong-device",
}
"""What a person must have seen although it is over: the patient may have come to harm by it."""
each = pytest.mark.parametrize("condition", list(ConditionId), ids=lambda c: c.value)
pytestmark = pytest.mark.requirement("DELIVERY-6")


def _broken(condition: ConditionId) -> tuple[Patient, Alarm]:
    patient = Patient(condition)
    patient.take("breaks")
    alarm = patient.bed.alarm(condition)
    assert alarm is not None
    assert alarm.signal is ON
    return patient, alarm


def _raised(patient: Patient) -> list[ConditionId]:
    return [c for c, event in events(patient.bed.told) if event is AlarmEvent.RAISE]


def test_every_condition_has_its_course() -> None:
    """A condition without all six tests fails here, and so does a course of none."""
    assert set(COURSES) | set(NODE_COURSES) == set(ConditionId)
    assert set(COURSES) & set(NODE_COURSES) == set()


@each
def test_it_is_raised(condition: ConditionId) -> None:
    """What breaks it raises it, once, at the priority of the catalogue, and raises nothing else."""
    patient, alarm = _broken(condition)
    assert alarm.priority is CATALOGUE[condition].priority
    assert [c for c in _raised(patient) if c not in patient.course.beside] == [condition]
    assert "{" not in alarm.title + alarm.action


@each
def test_it_is_not_raised_just_below(condition: ConditionId) -> None:
    """What nearly breaks it raises nothing at all, but what is meant to be told there."""
    patient = Patient(condition)
    patient.take("nearly")
    assert set(_raised(patient)) <= patient.course.beside - {condition}


@each
def test_it_clears_or_latches(condition: ConditionId) -> None:
    """When it has ended it is off; what may have done harm stays until a person has seen it."""
    patient, _ = _broken(condition)
    patient.take("ends")
    assert patient.bed.signal(condition) is (LATCHED if condition.value in LATCHING else OFF)


@each
def test_a_latched_one_ends_when_it_is_seen(condition: ConditionId) -> None:
    """What latched is off after an acknowledgement, and nothing else can be acknowledged then."""
    patient, _ = _broken(condition)
    patient.take("ends")
    alarm = patient.bed.alarm(condition)
    if alarm is not None:
        patient.bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    assert patient.bed.signal(condition) is OFF
    assert (alarm is not None) is (condition.value in LATCHING)


@each
def test_it_is_acknowledged_by_name_and_not_told_again(condition: ConditionId) -> None:
    """Somebody has it: while it stays as bad as it was nobody is told anew, and when it ends it is off."""
    patient, alarm = _broken(condition)
    patient.bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    assert patient.bed.signal(condition) is ACK
    patient.bed.told.clear()
    patient.take("ends")
    assert patient.bed.signal(condition) is OFF
    assert condition not in _raised(patient)


@each
def test_it_outlives_a_restart_and_is_not_sounded_anew(condition: ConditionId) -> None:
    """After a restart it stays acknowledged while nothing can be judged, and ends when it is over."""
    patient, alarm = _broken(condition)
    patient.bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    patient.bed.restart()
    patient.bed.told.clear()
    patient.bed.wait(1)
    assert patient.bed.signal(condition) is ACK
    patient.take("ends")
    assert patient.bed.signal(condition) is OFF
    assert (condition, AlarmEvent.RAISE) not in events(patient.bed.told)
    assert (condition, AlarmEvent.WORSEN) not in events(patient.bed.told)


def test_a_rising_pressure_is_told_by_the_reading_that_completes_its_last_part() -> None:
    """A closed line at 5 mL/h: the fifth part ends with the nineteenth second, and that reading tells it."""
    rising = ConditionId.PRESSURE_RISING
    bed = Patient(rising).bed
    assert isinstance(bed, Counted)
    for seconds, signal in ((18, OFF), (1, ON)):
        presses(seconds, 1 / 3)(bed)
        assert bed.signal(rising) is signal
