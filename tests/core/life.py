"""The life of alarms as moves on a state, and what no move may ever do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pumpd.core.alarms import NO_ALARMS, Alarm, AlarmChanged, AlarmEvent, Alarms, AlarmSignal, Finding, settle
from pumpd.core.answers import said, with_time
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import EscalationEvent, EscalationPlan, StepTold
from pumpd.core.conditions import AlarmPriority, Audience, ConditionId
from pumpd.core.inactivation import (
    InactivationEvent,
    InactivationKind,
    InactivationLimits,
    PauseAudio,
    ResumeAudio,
    Shelve,
    Suppress,
    Unshelve,
)
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Acknowledge, Now, SaidOfAlarm
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.base import Durable
from pumpd.store.durables import durable_text, parse_durable
from tests.core.situations import START

TICK_S = 60
STEP_S = 3600
PLAN = EscalationPlan((("nurse",), ("doctor",)), (("engineer",), ("doctor",)), 60, 120)
LIMITS = InactivationLimits(audio_pause_s=240, shelf_s=120)
LINK_LOST = ConditionId.LINK_LOST
ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
SOUNDS = {
    AlarmEvent.RAISE,
    AlarmEvent.WORSEN,
    InactivationEvent.RESUME_AUDIO,
    InactivationEvent.UNSHELVE,
    InactivationEvent.UNSUPPRESS,
}
"""What may make an alarm sound that was silent."""


_EVERY = frozenset(ConditionId)
TIMES = ("tick", "restart", "restart after", "clock ahead", "restart, clock back")
VERBS = ("clear", "acknowledge", "acknowledge old", "pause", "resume", "shelve", "unshelve", "not told")


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens."""

    verb: str
    condition: ConditionId | None = None
    priority: AlarmPriority = AlarmPriority.LOW
    contact: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """The alarms of one pump at one moment."""

    alarms: Alarms = field(default_factory=lambda: NO_ALARMS)
    revision: int = 0
    mono_s: int = 0
    wall_s: int = 0

    @property
    def now(self) -> Now:
        return Now(self.mono_s * NS_PER_S, START + timedelta(seconds=self.wall_s))


def moves(conditions: tuple[ConditionId, ...], priorities: tuple[AlarmPriority, ...]) -> list[Move]:
    """Return everything that can happen to a pump with these conditions."""
    found = [
        Move(verb) for verb in ("tick", "restart", "restart after", "clock ahead", "restart, clock back")
    ]
    for condition in conditions:
        found += [Move("find", condition, priority) for priority in priorities]
        verbs = [
            "clear",
            "acknowledge",
            "acknowledge old",
            "pause",
            "resume",
            "shelve",
            "unshelve",
            "not told",
        ]
        found += [Move(verb, condition) for verb in verbs]
        found += [Move("told", condition, contact=contact) for contact in ("nurse", "doctor", "engineer")]
    if LINK_LOST in conditions:
        found += [Move("suppress", LINK_LOST), Move("unsuppress", LINK_LOST)]
    return found


def step(world: World, move: Move) -> tuple[World, tuple[AlarmChanged, ...]]:
    """Return the world after ``move``, with what is told of it; a refusal changes nothing."""
    match move.verb:
        case "tick":
            return _settled(
                replace(world, mono_s=world.mono_s + TICK_S, wall_s=world.wall_s + TICK_S), {}, None
            )
        case "clock ahead":
            return _settled(replace(world, wall_s=world.wall_s + STEP_S), {}, None)
        case "restart":
            return _settled(_restarted(world, 0), {}, None)
        case "restart after":
            return _settled(_restarted(world, TICK_S), {}, None)
        case "restart, clock back":
            if _ahead_s(world):
                return world, ()  # once is enough: further back is no other case
            return _settled(_restarted(world, -TICK_S), {}, None)
        case "find":
            assert move.condition is not None
            return _settled(world, {move.condition: Finding(move.priority)}, None)
        case "clear":
            return _settled(world, {}, move.condition)
    asked = _asked(world, move)
    if asked is None:
        return world, ()
    try:
        alarms, changes = said(world.alarms, asked, LIMITS, world.now)
    except ValueError:
        return world, ()
    return replace(world, alarms=alarms), changes


def _asked(world: World, move: Move) -> SaidOfAlarm | None:
    condition = move.condition
    assert condition is not None
    alarm = world.alarms.get(condition)
    revision = 0 if alarm is None else alarm.revision
    match move.verb:
        case "acknowledge":
            return Acknowledge(condition, revision, "Ada")
        case "acknowledge old":
            return Acknowledge(condition, revision - 1, "Ada")
        case "pause":
            return PauseAudio(condition, revision, "Ada", 2 * TICK_S)
        case "resume":
            return ResumeAudio(condition, "Ada")
        case "shelve":
            return Shelve(condition, revision, "Ada", 2 * TICK_S, "later")
        case "unshelve":
            return Unshelve(condition, "Ada")
        case "suppress" | "unsuppress":
            if alarm is None or alarm.signal is LATCHED:
                return None  # only what stands is told by its line
            return Suppress("line-a" if move.verb == "suppress" else "")
        case "told":
            return StepTold(condition, revision, move.contact)
        case "not told":
            return StepTold(condition, revision, "nurse", "no line")
    raise ValueError(move.verb)


def _settled(
    world: World, found: dict[ConditionId, Finding], ended: ConditionId | None
) -> tuple[World, tuple[AlarmChanged, ...]]:
    held = _EVERY if ended is None else _EVERY - {ended}
    alarms, changes = settle(world.alarms, found, held, world.now.wall, world.revision)
    alarms, later = with_time(alarms, changes, PLAN, world.now)
    changes += later
    revision = max([world.revision, *(change.alarm.revision for change in changes)])
    return replace(world, alarms=alarms, revision=revision), changes


def _restarted(world: World, away_s: int) -> World:
    """Return the world after a restart: what the journal keeps, on another monotonic clock."""
    kept = Durable(PumpId("P"), ChannelId("1"), world.alarms, {})
    alarms = parse_durable(kept.pump, kept.channel, durable_text(kept)).alarms
    return World(alarms, 0, 0, world.wall_s + away_s)


def _ahead_s(world: World) -> int:
    """Return how far a label lies in the future, in seconds."""
    now = world.now.wall
    labels = [a.since for a in world.alarms.values()]
    labels += [a.climb.at for a in world.alarms.values() if a.climb is not None]
    labels += [a.inactivation.at for a in world.alarms.values() if a.inactivation is not None]
    return max([0, *(round((label - now).total_seconds()) for label in labels)])


def shape(world: World) -> object:
    """Return what two worlds must share to be the same: times as seen from now, revisions left out."""
    return tuple(
        (_shape_of(world, alarm), alarm.condition)
        for alarm in sorted(world.alarms.values(), key=lambda a: a.condition.value)
    )


def _shape_of(world: World, alarm: Alarm) -> object:
    now, quiet, climb = world.now, alarm.inactivation, alarm.climb
    ahead_s = max(0, round((alarm.since - now.wall).total_seconds()))
    quieted = None
    if quiet is not None:
        left_ns = None if quiet.until_ns is None else quiet.until_ns - now.mono_ns
        begun_s = round((quiet.at - now.wall).total_seconds())
        quieted = (quiet.kind, quiet.until - now.wall, left_ns, max(0, begun_s))
    climbed = None
    if climb is not None:
        waited_s = _waited_s(world, alarm)
        most_s = (len(PLAN.steps) + 1) * (PLAN.after_s(alarm.priority) or 0)
        climbed = (climb.step_count, min(waited_s, most_s), climb.pending, climb.told)
    return (alarm.priority, alarm.signal, ahead_s, quieted, alarm.suppressed_by, climbed)


def _waited_s(world: World, alarm: Alarm) -> int:
    assert alarm.climb is not None
    assert alarm.climb.at_ns is not None, "this run has looked at it"
    return (world.now.mono_ns - alarm.climb.at_ns) // NS_PER_S


def sounds(alarm: Alarm | None) -> bool:
    """Return whether people hear it."""
    return (
        alarm is not None
        and alarm.signal in {ON, LATCHED}
        and alarm.inactivation is None
        and not alarm.suppressed_by
    )


def broken(before: World, after: World, changes: tuple[AlarmChanged, ...], move: Move) -> Iterator[str]:
    """Yield every invariant that ``move`` broke, by its name in docs/alarm-life-cycle.md."""
    for condition in {*before.alarms, *after.alarms}:
        old, new = before.alarms.get(condition), after.alarms.get(condition)
        mine = [change for change in changes if change.alarm.condition is condition]
        yield from _of_signal(old, new, mine, move, condition)
        if new is not None:
            yield from _of_quiet(before, after, old, new, changes, move)
            yield from _of_climb(after, old, new, mine)


def _of_signal(
    old: Alarm | None, new: Alarm | None, mine: list[AlarmChanged], move: Move, condition: ConditionId
) -> Iterator[str]:
    events = {change.event for change in mine}
    if new is not None and new.signal is OFF:
        yield "LOST: an alarm that is off is still there"
    if move.verb == "find" and move.condition is condition and (new is None or new.signal not in {ON, ACK}):
        yield "LOST: a condition that is present is not told"
    was_had, is_had = old is not None and old.signal is ACK, new is not None and new.signal is ACK
    answered = move == Move("acknowledge", condition)
    if old is not None and new is None and old.latches and not (was_had or answered):
        yield "LOST: a latched alarm ended that nobody had seen"
    if was_had and new is not None and not is_had and AlarmEvent.WORSEN not in events:
        yield "ONE ANSWER: what somebody has was told again without being worse"
    if is_had and not was_had and not answered:
        yield "OWN ANSWER: an alarm was acknowledged that nobody answered"
    if sounds(new) and not sounds(old) and not events & SOUNDS:
        yield "NO SOUND WITHOUT AN EVENT: it sounds anew and the journal does not say why"
    if move.verb.startswith("restart") and events & {AlarmEvent.RAISE, AlarmEvent.WORSEN}:
        yield "RESTART: an alarm was raised by a restart"


def _of_quiet(
    before: World,
    after: World,
    old: Alarm | None,
    new: Alarm,
    changes: tuple[AlarmChanged, ...],
    move: Move,
) -> Iterator[str]:
    quiet = new.inactivation
    anew = [c.alarm for c in changes if c.event in {AlarmEvent.RAISE, AlarmEvent.WORSEN}]
    if quiet is None:
        was = None if old is None else old.inactivation
        if was is not None and move.verb in {"tick", "restart"} and not anew:
            left_s = (was.until - after.now.wall).total_seconds()
            if left_s > 0 and new.signal is not ACK and not _ahead_s(before):
                yield "PAUSE LASTS: it ended before its time, and nothing was worse"
        return
    left_s = (quiet.until - after.now.wall).total_seconds()
    if new.signal is ACK:
        yield "ONE ANSWER: an acknowledged alarm is quieted as well"
    if quiet.kind is InactivationKind.SHELVED and new.priority is AlarmPriority.HIGH:
        yield "HIGH IS NEVER SHELVED"
    if left_s > 2 * TICK_S:
        yield "PAUSE ENDS: it outlives its limit"
    if (
        move.verb in {"tick", "restart", "restart after", "restart, clock back", "clock ahead"}
        and left_s <= 0
    ):
        yield "PAUSE ENDS: its time is over and it is still quiet"
    if move.verb == "clock ahead":
        yield "CLOCK: it outlives a clock that stepped"
    if move.verb == "restart, clock back" and before is not after and _ahead_s(after):
        yield "CLOCK: it outlives a restart with a clock that went back"
    heard = any(CATALOGUE[alarm.condition].audience is Audience.NURSE for alarm in anew)
    if quiet.kind is InactivationKind.AUDIO_PAUSED and heard:
        yield "PAUSE BREAKS: a new or worse alarm did not break it"
    if any(alarm.condition is new.condition for alarm in anew):
        yield "PAUSE BREAKS: what is worse is still quiet"


def _of_climb(after: World, old: Alarm | None, new: Alarm, mine: list[AlarmChanged]) -> Iterator[str]:
    climb = new.climb
    if climb is None:
        return
    if new.signal is ACK or new.suppressed_by or new.priority is AlarmPriority.LOW:
        yield "CLIMB: somebody is called for what needs nobody"
    names = (*climb.pending, *climb.told)
    if len(set(names)) < len(names):
        yield "CLIMB: somebody is called twice"
    was = old.climb if old is not None and old.revision == new.revision else None
    taken = climb.step_count - (0 if was is None else was.step_count)
    events = [change for change in mine if change.event is EscalationEvent.ESCALATE]
    if was is not None and taken < 0:
        yield "CLIMB: a step was forgotten"
    if taken > 0 and taken != len(events):
        yield "CLIMB: a step was taken and not told"
    interval_s = PLAN.after_s(new.priority) or 0
    if climb.at_ns is not None and climb.step_count * interval_s > max(0, _waited_s(after, new)):
        yield "CLIMB: a step was taken before its time"


def clock_went_back(world: World) -> bool:
    """Return whether something seems to have happened later than now: then no time of day is trusted."""
    return _ahead_s(world) > 0


def restart_changes_nothing(world: World) -> bool:
    """Return whether a restart at this moment neither loses nor sounds nor repeats anything."""
    settled, _ = _settled(world, {}, None)
    settled, again = _settled(settled, {}, None)
    while again:  # steps that are overdue come one at a look
        settled, again = _settled(settled, {}, None)
    after, changes = step(settled, Move("restart"))
    return not changes and shape(after) == shape(settled)
