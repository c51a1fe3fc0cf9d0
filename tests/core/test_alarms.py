"""The alarm signal: a complete table, and what no order of events may ever bring about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import (
    NO_ALARMS,
    TRANSITIONS,
    AlarmChanged,
    AlarmEvent,
    Alarms,
    AlarmSignal,
    Finding,
    acknowledge,
    settle,
    step,
)
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, ConditionId
from tests import proof

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
LOW, MEDIUM, HIGH = AlarmPriority

EXPECTED = {
    # signal: {event: (not latching, latching)}, written a second time by hand from IEEE 11073-10207
    OFF: {"raise": (ON, ON), "worsen": (ON, ON), "clear": (OFF, OFF), "acknowledge": (OFF, OFF)},
    ON: {"raise": (ON, ON), "worsen": (ON, ON), "clear": (OFF, LATCHED), "acknowledge": (ACK, ACK)},
    LATCHED: {"raise": (ON, ON), "worsen": (ON, ON), "clear": (LATCHED, LATCHED), "acknowledge": (OFF, OFF)},
    ACK: {"raise": (ACK, ACK), "worsen": (ON, ON), "clear": (OFF, OFF), "acknowledge": (ACK, ACK)},
}


@pytest.mark.requirement("CORE-4")
@pytest.mark.parametrize(
    ("signal", "event", "latches"), list(product(AlarmSignal, AlarmEvent, [False, True])), ids=str
)
def test_every_cell_of_the_table(signal: AlarmSignal, event: AlarmEvent, latches: bool) -> None:
    """No cell is missing, and each says what the standard's words say."""
    assert set(TRANSITIONS) == set(AlarmSignal)
    assert set(TRANSITIONS[signal]) == set(AlarmEvent)
    assert step(signal, event, latches=latches) is EXPECTED[signal][event.value][latches]


@pytest.mark.requirement("CORE-8")
@pytest.mark.parametrize("condition", list(ConditionId))
def test_the_catalogue_is_complete(condition: ConditionId) -> None:
    """Every condition has its words, what it compares with what, its hazards and a source for its rule."""
    entry = CATALOGUE[condition]
    assert entry.id is condition
    for words in (entry.title, entry.action, entry.compares, entry.source):
        assert words.strip()
    assert entry.hazards
    said = (entry.title + entry.action).format(measured="12 mL/h", allowed="10 mL/h")
    assert "{" not in said
    assert entry.delay_s >= 0
    assert (entry.clear_after_s > 0) is (entry.delay_s > 0)
    assert entry.latch_from is None or entry.latch_from <= entry.priority


@pytest.mark.requirement("CORE-8")
def test_what_is_high_waits_for_a_person() -> None:
    """Every condition of high priority latches; only the end of an infusion leaves time to stop the pump."""
    high = [c for c in CATALOGUE.values() if c.priority is HIGH]
    assert [c.id for c in high if c.latch_from is None] == []
    assert [c.id for c in high if c.delay_s] == [ConditionId.STILL_RUNNING]


def _standing(signal: AlarmSignal) -> bool:
    return signal in {ON, ACK}


Move = tuple[str, AlarmPriority | str]
_MOVES: list[Move] = [("find", p) for p in AlarmPriority] + [
    ("clear", ""),
    ("hold", ""),
    ("acknowledge", "seen"),
    ("acknowledge", "old"),
]


def _moves(
    alarms: Alarms, condition: ConditionId, move: Move, revision: int
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    verb, what = move
    if verb == "find":
        assert isinstance(what, AlarmPriority)
        return settle(alarms, {condition: Finding(what, "m", "a")}, frozenset(), NOW, revision)
    if verb in {"clear", "hold"}:
        held = frozenset({condition}) if verb == "hold" else frozenset[ConditionId]()
        return settle(alarms, {}, held, NOW, revision)
    alarm = alarms.get(condition)
    on_screen = 0 if alarm is None else alarm.revision if what == "seen" else alarm.revision - 1
    try:
        return acknowledge(alarms, condition, on_screen, "Ada", NOW)
    except ValueError:
        return alarms, ()


def _shape(alarms: Alarms, condition: ConditionId) -> object:
    """What two states must share to be the same: everything but how high the revisions have counted."""
    alarm = alarms.get(condition)
    return None if alarm is None else replace(alarm, revision=0)


def _check(
    before: Alarms, after: Alarms, changes: tuple[AlarmChanged, ...], condition: ConditionId, move: Move
) -> None:
    """Hold one step against what must never happen."""
    old, new = before.get(condition), after.get(condition)
    assert new is None or new.signal is not OFF
    verb, what = move
    present = verb == "find"
    if present:
        assert new is not None, "a present condition has an alarm"
        assert _standing(new.signal), "a present condition is on or acknowledged"
        assert new.priority >= what  # type: ignore[operator]
    if old is not None and new is not None and old.signal is not LATCHED:
        assert new.priority >= old.priority, "the priority falls only when the alarm ends"
    if new is not None and new.signal is ACK and old is not None and old.signal is ACK:
        assert new.priority == old.priority, "nothing worse hides behind an acknowledgement"
    if verb == "acknowledge" and what == "old":
        assert new == old, "an acknowledgement of what was seen before changes nothing"
    if old is not None and new is None:
        acknowledged = old.signal is ACK or verb == "acknowledge"
        assert acknowledged or not old.latches, "a latched alarm ends only after a person has seen it"
    if verb == "hold":
        assert new == old
    moved = (old.signal if old else OFF) is not (new.signal if new else OFF)
    assert moved <= bool(changes), "no change without an event"
    for change in changes:
        raised = change.event in {AlarmEvent.RAISE, AlarmEvent.WORSEN}
        assert raised == (change.alarm.revision > (old.revision if old else 0))


@pytest.mark.requirement("INV-4", "CORE-4")
@pytest.mark.parametrize("condition", [ConditionId.LINK_LOST, ConditionId.OVER_SOFT, ConditionId.RESTRAINED])
def test_every_reachable_state_of_an_alarm(condition: ConditionId) -> None:
    """Breadth first to the fixpoint, equal states merged: nothing that must not happen is reachable."""
    seen = {_shape(NO_ALARMS, condition)}
    frontier: list[tuple[Alarms, int]] = [(NO_ALARMS, 0)]
    steps = 0
    while frontier:
        alarms, revision = frontier.pop(0)
        for move in _MOVES:
            after, changes = _moves(alarms, condition, move, revision)
            steps += 1
            _check(alarms, after, changes, condition, move)
            shape = _shape(after, condition)
            if shape not in seen:
                seen.add(shape)
                frontier.append((after, max([revision, *(c.alarm.revision for c in changes)])))
    proof.explored(f"alarm states of {condition.value}, {steps} steps", len(seen))
    assert len(seen) > 4


@pytest.mark.requirement("INV-4")
@proof.examples("alarms under any order of events", small=200, full=10_000)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.sampled_from(list(ConditionId)), st.sampled_from(list(AlarmPriority)), max_size=4
            ),
            st.frozensets(st.sampled_from(list(ConditionId)), max_size=4),
            st.sampled_from(list(ConditionId)) | st.none(),
        ),
        max_size=30,
    )
)
def test_revisions_rise_and_events_tell_the_whole_story(
    story: list[tuple[dict[ConditionId, AlarmPriority], frozenset[ConditionId], ConditionId | None]],
) -> None:
    """Whatever happens: no revision is given twice, and the events alone rebuild the alarms."""
    alarms: Alarms = NO_ALARMS
    told: dict[ConditionId, AlarmSignal] = {}
    revisions: list[int] = []
    revision = 0
    for minute, (found, held, touched) in enumerate(story):
        now = NOW + timedelta(minutes=minute)
        findings = {c: Finding(p) for c, p in found.items()}
        alarms, changes = settle(alarms, findings, held, now, revision)
        if touched is not None and touched in alarms and alarms[touched].signal is not ACK:
            alarms, seen = acknowledge(alarms, touched, alarms[touched].revision, "Ada", now)
            changes += seen
        for change in changes:
            assert change.before is told.get(change.alarm.condition, OFF)
            told[change.alarm.condition] = change.alarm.signal
            if change.event in {AlarmEvent.RAISE, AlarmEvent.WORSEN}:
                revisions.append(change.alarm.revision)
        revision = max([revision, *revisions])
    assert all(a < b for a, b in pairwise(revisions))
    assert {c: a.signal for c, a in alarms.items()} == {c: s for c, s in told.items() if s is not OFF}


def _raised(priority: AlarmPriority = HIGH) -> Alarms:
    alarms, _ = settle(NO_ALARMS, {ConditionId.LINK_LOST: Finding(priority)}, frozenset(), NOW)
    return alarms


def _refusals() -> Iterator[tuple[str, Alarms, int, str, str]]:
    acknowledged, _ = acknowledge(_raised(), ConditionId.LINK_LOST, 1, "Ada", NOW)
    yield "ended", NO_ALARMS, 1, "Ada", "no such alarm is on"
    yield "worsened", _raised(), 0, "Ada", "raised anew or worsened"
    yield "taken", acknowledged, 1, "Bob", "Ada has it already"
    yield "nameless", _raised(), 1, "  ", "needs the name"


@pytest.mark.requirement("INV-4")
@pytest.mark.parametrize("case", list(_refusals()), ids=lambda case: case[0])
def test_an_acknowledgement_that_can_not_be_taken_says_why(case: tuple[str, Alarms, int, str, str]) -> None:
    """Ended, worsened, already taken or nameless: refused with the reason, and nothing changes."""
    _, alarms, revision, by, why = case
    before = dict(alarms)
    with pytest.raises(ValueError, match=why):
        acknowledge(alarms, ConditionId.LINK_LOST, revision, by, NOW)
    assert dict(alarms) == before


@pytest.mark.requirement("INV-4")
def test_a_late_acknowledgement_never_meets_the_next_alarm() -> None:
    """What was on the screen ended and came back: the revision is another, so the old word is refused."""
    first = _raised(LOW)
    seen = first[ConditionId.LINK_LOST].revision
    ended, _ = settle(first, {}, frozenset(), NOW, seen)
    assert ConditionId.LINK_LOST not in ended
    again, _ = settle(ended, {ConditionId.LINK_LOST: Finding(HIGH)}, frozenset(), NOW, seen)
    with pytest.raises(ValueError, match="raised anew or worsened"):
        acknowledge(again, ConditionId.LINK_LOST, seen, "Ada", NOW)


@pytest.mark.requirement("INV-4")
def test_worsening_takes_the_acknowledgement_away() -> None:
    """A person had it at MEDIUM; at HIGH it is told anew, by nobody's name."""
    taken, _ = acknowledge(_raised(MEDIUM), ConditionId.LINK_LOST, 1, "Ada", NOW)
    worse, changes = settle(taken, {ConditionId.LINK_LOST: Finding(HIGH)}, frozenset(), NOW, 1)
    alarm = worse[ConditionId.LINK_LOST]
    assert (alarm.signal, alarm.acknowledged_by, alarm.acknowledged_at) == (ON, "", None)
    assert [c.event for c in changes] == [AlarmEvent.WORSEN]


@pytest.mark.requirement("CORE-4")
def test_what_worsens_is_added_and_what_comes_anew_begins_afresh() -> None:
    """One episode keeps its beginning, every cause and its worst degree; the next has only its own."""
    over, later, last = ConditionId.OVER_HARD, NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    alarms, _ = settle(NO_ALARMS, {over: Finding(HIGH, "1", "0", frozenset("a"), 100)}, frozenset(), NOW)
    worse = Finding(HIGH, "2", "0", frozenset("b"), 50)
    alarms, _ = settle(alarms, {over: worse}, frozenset(), later)
    assert (alarms[over].since, alarms[over].causes, alarms[over].degree) == (NOW, frozenset("ab"), 100)
    alarms, changes = settle(alarms, {over: replace(worse, measured="3")}, frozenset(), later)
    assert (alarms[over].measured, changes) == ("3", ())
    alarms, _ = settle(alarms, {}, frozenset(), later)
    assert alarms[over].signal is LATCHED
    alarms, _ = settle(alarms, {over: Finding(HIGH, "4", "0", frozenset("c"), 10)}, frozenset(), last)
    assert (alarms[over].since, alarms[over].causes, alarms[over].degree) == (last, frozenset("c"), 10)
