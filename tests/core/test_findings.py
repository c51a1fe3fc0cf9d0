"""What a hostile reading of the core found, pinned: acknowledgements that hid, pauses that came wrong."""

from __future__ import annotations

from dataclasses import replace

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.restraint_gate import RestraintGate
from pumpd.core.state import Acknowledge, RestraintOutcome, WrongDevice
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus
from tests.core.situations import SETUP, Bedside, events, pauses


def test_one_pause_speaks_for_every_cause_that_was_broken() -> None:
    """A pump restarted by hand at the flow it was paused at is not paused again for the other cause."""
    bed = Bedside()
    (pause,) = pauses(bed.every_second(["61", "61"]))
    bed.give(RestraintOutcome(pause.cause, True, pause.measured, pause.allowed))
    bed.every_second(["0"] * 10, status=PumpStatus.PAUSED)
    assert pauses(bed.every_second(["61"] * 5)) == []


def test_a_pause_that_a_crash_interrupted_is_asked_again_or_told() -> None:
    """The record says asked, not done: after a restart the pump is paused, or people hear that it was not."""
    bed = Bedside()
    assert pauses(bed.every_second(["40", "40"]))
    bed.restart()
    seen = bed.every_second(["40"] * 5)
    assert pauses(seen) or bed.alarm(ConditionId.RESTRAINT_FAILED) is not None


def test_a_reading_too_old_to_be_live_pauses_nothing() -> None:
    """A reading that was held up for longer than the stale limit says nothing of the pump as it is."""
    bed = Bedside()
    bed.every_second(["40"])
    late = bed.reading("40")
    bed.now_ns += 20 * NS_PER_S
    assert pauses(bed.give(late)) == []


def test_an_acknowledged_nonsense_battery_does_not_hide_a_flow_nobody_knows() -> None:
    """Acknowledging one invalid value never hides another one."""
    bed = Bedside()
    bad_battery: Measured[int] = Measured.invalid("255")
    bed.every_second(["10"] * 8, battery_percent=bad_battery)
    alarm = bed.alarm(ConditionId.INVALID_VALUE)
    assert alarm is not None
    bed.give(Acknowledge(ConditionId.INVALID_VALUE, alarm.revision, "A. Nurse"))
    bed.every_second(["10"] * 20, battery_percent=bad_battery, flow=Measured.invalid("65535"))
    assert bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.ON


def test_an_acknowledged_other_alarm_does_not_hide_the_next() -> None:
    """Two alarms that pumpd can not name are two alarms."""
    bed = Bedside()
    other = frozenset({PumpAlarm.OTHER})
    bed.every_second(["10"] * 2, alarms=other, raw_alarms=("bit 11",))
    alarm = bed.alarm(ConditionId.PUMP_OTHER)
    assert alarm is not None
    bed.give(Acknowledge(ConditionId.PUMP_OTHER, alarm.revision, "A. Nurse"))
    seen = bed.every_second(["10"] * 2, alarms=other, raw_alarms=("bit 11", "bit 12"))
    assert events(seen)
    assert bed.signal(ConditionId.PUMP_OTHER) is AlarmSignal.ON


def test_a_soft_alarm_does_not_end_because_the_flow_is_unknown() -> None:
    """Without a flow no limit can be judged: its alarm stays as it is."""
    bed = Bedside()
    bed.every_second(["20"] * 40)
    assert bed.signal(ConditionId.OVER_SOFT) is AlarmSignal.ON
    bed.every_second([None] * 10, flow=Measured.invalid("65535"))
    assert bed.signal(ConditionId.OVER_SOFT) is AlarmSignal.ON


def test_an_acknowledged_failed_pause_does_not_hide_the_next_failure() -> None:
    """A second pause that failed, for another cause, is told anew."""
    bed = Bedside()
    (pause,) = pauses(bed.every_second(["40", "40"]))
    bed.give(RestraintOutcome(pause.cause, False, pause.measured, pause.allowed))
    alarm = bed.alarm(ConditionId.RESTRAINT_FAILED)
    assert alarm is not None
    bed.give(Acknowledge(ConditionId.RESTRAINT_FAILED, alarm.revision, "A. Nurse"))
    (again,) = pauses(bed.every_second(["61"] * 2))[:1]
    bed.give(RestraintOutcome(again.cause, False, again.measured, again.allowed))
    assert bed.signal(ConditionId.RESTRAINT_FAILED) is AlarmSignal.ON


def test_another_wrong_pump_in_the_place_of_the_first_is_told() -> None:
    """An acknowledged wrong pump does not stand for the next wrong pump."""
    bed = Bedside()
    bed.give(WrongDevice("serial 7", "serial 1"))
    alarm = bed.alarm(ConditionId.WRONG_DEVICE)
    assert alarm is not None
    bed.give(Acknowledge(ConditionId.WRONG_DEVICE, alarm.revision, "A. Nurse"))
    bed.give(WrongDevice("serial 8", "serial 1"))
    assert bed.signal(ConditionId.WRONG_DEVICE) is AlarmSignal.ON


def test_too_fast_never_reads_like_within_the_limit() -> None:
    """The words of an alarm show a measured value above what is allowed."""
    bed = Bedside(replace(SETUP, flow_step=FlowRate.parse("0.01")))
    bed.every_second(["35.01"] * 3)
    alarm = bed.alarm(ConditionId.OVER_HARD)
    assert alarm is not None
    assert alarm.measured != alarm.allowed


def test_an_acknowledged_overdose_that_grows_is_told_anew() -> None:
    """More than a tenth above the flow that was acknowledged is a worse alarm; less is the same one."""
    bed = Bedside(replace(SETUP, gate=RestraintGate()))
    bed.every_second(["40"] * 3)
    alarm = bed.alarm(ConditionId.OVER_HARD)
    assert alarm is not None
    bed.give(Acknowledge(ConditionId.OVER_HARD, alarm.revision, "A. Nurse"))
    bed.every_second(["44"] * 3)
    assert bed.signal(ConditionId.OVER_HARD) is AlarmSignal.ACKNOWLEDGED
    bed.every_second(["44.1"] * 3)
    assert bed.signal(ConditionId.OVER_HARD) is AlarmSignal.ON


def test_a_settled_pause_is_not_asked_again_after_a_restart() -> None:
    """Once the outcome is on record, a restart of the daemon does not pause the same pump again."""
    bed = Bedside()
    (pause,) = pauses(bed.every_second(["40", "40"]))
    bed.give(RestraintOutcome(pause.cause, True, pause.measured, pause.allowed))
    bed.restart()
    assert pauses(bed.every_second(["40"] * 5)) == []
