"""The rules of audio pause and shelf: who may ask, what breaks them, and that they always end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from pumpd.core.alarms import Alarm, AlarmChanged, AlarmEvent, Alarms, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, Audience, ConditionId
from pumpd.core.inactivation import (
    AskedOfAlarm,
    Inactivation,
    InactivationEvent,
    InactivationKind,
    InactivationLimits,
    PauseAudio,
    ResumeAudio,
    Shelve,
)
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Now

CLOCK_STEP_S = 2
"""The clocks may differ by so much since it began, and by a thousandth of its length: a clock that is being
corrected runs at most 500 ppm off. More is a step, and then nobody knows when it ends."""

_US = timedelta(microseconds=1)
_PAUSED, _SHELVED = InactivationKind.AUDIO_PAUSED, InactivationKind.SHELVED
_ENDS = {_PAUSED: InactivationEvent.RESUME_AUDIO, _SHELVED: InactivationEvent.UNSHELVE}
_WORDS = {_PAUSED: "audio pause", _SHELVED: "shelf"}


def asked(
    alarms: Alarms, given: AskedOfAlarm, limits: InactivationLimits, now: Now
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms after a person asked for ``given``; ValueError, with the reason, when refused."""
    what = given.condition.value
    if not given.by.strip():
        raise ValueError(f"{what}: it needs the name of who asks")
    alarm = alarms.get(given.condition)
    if alarm is None:
        raise ValueError(f"{what}: no such alarm is on; it may have ended")
    if isinstance(given, PauseAudio | Shelve):
        begun = _begun(alarm, given, limits, now)
        event = InactivationEvent.PAUSE_AUDIO if begun.kind is _PAUSED else InactivationEvent.SHELVE
        quieted = replace(alarm, inactivation=begun)
        changed = AlarmChanged(event, alarm.signal, quieted, now.wall, given.by, begun.reason)
        return _with(alarms, quieted), (changed,)
    kind = _PAUSED if isinstance(given, ResumeAudio) else _SHELVED
    if alarm.inactivation is None or alarm.inactivation.kind is not kind:
        raise ValueError(f"{what}: it has no {_WORDS[kind]}; it may have ended")
    changed = _ended(alarm, now, "", given.by)
    return _with(alarms, changed.alarm), (changed,)


def kept_or_ended(
    alarms: Alarms, changes: Sequence[AlarmChanged], now: Now
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms at ``now``, after ``changes``, with the ends of what may not stay quiet any longer.

    An audio pause is broken by any alarm of the same owner that a nurse must hear anew: so no pause outlives
    the loss of the link. A shelf is broken when its own alarm is told anew. Both end at their time, and at
    once when the clock can not be trusted.
    """
    if not any(alarm.inactivation is not None for alarm in alarms.values()):
        return alarms, ()
    anew = [c.alarm for c in changes if c.event in {AlarmEvent.RAISE, AlarmEvent.WORSEN}]
    heard = next((a for a in anew if CATALOGUE[a.condition].audience is Audience.NURSE), None)
    labels = [label for a in alarms.values() for label in (a.since, a.acknowledged_at) if label is not None]
    went_back = any(label > now.wall for label in labels)
    after = dict(alarms)
    ended: list[AlarmChanged] = []
    for condition, alarm in alarms.items():
        quiet = alarm.inactivation
        if quiet is None:
            continue
        why = _why_ended(quiet, now, went_back=went_back)
        if any(a.condition is condition for a in anew):
            why = "it was raised anew or worsened"
        elif quiet.kind is _PAUSED and heard is not None:
            why = f"a new or worse alarm: {heard.condition.value}"
        if why:
            ended.append(_ended(alarm, now, why))
            after[condition] = ended[-1].alarm
        elif quiet.until_ns is None:
            until_ns = now.mono_ns + (quiet.until - now.wall) // _US * 1000
            after[condition] = replace(alarm, inactivation=replace(quiet, until_ns=until_ns))
    if after == alarms:
        return alarms, ()
    return MappingProxyType(after), tuple(ended)


def suppressed(alarms: Alarms, line: str, now: Now) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms with LINK_LOST told by the alarm of ``line``; by itself again when that is empty."""
    alarm = alarms.get(ConditionId.LINK_LOST)
    if alarm is None or alarm.suppressed_by == line:
        return alarms, ()
    event = InactivationEvent.SUPPRESS if line else InactivationEvent.UNSUPPRESS
    after = replace(alarm, suppressed_by=line, climb=None)
    changed = AlarmChanged(event, alarm.signal, after, now.wall, why=line or alarm.suppressed_by)
    return _with(alarms, after), (changed,)


def _begun(alarm: Alarm, given: PauseAudio | Shelve, limits: InactivationLimits, now: Now) -> Inactivation:
    what = alarm.condition.value
    if alarm.revision != given.revision:
        raise ValueError(
            f"{what}: it was raised anew or worsened since (revision {alarm.revision}, "
            f"the screen showed {given.revision}); look again"
        )
    if alarm.signal is AlarmSignal.ACKNOWLEDGED:
        raise ValueError(f"{what}: {alarm.acknowledged_by} has it already, and it is silent")
    if isinstance(given, Shelve):
        kind, reason, most_s = _SHELVED, given.reason.strip(), limits.shelf_s
        if alarm.priority is AlarmPriority.HIGH:
            raise ValueError(f"{what}: an alarm of HIGH priority can not be put off")
        if not reason:
            raise ValueError(f"{what}: a shelf needs a reason")
    else:
        kind, reason, most_s = _PAUSED, "", limits.longest_pause_s(alarm.priority)
        if alarm.inactivation is not None and alarm.inactivation.kind is _SHELVED:
            raise ValueError(f"{what}: {alarm.inactivation.by} put it off, and it is silent")
    if not 0 < given.for_s <= most_s:
        raise ValueError(f"{what}: {given.for_s} s; for this alarm 1 to {most_s} s are allowed")
    until = now.wall + timedelta(seconds=given.for_s)
    return Inactivation(kind, given.by, reason, now.wall, until, now.mono_ns + given.for_s * NS_PER_S)


def _why_ended(quiet: Inactivation, now: Now, *, went_back: bool) -> str:
    """Return why it is over at ``now``; empty while it lasts."""
    remaining_us = (quiet.until - now.wall) // _US
    length_us = (quiet.until - quiet.at) // _US
    if quiet.until_ns is None:  # an earlier run began it: only the time of day tells its end
        if went_back or remaining_us > length_us:
            return "the clock can not be trusted"
        return "its time is over" if remaining_us <= 0 else ""
    if now.mono_ns >= quiet.until_ns:
        return "its time is over"
    differ_us = abs(remaining_us - (quiet.until_ns - now.mono_ns) // 1000)
    if differ_us > CLOCK_STEP_S * 1_000_000 + length_us // 1000:
        return "the clock can not be trusted"
    return ""


def _ended(alarm: Alarm, now: Now, why: str, by: str = "") -> AlarmChanged:
    assert alarm.inactivation is not None
    event = _ENDS[alarm.inactivation.kind]
    return AlarmChanged(event, alarm.signal, replace(alarm, inactivation=None), now.wall, by, why)


def _with(alarms: Alarms, alarm: Alarm) -> Alarms:
    return MappingProxyType({**alarms, alarm.condition: alarm})
