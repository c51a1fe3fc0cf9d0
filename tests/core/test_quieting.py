"""Audio pause and shelf: who may ask, how long, what breaks them, and that no restart changes any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pumpd.core.alarms import AlarmChanged, AlarmEvent, AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.inactivation import (
    AskedOfAlarm,
    InactivationEvent,
    InactivationKind,
    InactivationLimits,
    PauseAudio,
    ResumeAudio,
    Shelve,
    Unshelve,
)
from pumpd.core.quantities import NS_PER_S
from pumpd.core.site import SiteState, Technical, evaluate_site
from pumpd.core.state import Acknowledge, Effect, PumpSetup, SessionCrashed, Tick, WrongDevice
from tests.core.situations import SETUP, Bedside, events

ON, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
HARD, CRASHED, LINK_LOST = ConditionId.OVER_HARD, ConditionId.SESSION_CRASHED, ConditionId.LINK_LOST
LATE = ConditionId.JOURNAL_LATE
PAUSED, SHELVED = InactivationKind.AUDIO_PAUSED, InactivationKind.SHELVED
PAUSE, RESUME = InactivationEvent.PAUSE_AUDIO, InactivationEvent.RESUME_AUDIO
SHELVE, UNSHELVE = InactivationEvent.SHELVE, InactivationEvent.UNSHELVE
SHORT = replace(SETUP, inactivation=InactivationLimits(audio_pause_s=600, shelf_s=1800))
WIDE = replace(SHORT, freshness=FreshnessLimits(40_000 * NS_PER_S, 80_000 * NS_PER_S))
"""Silent for hours before anything is told of that."""

pytestmark = pytest.mark.requirement("INV-4", "LIFE-1")


def too_fast(setup: PumpSetup = WIDE) -> Bedside:
    """A pump with a HIGH alarm, read a moment ago."""
    bed = Bedside(setup)
    bed.every_second(["40", "40"])
    return bed


def crashed() -> Bedside:
    """A pump with a MEDIUM alarm, read a moment ago."""
    bed = Bedside(WIDE)
    bed.read()
    bed.give(SessionCrashed("it ended"))
    return bed


def pause(bed: Bedside, for_s: int, condition: ConditionId = HARD) -> tuple[Effect, ...]:
    alarm = bed.state.alarms[condition]
    return bed.give(PauseAudio(condition, alarm.revision, "Ada", for_s))


def shelve(bed: Bedside, for_s: int, condition: ConditionId = CRASHED) -> tuple[Effect, ...]:
    alarm = bed.state.alarms[condition]
    return bed.give(Shelve(condition, alarm.revision, "Ada", for_s, "the engineer comes"))


def why(effects: tuple[Effect, ...] | list[Effect]) -> list[str]:
    return [e.why for e in effects if isinstance(e, AlarmChanged) and e.event in {RESUME, UNSHELVE}]


def quiet(bed: Bedside, condition: ConditionId) -> InactivationKind | None:
    alarm = bed.state.alarms.get(condition)
    return None if alarm is None or alarm.inactivation is None else alarm.inactivation.kind


def until_ns(bed: Bedside, condition: ConditionId) -> int | None:
    quieted = bed.state.alarms[condition].inactivation
    assert quieted is not None
    return quieted.until_ns


def test_a_pause_silences_one_alarm_and_changes_nothing_else() -> None:
    """Signal, revision and acknowledgement stay; the event names who asked."""
    bed = too_fast()
    before = bed.state.alarms[HARD]
    (change,) = pause(bed, 120)
    assert isinstance(change, AlarmChanged)
    assert (change.event, change.before, change.by, change.why) == (PAUSE, ON, "Ada", "")
    after = bed.state.alarms[HARD]
    assert after.inactivation is not None
    assert replace(after, inactivation=None) == before
    assert after.inactivation.until - after.inactivation.at == timedelta(seconds=120)


@pytest.mark.parametrize("make", [too_fast, crashed], ids=["high", "medium"])
def test_a_pause_ends_at_its_time_and_not_before(make: Callable[[], Bedside]) -> None:
    """A nanosecond before its end it lasts; at its end it is over, with an event."""
    bed = make()
    (condition,) = bed.state.alarms
    pause(bed, 60, condition)
    assert until_ns(bed, condition) == bed.now_ns + 60 * NS_PER_S
    bed.now_ns += 60 * NS_PER_S - 1
    assert events(bed.give(Tick())) == []
    bed.now_ns += 1
    assert events(bed.give(Tick())) == [(condition, RESUME)]
    assert why(bed.effects) == ["its time is over"]
    assert bed.signal(condition) is ON
    assert quiet(bed, condition) is None


@pytest.mark.parametrize(("make", "allowed_s"), [(too_fast, 120), (crashed, 600)], ids=["high", "medium"])
def test_the_longest_pause(make: Callable[[], Bedside], allowed_s: int) -> None:
    """HIGH: 120 s whatever is configured; the others: what is configured."""
    bed = make()
    (condition,) = bed.state.alarms
    for for_s in (0, -1, allowed_s + 1):
        with pytest.raises(ValueError, match=f"1 to {allowed_s} s are allowed"):
            pause(bed, for_s, condition)
    pause(bed, allowed_s, condition)
    assert quiet(bed, condition) is PAUSED


def test_a_configuration_may_shorten_the_pause_of_high_too() -> None:
    """The lesser of the two holds."""
    assert InactivationLimits(audio_pause_s=30).longest_pause_s(AlarmPriority.HIGH) == 30
    assert InactivationLimits(audio_pause_s=600).longest_pause_s(AlarmPriority.HIGH) == 120
    assert InactivationLimits(audio_pause_s=600).longest_pause_s(AlarmPriority.LOW) == 600


@pytest.mark.parametrize(("pause_s", "shelf_s"), [(0, 60), (601, 60), (60, 0), (60, 28_801)])
def test_limits_that_would_quiet_for_too_long_are_refused(pause_s: int, shelf_s: int) -> None:
    """At the ends they are taken, just beyond not."""
    InactivationLimits(1, 1)
    InactivationLimits(600, 28_800)
    with pytest.raises(ValueError, match="allowed are 1 to"):
        InactivationLimits(pause_s, shelf_s)


def test_a_shelf_silences_medium_until_its_time() -> None:
    """Reason, name and end are kept; at its end the alarm is told again."""
    bed = crashed()
    (change,) = shelve(bed, 1800)
    assert isinstance(change, AlarmChanged)
    assert (change.event, change.by, change.why) == (SHELVE, "Ada", "the engineer comes")
    shelf = bed.state.alarms[CRASHED].inactivation
    assert shelf is not None
    assert (shelf.kind, shelf.reason, shelf.until - shelf.at) == (
        SHELVED,
        "the engineer comes",
        timedelta(minutes=30),
    )
    assert why(bed.wait(1799.999)) == []
    assert why(bed.every_second(["10"])) == ["its time is over"]


def refused() -> Iterator[tuple[str, AskedOfAlarm, str]]:
    yield "high is never shelved", Shelve(HARD, 1, "Ada", 60, "later"), "HIGH priority can not be put off"
    yield "a shelf needs a reason", Shelve(CRASHED, 2, "Ada", 60, " "), "needs a reason"
    yield "a shelf that is too long", Shelve(CRASHED, 2, "Ada", 1801, "later"), "1 to 1800 s are allowed"
    yield "nobody", PauseAudio(HARD, 1, " ", 60), "name of who asks"
    yield "nobody resumes", ResumeAudio(HARD, ""), "name of who asks"
    yield "an older revision", PauseAudio(HARD, 0, "Ada", 60), "raised anew or worsened"
    yield (
        "a revision that is not there yet",
        Shelve(CRASHED, 3, "Ada", 60, "later"),
        "raised anew or worsened",
    )
    yield "no such alarm", PauseAudio(ConditionId.AIR, 1, "Ada", 60), "no such alarm is on"
    yield "nothing to resume", ResumeAudio(HARD, "Ada"), "has no audio pause"
    yield "nothing to unshelve", Unshelve(CRASHED, "Ada"), "has no shelf"


@pytest.mark.parametrize("case", list(refused()), ids=lambda case: case[0])
def test_what_may_not_be_quieted_says_why(case: tuple[str, AskedOfAlarm, str]) -> None:
    """Refused with the reason, and nothing changes."""
    _, asked, reason = case
    bed = too_fast()
    bed.give(SessionCrashed("it ended"))
    before = bed.state
    with pytest.raises(ValueError, match=reason):
        bed.give(asked)
    assert bed.state is before


def test_what_is_acknowledged_is_silent_already() -> None:
    """Neither paused nor shelved; and an acknowledgement ends either."""
    bed = crashed()
    shelve(bed, 60)
    bed.give(Acknowledge(CRASHED, bed.state.alarms[CRASHED].revision, "Bob"))
    assert (bed.signal(CRASHED), quiet(bed, CRASHED)) == (ACK, None)
    for asked in (pause, shelve):
        with pytest.raises(ValueError, match="Bob has it already"):
            asked(bed, 60, CRASHED)


def test_a_pause_may_become_a_shelf_and_not_the_other_way() -> None:
    """A shelf is the stronger of the two: it takes the pause's place, and a pause never takes its own."""
    bed = crashed()
    pause(bed, 60, CRASHED)
    shelve(bed, 1800)
    assert quiet(bed, CRASHED) is SHELVED
    with pytest.raises(ValueError, match="Ada put it off"):
        pause(bed, 60, CRASHED)
    with pytest.raises(ValueError, match="has no audio pause"):
        bed.give(ResumeAudio(CRASHED, "Ada"))


@pytest.mark.parametrize(
    "by_person", [ResumeAudio(HARD, "Bob"), Unshelve(CRASHED, "Bob")], ids=["pause", "shelf"]
)
def test_a_person_may_end_it_before_its_time(by_person: ResumeAudio | Unshelve) -> None:
    """The event names who did it; it needs no revision, since more sound is always safe."""
    bed = too_fast()
    bed.give(SessionCrashed("it ended"))
    pause(bed, 60)
    shelve(bed, 60)
    (change,) = bed.give(by_person)
    assert isinstance(change, AlarmChanged)
    assert change.event is (RESUME if by_person.condition is HARD else UNSHELVE)
    assert (change.by, change.why, change.alarm.inactivation) == ("Bob", "", None)


def test_a_new_alarm_of_the_pump_breaks_its_pauses_and_no_shelf() -> None:
    """Another pump's place is taken: whoever silenced the first alarm hears that there is more."""
    bed = too_fast()
    bed.give(SessionCrashed("it ended"))
    pause(bed, 120)
    shelve(bed, 600)
    changes = bed.give(WrongDevice("SIM-9", "SIM-1"))
    assert (HARD, RESUME) in events(changes)
    assert why(changes) == ["a new or worse alarm: wrong-device"]
    assert quiet(bed, CRASHED) is SHELVED


def test_what_is_for_the_engineer_breaks_no_pause_of_a_nurse() -> None:
    """It never sounds at a nurse, so there is nothing more to hear."""
    bed = Bedside()
    site, _ = evaluate_site(SiteState(), Technical(LATE, present=True), bed.now)
    site, _ = evaluate_site(site, PauseAudio(LATE, 1, "Ada", 60), bed.now)
    site, changes = evaluate_site(site, Technical(ConditionId.HISTORY_FAILING, present=True), bed.now)
    assert [c.event for c in changes] == [AlarmEvent.RAISE]
    assert site.alarms[LATE].inactivation is not None


def test_what_worsens_is_heard_at_once() -> None:
    """A higher flow than the one that was silenced ends the pause; a shelf ends likewise."""
    bed = too_fast()
    pause(bed, 120)
    seen = bed.every_second(["50", "50"])
    assert (HARD, AlarmEvent.WORSEN) in events(seen)
    assert why(seen) == ["it was raised anew or worsened"]
    silent = Bedside(SHORT)
    silent.read()
    silent.wait(6)
    shelve(silent, 600, LINK_LOST)
    assert quiet(silent, LINK_LOST) is SHELVED
    assert events(silent.wait(10)) == [(LINK_LOST, AlarmEvent.WORSEN), (LINK_LOST, UNSHELVE)]


def test_a_lost_link_cancels_the_pause() -> None:
    """Silence from the pump is a new alarm: nobody may be kept from hearing it."""
    bed = too_fast(SHORT)
    pause(bed, 120)
    changes = bed.wait(5.1)
    assert events(changes) == [(LINK_LOST, AlarmEvent.RAISE), (HARD, RESUME)]


def test_latched_and_paused_stays_quiet_until_its_end_and_raised_anew_is_told() -> None:
    """A latched alarm sounds as well, so it may be paused; the next occurrence is another one."""
    bed = too_fast()
    bed.every_second(["10"] * 4)
    assert bed.signal(HARD) is LATCHED, "and it sounds"
    pause(bed, 120)
    assert quiet(bed, HARD) is PAUSED
    seen = bed.every_second(["40", "40"])
    assert (HARD, RESUME) in events(seen)


def test_a_quieted_alarm_that_ends_takes_its_shelf_with_it() -> None:
    """The next occurrence is a new alarm: a shelf never hides one that nobody has seen."""
    bed = crashed()
    shelve(bed, 600)
    bed.give(SessionCrashed(""))
    assert CRASHED not in bed.state.alarms
    bed.give(SessionCrashed("again"))
    assert (bed.signal(CRASHED), quiet(bed, CRASHED)) == (ON, None)


def test_alarms_of_the_node_are_quieted_by_the_same_rules() -> None:
    """The journal is late: shelved by name, ended by time; another alarm of the node leaves it."""
    bed = Bedside()
    site, _ = evaluate_site(SiteState(), Technical(LATE, present=True), bed.now)
    site, changes = evaluate_site(site, Shelve(LATE, 1, "Ada", 60, "disk ordered"), bed.now)
    assert [c.event for c in changes] == [SHELVE]
    site, changes = evaluate_site(site, Technical(ConditionId.HISTORY_FAILING, present=True), bed.now)
    assert [c.event for c in changes] == [AlarmEvent.RAISE]
    bed.now_ns += 60 * NS_PER_S
    site, changes = evaluate_site(site, Tick(), bed.now)
    assert [(c.event, c.why) for c in changes] == [(UNSHELVE, "its time is over")]
    with pytest.raises(ValueError, match="1 to 3600 s"):
        evaluate_site(site, Shelve(LATE, 1, "Ada", 3601, "disk ordered"), bed.now)
