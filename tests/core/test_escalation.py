"""Escalation: nobody has it, so the next are called, at its time, once, and over restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pumpd.core.alarms import AlarmChanged, AlarmSignal
from pumpd.core.climb import Call, EscalationEvent, EscalationPlan, StepTold
from pumpd.core.conditions import ConditionId
from pumpd.core.floods import Flood, counted
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.inactivation import PauseAudio, Shelve, Suppress, Unshelve
from pumpd.core.quantities import NS_PER_S
from pumpd.core.quieting import CLOCK_STEP_S
from pumpd.core.site import SiteState, Technical, evaluate_site
from pumpd.core.state import Acknowledge, Effect, SessionCrashed, Tick, WrongDevice
from tests.core.situations import SETUP, Bedside

PLAN = EscalationPlan((("nurse", "pager"), ("doctor",)), (("engineer",),))
CALLING = replace(SETUP, escalation=PLAN, freshness=FreshnessLimits(40_000 * NS_PER_S, 80_000 * NS_PER_S))
HARD, CRASHED, LINK_LOST = ConditionId.OVER_HARD, ConditionId.SESSION_CRASHED, ConditionId.LINK_LOST
WRONG = ConditionId.WRONG_DEVICE

pytestmark = pytest.mark.requirement("LIFE-3")


def high() -> Bedside:
    """A pump with a HIGH alarm that has just been raised."""
    bed = Bedside(CALLING)
    bed.read()
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    return bed


def medium() -> Bedside:
    """The same with one of MEDIUM."""
    bed = Bedside(CALLING)
    bed.read()
    bed.give(SessionCrashed("it ended"))
    return bed


def steps(effects: tuple[Effect, ...]) -> list[str]:
    return [e.why for e in effects if isinstance(e, AlarmChanged) and e.event is EscalationEvent.ESCALATE]


def after(bed: Bedside, seconds: float) -> list[str]:
    return steps(bed.wait(seconds))


def told(bed: Bedside, contact: str, failed: str = "", condition: ConditionId = WRONG) -> None:
    bed.give(StepTold(condition, bed.state.alarms[condition].revision, contact, failed))


def test_what_came_of_each_call_is_known_with_its_time_and_its_way() -> None:
    """The last attempt of each contact: a failed one until it works, in the order of the first."""
    bed = high()
    after(bed, 60)
    revision = bed.state.alarms[WRONG].revision
    bed.give(StepTold(WRONG, revision, "nurse", "no line", "mail"))
    tried = bed.now.wall
    bed.wait(5)
    bed.give(StepTold(WRONG, revision, "pager", by="webhook"))
    climb = bed.state.alarms[WRONG].climb
    assert climb is not None
    called = bed.now.wall
    assert climb.calls == (Call("nurse", tried, "mail", "no line"), Call("pager", called, "webhook"))
    bed.wait(5)
    bed.give(StepTold(WRONG, revision, "nurse", by="mail"))
    climb = bed.state.alarms[WRONG].climb
    assert climb is not None
    assert climb.calls == (Call("nurse", bed.now.wall, "mail"), Call("pager", called, "webhook"))
    assert (climb.told, climb.pending) == (("pager", "nurse"), ())


def pending(bed: Bedside, condition: ConditionId = WRONG) -> tuple[str, ...]:
    climb = bed.state.alarms[condition].climb
    return () if climb is None else climb.pending


@pytest.mark.parametrize(("make", "interval_s"), [(high, 60), (medium, 300)], ids=["high", "medium"])
def test_each_step_is_due_at_its_time(make: object, interval_s: int) -> None:
    """A moment before nothing, then the step, once; after the last nothing more."""
    assert callable(make)
    bed = make()
    assert after(bed, interval_s - 0.001) == []
    assert after(bed, 0.001) == ["step 1 of 2: nurse, pager"]
    assert after(bed, 0) == []
    assert after(bed, interval_s - 0.001) == []
    assert after(bed, 0.001) == ["step 2 of 2: doctor"]
    assert after(bed, 10 * interval_s) == []


def test_low_calls_nobody() -> None:
    """A LOW alarm is for those who look at the screen."""
    bed = Bedside(replace(CALLING, programme=None))
    bed.every_second(["10"] * 31)
    assert ConditionId.NO_PROGRAMME in bed.state.alarms
    assert after(bed, 3600) == []
    assert bed.state.alarms[ConditionId.NO_PROGRAMME].climb is None


def test_an_engineers_alarm_calls_the_engineer() -> None:
    """No nurse is called for what she can do nothing about."""
    bed = Bedside()
    site = SiteState(escalation=PLAN)
    site, _ = evaluate_site(site, Technical(ConditionId.JOURNAL_LATE, present=True), bed.now)
    bed.now_ns += 300 * NS_PER_S
    _, changes = evaluate_site(site, Tick(), bed.now)
    assert [c.why for c in changes] == ["step 1 of 1: engineer"]


def test_an_acknowledged_alarm_stops_and_what_worsens_begins_anew() -> None:
    """Somebody has it: nobody else is called. It worsens: a minute from then."""
    bed = high()
    after(bed, 60)
    bed.give(Acknowledge(WRONG, bed.state.alarms[WRONG].revision, "Ada"))
    assert bed.state.alarms[WRONG].climb is None
    assert after(bed, 600) == []
    bed.give(WrongDevice("SIM-8", "SIM-1"))
    assert after(bed, 59.999) == []
    assert after(bed, 0.001) == ["step 1 of 2: nurse, pager"]


def test_a_latched_alarm_goes_on_until_somebody_has_seen_it() -> None:
    """It is over, and nobody knows: the doctor is called all the same."""
    bed = high()
    after(bed, 60)
    bed.give(WrongDevice("", ""))
    assert bed.signal(WRONG) is AlarmSignal.LATCHED
    assert after(bed, 60) == ["step 2 of 2: doctor"]


def test_an_audio_pause_does_not_stop_it_and_a_shelf_does() -> None:
    """A pause silences the room, not the duty; a shelf is a decision, and its end begins anew."""
    bed = medium()
    bed.wait(290)
    bed.give(PauseAudio(CRASHED, bed.state.alarms[CRASHED].revision, "Ada", 60))
    assert after(bed, 10) == ["step 1 of 2: nurse, pager"]
    bed.give(Shelve(CRASHED, bed.state.alarms[CRASHED].revision, "Ada", 3600, "the engineer comes"))
    assert after(bed, 1800) == []
    bed.give(Unshelve(CRASHED, "Ada"))
    bed.wait(0)
    assert after(bed, 299.999) == []
    assert after(bed, 0.001) == ["step 1 of 2: nurse, pager"]


def test_what_a_line_speaks_for_calls_nobody() -> None:
    """The line's own alarm climbs; when it speaks no more, the pump's begins."""
    bed = Bedside(replace(CALLING, freshness=SETUP.freshness))
    bed.read()
    bed.wait(16)
    bed.give(Suppress("line-a"))
    assert after(bed, 3600) == []
    bed.give(Suppress(""))
    bed.wait(0)
    assert after(bed, 60) == ["step 1 of 2: nurse, pager"]


def test_who_was_told_is_told_once_and_who_was_not_stays_due() -> None:
    """A failed attempt changes nothing but the journal; what is no longer wanted changes nothing at all."""
    bed = high()
    after(bed, 60)
    assert pending(bed) == ("nurse", "pager")
    told(bed, "pager", "connection refused")
    (change,) = bed.effects
    assert isinstance(change, AlarmChanged)
    assert (change.event, change.why) == (EscalationEvent.NOT_TOLD, "pager: connection refused")
    assert pending(bed) == ("nurse", "pager")
    told(bed, "nurse")
    assert pending(bed) == ("pager",)
    told(bed, "nurse")
    assert bed.effects == ()
    bed.give(StepTold(WRONG, bed.state.alarms[WRONG].revision - 1, "pager"))
    assert pending(bed) == ("pager",)
    bed.give(StepTold(HARD, 1, "pager"))
    assert bed.effects == ()


def test_nobody_is_called_twice_for_two_steps() -> None:
    """Who stands in both is told once."""
    plan = EscalationPlan((("nurse",), ("nurse", "doctor")))
    bed = Bedside(replace(CALLING, escalation=plan))
    bed.read()
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    after(bed, 60)
    told(bed, "nurse")
    after(bed, 60)
    assert pending(bed) == ("doctor",)


def restart(bed: Bedside, away_s: float, clock_s: float = 0) -> None:
    """Let the daemon be away for so long, and the time of day be set by ``clock_s``."""
    kept = {
        c: replace(a, climb=None if a.climb is None else replace(a.climb, at_ns=None))
        for c, a in bed.state.alarms.items()
    }
    bed.stepped += timedelta(seconds=away_s + clock_s)
    bed.state = replace(bed.state, alarms=kept)
    bed.restart()


def test_a_restart_neither_loses_nor_repeats_a_step() -> None:
    """What was due stays due, what was done is not done again, and the next comes at its time."""
    bed = high()
    after(bed, 60)
    told(bed, "nurse")
    restart(bed, 30)
    assert after(bed, 0) == []
    assert pending(bed) == ("pager",)
    assert after(bed, 29.999) == []
    assert after(bed, 0.001) == ["step 2 of 2: doctor"]
    assert pending(bed) == ("pager", "doctor")


def test_steps_that_fell_due_while_it_was_away_are_made_up_for() -> None:
    """One at each look: nobody has answered all the while."""
    bed = high()
    restart(bed, 600)
    assert after(bed, 0) == ["step 1 of 2: nurse, pager"]
    assert after(bed, 0) == ["step 2 of 2: doctor"]


def test_a_clock_that_went_back_makes_the_next_step_due() -> None:
    """Nobody knows how long it waits: better a call too many."""
    bed = high()
    bed.wait(1)
    restart(bed, 0, -3600)
    assert after(bed, 0) == ["step 1 of 2: nurse, pager"]
    assert after(bed, 59.999) == []
    assert after(bed, 0.001) == ["step 2 of 2: doctor"]


@pytest.mark.parametrize(("by_s", "moved"), [(0, False), (CLOCK_STEP_S, False), (CLOCK_STEP_S + 1, True)])
@pytest.mark.parametrize("way", [1, -1])
def test_a_clock_that_is_set_moves_the_label_and_not_the_step(by_s: int, way: int, moved: bool) -> None:
    """Two seconds are jitter; more is a step, and what waits keeps its age on the monotonic clock."""
    bed = high()
    bed.wait(1)
    began = bed.state.alarms[WRONG].climb
    bed.stepped += timedelta(seconds=way * by_s)
    bed.wait(1)
    climb = bed.state.alarms[WRONG].climb
    assert began is not None
    assert climb is not None
    assert climb.at - began.at == (timedelta(seconds=way * by_s) if moved else timedelta())
    assert climb.at_ns == began.at_ns
    assert after(bed, 58) == ["step 1 of 2: nurse, pager"]


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    """In any 10 minutes: ten are none, eleven are one, five are still one, four are none (ISA-18.2)."""
    flood = Flood()
    for second in range(11):
        assert not flood.on
        flood = counted(flood, second * NS_PER_S, [f"a{second}"])
    assert flood.on
    flood = counted(flood, (600 + 5) * NS_PER_S, [])
    assert (len(flood.raised), flood.on) == (5, True)
    assert len(counted(flood, (600 + 6) * NS_PER_S - 1, []).raised) == 5
    flood = counted(flood, (600 + 6) * NS_PER_S, [])
    assert (len(flood.raised), flood.on) == (4, False)


def test_what_another_alarm_speaks_for_makes_no_flood() -> None:
    """Thirty pumps on a dead line are one alarm."""
    flood = counted(Flood(), 0, [f"P{n}" for n in range(30)])
    assert flood.on
    assert not counted(flood, 1, [], [f"P{n}" for n in range(30)]).on
    assert counted(Flood(), 0, ["a"] * 6, most_count=5).on
