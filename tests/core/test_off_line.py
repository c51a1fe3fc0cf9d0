"""A pump off the line: silent until its time, and told at once when it delivers or another answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pumpd.core.alarms import AlarmEvent, AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.inactivation import LONGEST_OFF_LINE_S, TakeOffLine
from pumpd.core.state import Acknowledge, WrongDevice
from pumpd.core.telemetry import PumpStatus
from tests.core.courses.bed import Counted, given, reads, runs, silent, stands
from tests.core.situations import events

ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
LOST, OFF_LINE, DELIVERS = ConditionId.LINK_LOST, ConditionId.OFF_LINE, ConditionId.OFF_LINE_DELIVERS
TAKEN = TakeOffLine("Ada", 600, "to be cleaned")
pytestmark = pytest.mark.requirement("OFFLINE-1")


def _off_line() -> Counted:
    bed = Counted()
    stands(5)(bed)
    given(TAKEN)(bed)
    return bed


def test_its_silence_is_no_alarm_until_its_time() -> None:
    """Not a second sooner and not a second later; then its lost link is told as ever."""
    bed = _off_line()
    alarm = bed.alarm(OFF_LINE)
    assert alarm is not None
    assert alarm.title.endswith("to be cleaned")
    silent(599)(bed)
    assert (bed.signal(OFF_LINE), bed.signal(LOST)) == (ON, OFF)
    silent(1)(bed)
    assert (bed.signal(OFF_LINE), bed.signal(LOST)) == (OFF, ON)


def test_who_took_it_and_why_is_told() -> None:
    """The transition carries name and reason, for the journal."""
    bed = _off_line()
    (raised,) = [e for e in bed.told if events([e]) == [(OFF_LINE, AlarmEvent.RAISE)]]
    assert (raised.by, raised.why) == ("Ada", "to be cleaned")  # type: ignore[union-attr]


def test_who_takes_it_has_its_lost_link() -> None:
    """A link that is lost already is that person's, and ends."""
    bed = Counted()
    for act in (runs(5), silent(20), given(TAKEN)):
        act(bed)
    assert (bed.signal(LOST), bed.signal(OFF_LINE)) == (OFF, ON)
    assert [e for c, e in events(bed.told) if c is LOST][-2:] == [AlarmEvent.ACKNOWLEDGE, AlarmEvent.CLEAR]


@pytest.mark.parametrize("status", [PumpStatus.RUNNING, PumpStatus.UNKNOWN])
def test_it_is_told_at_once_when_it_delivers(status: PumpStatus) -> None:
    """HIGH, by the first reading, and until somebody has seen it; it is off the line no more."""
    bed = _off_line()
    silent(30)(bed)
    reads(3, "10", status=status)(bed)
    alarm = bed.alarm(DELIVERS)
    assert alarm is not None
    assert (alarm.signal, alarm.priority) == (ON, AlarmPriority.HIGH)
    assert "10 mL/h" in alarm.title
    assert bed.signal(OFF_LINE) is OFF
    stands(1)(bed)
    assert bed.signal(DELIVERS) is LATCHED
    silent(16)(bed)
    assert bed.signal(LOST) is ON


def test_it_is_told_at_once_when_another_answers() -> None:
    """Whoever stands at its port now is not it."""
    bed = _off_line()
    given(WrongDevice("serial 9", "serial 1"))(bed)
    assert bed.signal(ConditionId.WRONG_DEVICE) is ON


def test_one_that_only_stands_there_is_no_alarm() -> None:
    """It may be tried on the bench without delivering."""
    bed = _off_line()
    stands(60)(bed)
    assert {c for c, _ in events(bed.told)} == {OFF_LINE}


def test_somebody_puts_it_back() -> None:
    """With no time at all it is back, and told as ever."""
    bed = _off_line()
    silent(60)(bed)
    given(TakeOffLine("Ben", 0, "it is clean"))(bed)
    assert bed.signal(OFF_LINE) is OFF
    silent(1)(bed)
    assert bed.signal(LOST) is ON


def test_its_time_is_kept_over_a_restart_and_an_acknowledgement() -> None:
    """Both leave it off the line."""
    bed = _off_line()
    alarm = bed.alarm(OFF_LINE)
    assert alarm is not None
    bed.give(Acknowledge(OFF_LINE, alarm.revision, "Ada"))
    bed.restart()
    silent(590)(bed)
    assert (bed.signal(OFF_LINE), bed.signal(LOST)) == (ACK, OFF)
    silent(11)(bed)
    assert (bed.signal(OFF_LINE), bed.signal(LOST)) == (OFF, ON)


@pytest.mark.parametrize(("by_s", "signal"), [(-5, ON), (-6, OFF), (570, OFF)])
def test_a_clock_that_can_not_be_trusted_ends_it(by_s: float, signal: AlarmSignal) -> None:
    """Set back behind its beginning, or forward beyond its end, it is over."""
    bed = _off_line()
    silent(30)(bed)
    bed.stepped = timedelta(seconds=by_s if by_s > 0 else by_s - 26)
    silent(1)(bed)
    assert bed.signal(OFF_LINE) is signal


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (TakeOffLine(" ", 600, "broken"), "name"),
        (TakeOffLine("Ada", 600, " "), "reason"),
        (TakeOffLine("Ada", -1, "broken"), "0 to"),
        (TakeOffLine("Ada", LONGEST_OFF_LINE_S + 1, "broken"), "0 to"),
        (TakeOffLine("Ada", 0, "back"), "not off the line"),
    ],
)
def test_what_is_refused(asked: TakeOffLine, why: str) -> None:
    """Without name, reason or a time that ends, and to put back what is not off."""
    bed = Counted()
    stands(5)(bed)
    before = bed.state
    with pytest.raises(ValueError, match=why):
        bed.give(asked)
    assert bed.state is before
    bed.give(TakeOffLine("Ada", LONGEST_OFF_LINE_S, "broken"))


def test_a_pump_that_delivers_is_not_taken_off() -> None:
    """While a fresh reading shows it; once it is silent, whoever is there knows better."""
    bed = Counted()
    runs(5)(bed)
    with pytest.raises(ValueError, match="stop it at the pump"):
        bed.give(TAKEN)
    silent(6)(bed)
    bed.give(TAKEN)
    assert bed.signal(OFF_LINE) is ON


def test_one_that_was_told_and_has_ended_is_told_anew_when_it_flows_again() -> None:
    """Latched it is the past: what delivers now is judged as any other pump, and the old alarm stays."""
    bed = _off_line()
    reads(1, "10")(bed)
    stands(1)(bed)
    assert bed.signal(DELIVERS) is LATCHED
    reads(1, "10")(bed)
    assert bed.signal(DELIVERS) is LATCHED
