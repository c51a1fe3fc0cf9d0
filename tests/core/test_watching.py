"""What is told when the watching itself fails: silence, another pump, a crash, a held-back frame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import AlarmEvent, AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.freshness import Freshness, FreshnessLimits, freshness
from pumpd.core.quantities import NS_PER_S
from pumpd.core.site import SiteState, Technical, evaluate_site
from pumpd.core.state import Acknowledge, FrameBlocked, SessionCrashed, WrongDevice
from pumpd.core.telemetry import PumpStatus
from tests.core.situations import SETUP, Bedside, events

ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
LINK_LOST = ConditionId.LINK_LOST
LIMITS = FreshnessLimits(5 * NS_PER_S, 15 * NS_PER_S)
MS = NS_PER_S // 1000


@pytest.mark.requirement("INV-3")
@pytest.mark.parametrize(
    ("age_ns", "wanted"),
    [
        (0, Freshness.FRESH),
        (5 * NS_PER_S, Freshness.FRESH),
        (5 * NS_PER_S + 1, Freshness.STALE),
        (15 * NS_PER_S, Freshness.STALE),
        (15 * NS_PER_S + 1, Freshness.LOST),
    ],
)
def test_freshness_changes_just_above_its_limits(age_ns: int, wanted: Freshness) -> None:
    """An age exactly at a limit is still on its good side, a nanosecond more is not."""
    assert freshness(age_ns, LIMITS) is wanted


@pytest.mark.requirement("INV-3")
@pytest.mark.parametrize(("stale", "lost"), [(0, 1), (-1, 1), (2, 1)])
def test_limits_of_freshness_that_make_no_sense_are_refused(stale: int, lost: int) -> None:
    """Stale comes before lost, and both after now."""
    with pytest.raises(ValueError, match="stale_after"):
        FreshnessLimits(stale, lost)


@pytest.mark.requirement("INV-3", "DAE-5")
def test_a_pump_that_was_never_read_is_never_live() -> None:
    """Before the first reading it is stale, then lost, and that is an alarm since it may be infusing."""
    bed = Bedside()
    bed.wait(0)
    assert bed.freshness() is Freshness.STALE
    assert bed.signal(LINK_LOST) is OFF
    bed.wait(5.001)
    assert bed.alarm(LINK_LOST).priority is AlarmPriority.MEDIUM  # type: ignore[union-attr]
    bed.wait(10)
    assert bed.alarm(LINK_LOST).priority is AlarmPriority.HIGH  # type: ignore[union-attr]
    assert bed.freshness() is Freshness.LOST


@pytest.mark.requirement("INV-3", "DAE-5")
@pytest.mark.parametrize("status", list(PumpStatus))
def test_silence_is_worse_while_it_delivers(status: PumpStatus) -> None:
    """Delivering, or perhaps: MEDIUM when stale and HIGH when lost. Standing still: LOW when lost."""
    bed = Bedside()
    bed.read("0", status=status)
    bed.wait(5.001)
    assert (bed.signal(LINK_LOST) is ON) is status.delivers
    bed.wait(10)
    alarm = bed.alarm(LINK_LOST)
    assert alarm is not None
    assert alarm.priority is (AlarmPriority.HIGH if status.delivers else AlarmPriority.LOW)


@pytest.mark.requirement("INV-4", "DAE-5")
def test_an_acknowledged_silence_that_worsens_is_told_again() -> None:
    """Acknowledged at MEDIUM, then lost: it is on again and the acknowledgement is gone."""
    bed = Bedside()
    bed.read()
    bed.wait(6)
    bed.give(Acknowledge(LINK_LOST, bed.alarm(LINK_LOST).revision, "Ada"))  # type: ignore[union-attr]
    assert bed.signal(LINK_LOST) is ACK
    assert events(bed.wait(10)) == [(LINK_LOST, AlarmEvent.WORSEN)]
    assert bed.signal(LINK_LOST) is ON


@pytest.mark.requirement("INV-3", "INV-4")
def test_only_a_fresh_reading_ends_the_silence() -> None:
    """A reading that is old on arrival changes nothing; a fresh one clears, and HIGH stays latched."""
    bed = Bedside()
    bed.read()
    late = bed.reading()
    bed.wait(16)
    bed.give(late)
    assert bed.signal(LINK_LOST) is ON
    assert bed.freshness() is Freshness.LOST
    bed.read()
    assert bed.signal(LINK_LOST) is LATCHED
    assert bed.freshness() is Freshness.FRESH


@pytest.mark.requirement("INV-4")
def test_a_restart_does_not_end_what_only_a_reading_can_end() -> None:
    """Lost and acknowledged, the daemon restarts: still acknowledged until a reading comes."""
    bed = Bedside()
    bed.read()
    bed.wait(16)
    bed.give(Acknowledge(LINK_LOST, bed.alarm(LINK_LOST).revision, "Ada"))  # type: ignore[union-attr]
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    bed.restart()
    bed.wait(1)
    assert bed.signal(LINK_LOST) is ACK
    assert bed.signal(ConditionId.WRONG_DEVICE) is ON
    bed.read()
    assert bed.signal(LINK_LOST) is OFF
    assert bed.signal(ConditionId.WRONG_DEVICE) is LATCHED


@pytest.mark.requirement("INV-3")
def test_silence_keeps_what_only_a_reading_can_judge() -> None:
    """The last reading was above the hard limit; in silence that alarm stays."""
    bed = Bedside()
    bed.every_second(["40", "40"])
    bed.wait(60)
    assert bed.signal(ConditionId.OVER_HARD) is ON


@pytest.mark.requirement("INV-2", "CORE-8")
def test_another_pump_in_its_place_is_told_until_the_right_one_is_back() -> None:
    """The alarm names who answered and who should; it latches."""
    bed = Bedside()
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    alarm = bed.alarm(ConditionId.WRONG_DEVICE)
    assert alarm is not None
    assert (alarm.measured, alarm.allowed) == ("SIM-9", "SIM-1")
    bed.give(WrongDevice("", ""))
    assert bed.signal(ConditionId.WRONG_DEVICE) is LATCHED


@pytest.mark.requirement("INV-1")
def test_a_held_back_frame_is_told_for_the_rest_of_the_run() -> None:
    """Readings do not end it; the message shows the frame."""
    bed = Bedside()
    bed.give(FrameBlocked("06 00 01 (write)"))
    bed.every_second(["10"] * 5)
    assert bed.alarm(ConditionId.FRAME_BLOCKED).measured == "06 00 01 (write)"  # type: ignore[union-attr]
    assert bed.signal(ConditionId.FRAME_BLOCKED) is ON


@pytest.mark.requirement("INV-1")
def test_a_held_back_frame_is_told_at_once_and_waits_for_a_person_after_a_restart() -> None:
    """It is on before the next reading; after a restart the next reading leaves it latched."""
    bed = Bedside()
    bed.give(FrameBlocked("06 00 01 (write)"))
    assert bed.signal(ConditionId.FRAME_BLOCKED) is ON
    bed.restart()
    bed.read()
    assert bed.signal(ConditionId.FRAME_BLOCKED) is LATCHED


@pytest.mark.requirement("DAE-1")
def test_a_crashed_session_is_told_until_it_runs_again() -> None:
    """SESSION_CRASHED stays through ticks and ends when the session reports itself running."""
    bed = Bedside()
    bed.read()
    bed.give(SessionCrashed("KeyError: 'x'"))
    alarm = bed.alarm(ConditionId.SESSION_CRASHED)
    assert alarm is not None
    assert alarm.priority is AlarmPriority.MEDIUM
    bed.wait(1)
    assert bed.signal(ConditionId.SESSION_CRASHED) is ON
    bed.give(SessionCrashed(""))
    assert bed.signal(ConditionId.SESSION_CRASHED) is OFF


@pytest.mark.requirement("CORE-4")
def test_an_acknowledgement_reaches_the_alarms_of_the_node_too() -> None:
    """Technical conditions of the node are raised, acknowledged and ended like any other."""
    now = Bedside().now
    site, changes = evaluate_site(
        SiteState(), Technical(ConditionId.JOURNAL_LATE, present=True, detail="2 s"), now
    )
    assert [c.event for c in changes] == [AlarmEvent.RAISE]
    revision = site.alarms[ConditionId.JOURNAL_LATE].revision
    site, _ = evaluate_site(site, Acknowledge(ConditionId.JOURNAL_LATE, revision, "Ada"), now)
    site, _ = evaluate_site(site, Technical(ConditionId.HISTORY_FAILING, present=True), now)
    assert site.alarms[ConditionId.JOURNAL_LATE].signal is ACK
    site, _ = evaluate_site(site, Technical(ConditionId.JOURNAL_LATE, present=False), now)
    assert set(site.alarms) == {ConditionId.HISTORY_FAILING}


@pytest.mark.requirement("INV-3")
def test_readings_of_a_slow_line_are_fresh_under_their_own_limits() -> None:
    """Freshness follows the limits of the pump's line, not a constant."""
    slow = Bedside(replace(SETUP, freshness=FreshnessLimits(30 * NS_PER_S, 90 * NS_PER_S)))
    slow.read()
    slow.wait(29)
    assert slow.freshness() is Freshness.FRESH
