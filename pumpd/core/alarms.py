"""The alarm signal as a complete table, and the alarms of one pump.

Condition and signal are two things: the condition is present or not; the signal says what people are told
(IEEE 11073-10207: On, Off, Latch, Ack).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType

from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import Climb, EscalationEvent
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.inactivation import Inactivation, InactivationEvent


class AlarmSignal(Enum):
    """What people are told about a condition."""

    OFF = "off"
    ON = "on"
    """Present, and nobody has said "I have it"."""
    LATCHED = "latched"
    """The condition is gone; nobody has acknowledged it."""
    ACKNOWLEDGED = "acknowledged"
    """Present, and a named person has it."""


class AlarmEvent(Enum):
    """What can happen to a signal."""

    RAISE = "raise"
    """The condition is present."""
    WORSEN = "worsen"
    """The condition is present at a higher priority than before."""
    CLEAR = "clear"
    """The condition is gone."""
    ACKNOWLEDGE = "acknowledge"
    """A person said "I have it"."""


_OFF, _ON, _LATCHED, _ACK = AlarmSignal.OFF, AlarmSignal.ON, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED

TRANSITIONS: Mapping[AlarmSignal, Mapping[AlarmEvent, tuple[AlarmSignal, AlarmSignal]]] = {
    # event: (next when the alarm does not latch, next when it does)
    _OFF: {
        AlarmEvent.RAISE: (_ON, _ON),
        AlarmEvent.WORSEN: (_ON, _ON),
        AlarmEvent.CLEAR: (_OFF, _OFF),
        AlarmEvent.ACKNOWLEDGE: (_OFF, _OFF),
    },
    _ON: {
        AlarmEvent.RAISE: (_ON, _ON),
        AlarmEvent.WORSEN: (_ON, _ON),
        AlarmEvent.CLEAR: (_OFF, _LATCHED),
        AlarmEvent.ACKNOWLEDGE: (_ACK, _ACK),
    },
    _LATCHED: {
        AlarmEvent.RAISE: (_ON, _ON),
        AlarmEvent.WORSEN: (_ON, _ON),
        AlarmEvent.CLEAR: (_LATCHED, _LATCHED),
        AlarmEvent.ACKNOWLEDGE: (_OFF, _OFF),
    },
    _ACK: {
        AlarmEvent.RAISE: (_ACK, _ACK),
        AlarmEvent.WORSEN: (_ON, _ON),
        AlarmEvent.CLEAR: (_OFF, _OFF),
        AlarmEvent.ACKNOWLEDGE: (_ACK, _ACK),
    },
}
"""Every cell is written out; a test says that none is missing."""


def step(signal: AlarmSignal, event: AlarmEvent, *, latches: bool) -> AlarmSignal:
    """Return the signal after ``event``."""
    return TRANSITIONS[signal][event][latches]


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that is present now, with what was measured, what is allowed and how bad it is."""

    priority: AlarmPriority
    measured: str = ""
    allowed: str = ""
    causes: frozenset[str] = frozenset()
    """What exactly is wrong, where one condition can mean several things; another cause is a worsening."""
    degree: int = 0
    """How far it is wrong, in any one unit; more than 10 % above what was told is a worsening."""
    soft: int | None = None
    """How far, higher is worse, where a person may accept it with a reason; None: nobody may."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition on one pump (or on the node) with its signal; signal OFF only inside an event."""

    condition: ConditionId
    priority: AlarmPriority
    """The worst it has been since it was raised."""
    signal: AlarmSignal
    revision: int
    """A higher one each time it is raised or worsens: an acknowledgement names the revision it saw."""
    since: datetime
    """When it was raised (wall time, a label)."""
    measured: str
    allowed: str
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    causes: frozenset[str] = frozenset()
    """Everything that was wrong since it was raised."""
    degree: int = 0
    """How far it was wrong when it was last told."""
    inactivation: Inactivation | None = None
    """Its audio pause or shelf."""
    suppressed_by: str = ""
    """The dead line whose alarm speaks for this one; it neither sounds, climbs nor latches meanwhile."""
    climb: Climb | None = None
    """How far it has climbed; None while it does not."""

    accounted: bool = False
    """Nothing came of it, as the pump's counter shows: it ends without waiting for a person."""

    @property
    def latches(self) -> bool:
        """True when it outlives its condition until a person has seen it."""
        latch_from = CATALOGUE[self.condition].latch_from
        quiet = self.suppressed_by or self.accounted
        return not quiet and latch_from is not None and self.priority >= latch_from

    @property
    def title(self) -> str:
        """What is wrong, in the nurse's words."""
        return CATALOGUE[self.condition].title.format(measured=self.measured, allowed=self.allowed)

    @property
    def action(self) -> str:
        """What to do about it."""
        return CATALOGUE[self.condition].action.format(measured=self.measured, allowed=self.allowed)


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """One transition of one alarm: what the journal keeps and the network is told."""

    event: AlarmEvent | InactivationEvent | EscalationEvent
    before: AlarmSignal
    alarm: Alarm
    """The alarm as it is now; its signal is OFF when it ended."""
    at: datetime
    by: str = ""
    """Who did it; empty for what no person did."""
    why: str = ""
    """For a pause or shelf: the reason, or what ended it; for a step of escalation: whom it concerns."""


WORSE_FROM_PERCENT = 110
"""A flow more than a tenth above the one people were told of is told anew (GIP v1.0 1.2.2: +10 %)."""

Alarms = Mapping[ConditionId, Alarm]
"""The alarms of one pump or node whose signal is not OFF."""

NO_ALARMS: Alarms = MappingProxyType({})


def _is_worse(finding: Finding, alarm: Alarm) -> bool:
    """Return whether people must hear of it anew: an acknowledgement never hides a worse or another thing."""
    if finding.priority > alarm.priority or not finding.causes <= alarm.causes:
        return True
    return finding.degree * 100 > alarm.degree * WORSE_FROM_PERCENT


def settle(
    alarms: Alarms,
    findings: Mapping[ConditionId, Finding],
    held: frozenset[ConditionId],
    now: datetime,
    revision: int = 0,
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms after ``findings`` is all that is present, with the transitions that took.

    A condition in ``held`` can not be judged at the moment (no fresh reading): its alarm stays as it is.
    ``revision`` is the highest that was given in this run; new ones are above it, so that an acknowledgement
    on its way never meets another alarm under the revision it names.
    """
    if not findings and not alarms:
        return alarms, ()
    after = dict(alarms)
    changes: list[AlarmChanged] = []
    revision = max([revision, *(alarm.revision for alarm in alarms.values())])
    for condition, finding in findings.items():
        alarm = alarms.get(condition)
        if alarm is None:
            alarm = Alarm(condition, finding.priority, _OFF, 0, now, finding.measured, finding.allowed)
            event = AlarmEvent.RAISE
        elif _is_worse(finding, alarm):
            event = AlarmEvent.WORSEN
        else:
            event = AlarmEvent.RAISE
        before = alarm.signal
        priority = max(finding.priority, alarm.priority)
        signal = step(before, event, latches=alarm.latches)
        if signal is before and event is AlarmEvent.RAISE:
            if (finding.measured, finding.allowed) != (alarm.measured, alarm.allowed):
                after[condition] = replace(alarm, measured=finding.measured, allowed=finding.allowed)
            continue
        revision += 1
        after[condition] = replace(
            alarm,
            priority=priority,
            signal=signal,
            revision=revision,
            since=now if before in (_OFF, _LATCHED) else alarm.since,
            measured=finding.measured,
            allowed=finding.allowed,
            acknowledged_by="",
            acknowledged_at=None,
            climb=None,
            causes=finding.causes if before in (_OFF, _LATCHED) else alarm.causes | finding.causes,
            degree=finding.degree if before in (_OFF, _LATCHED) else max(alarm.degree, finding.degree),
        )
        changes.append(AlarmChanged(event, before, after[condition], now))
    for condition, alarm in alarms.items():
        if condition in findings or condition in held:
            continue
        signal = step(alarm.signal, AlarmEvent.CLEAR, latches=alarm.latches)
        if signal is alarm.signal:
            continue
        cleared = replace(alarm, signal=signal)
        if signal is _OFF:
            del after[condition]
        else:
            after[condition] = cleared
        changes.append(AlarmChanged(AlarmEvent.CLEAR, alarm.signal, cleared, now))
    return MappingProxyType(after), tuple(changes)


def as_seen(alarms: Alarms, condition: ConditionId, revision: int) -> Alarm:
    """Return the alarm that a screen showed at ``revision``; ValueError when it ended or worsened since."""
    alarm = alarms.get(condition)
    if alarm is None:
        raise ValueError(f"{condition.value}: no such alarm is on; it may have ended")
    if alarm.revision != revision:
        raise ValueError(
            f"{condition.value}: it was raised anew or worsened since (revision {alarm.revision}, "
            f"the screen showed {revision}); look again"
        )
    return alarm


def acknowledge(
    alarms: Alarms, condition: ConditionId, revision: int, by: str, now: datetime
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms after ``by`` said "I have it" of ``condition`` as it was at ``revision``.

    ValueError, with the reason, when there is no such alarm, when it has been raised anew or worsened since,
    or when it is already acknowledged; nothing changes then.
    """
    if not by.strip():
        raise ValueError(f"{condition.value}: an acknowledgement needs the name of who has it")
    alarm = as_seen(alarms, condition, revision)
    if alarm.signal is _ACK:
        raise ValueError(f"{condition.value}: {alarm.acknowledged_by} has it already")
    before = alarm.signal
    signal = step(before, AlarmEvent.ACKNOWLEDGE, latches=alarm.latches)
    seen = replace(
        alarm, signal=signal, acknowledged_by=by, acknowledged_at=now, inactivation=None, climb=None
    )
    after = dict(alarms)
    if signal is _OFF:
        del after[condition]
    else:
        after[condition] = seen
    return MappingProxyType(after), (AlarmChanged(AlarmEvent.ACKNOWLEDGE, before, seen, now, by),)
