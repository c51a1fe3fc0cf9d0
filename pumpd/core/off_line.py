"""A pump that a person took off the line until a time: its silence is no alarm, and anything else is.

What is known of it stands in an alarm of its own, LOW, so that it is journalled, shown and kept over a
restart like any other; it ends by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pumpd.core import alarms as signals
from pumpd.core.alarms import Alarm, AlarmChanged, AlarmSignal, Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.freshness import Freshness
from pumpd.core.inactivation import LONGEST_OFF_LINE_S, TakeOffLine
from pumpd.core.state import Now, PumpState

_OFF, _DELIVERS, _LOST = ConditionId.OFF_LINE, ConditionId.OFF_LINE_DELIVERS, ConditionId.LINK_LOST
_UNTIL = "%Y-%m-%d %H:%M:%S UTC"
_OTHERS = frozenset(ConditionId) - {_OFF, _LOST}


def taken_off(state: PumpState, given: TakeOffLine, now: Now) -> tuple[PumpState, tuple[AlarmChanged, ...]]:
    """Return the state after a person took the pump off the line, or with ``for_s`` 0 put it back.

    Whoever takes it has its lost link, if that is told. ValueError, with the reason, when it may not be.
    """
    if not given.by.strip() or not given.reason.strip():
        raise ValueError("a pump is taken off the line with a name and a reason")
    if not 0 <= given.for_s <= LONGEST_OFF_LINE_S:
        raise ValueError(f"{given.for_s} s; a pump is off the line for 0 to {LONGEST_OFF_LINE_S} s")
    if given.for_s == 0 and _OFF not in state.alarms:
        raise ValueError("the pump is not off the line; its time may be over")
    if given.for_s and delivers_now(state):
        raise ValueError("the pump delivers; stop it at the pump first")
    if given.for_s and _may_infuse(state):
        raise ValueError("it ran its infusion when it was last read: look at it, and end or move that first")
    alarms = state.alarms
    changes: tuple[AlarmChanged, ...] = ()
    present: Mapping[ConditionId, Finding] = {}
    if given.for_s:
        lost = alarms.get(_LOST)
        if lost is not None and lost.signal is not AlarmSignal.ACKNOWLEDGED:
            alarms, changes = signals.acknowledge(alarms, _LOST, lost.revision, given.by, now.wall)
        until = (now.wall + timedelta(seconds=given.for_s)).astimezone(UTC).strftime(_UNTIL)
        # Another time is told anew.
        present = {_OFF: Finding(CATALOGUE[_OFF].priority, given.reason, until, frozenset({until}))}
    held = _OTHERS if given.for_s else _OTHERS | {_LOST}
    alarms, settled = signals.settle(alarms, present, held, now.wall, state.revision)
    revision = max((change.alarm.revision for change in settled), default=0)
    told = tuple(replace(c, by=given.by, why=given.reason) for c in settled)
    return replace(state, alarms=alarms, revision=max(state.revision, revision)), (*changes, *told)


def delivers_now(state: PumpState) -> bool:
    """Return whether a reading that is still fresh shows that it delivers, or may."""
    fresh = state.freshness is Freshness.FRESH
    return fresh and state.last is not None and state.last.status.delivers


def _may_infuse(state: PumpState) -> bool:
    """Return whether an infusion goes on here that nobody knows to stand."""
    goes_on = state.watch is not None and state.watch.goes_on
    return goes_on and (state.last is None or state.last.status.delivers)


def off_line(state: PumpState, found: dict[ConditionId, Finding], now: Now) -> None:
    """Put into ``found`` what follows while a pump is off the line; its lost link is taken out."""
    off, told = state.alarms.get(_OFF), state.alarms.get(_DELIVERS)
    if off is not None and _lasts(off, now):
        if delivers_now(state):
            assert state.last is not None
            flow = state.last.flow.value
            words = state.last.status.value if flow is None else f"{state.last.status.value}, {flow}"
            found[_DELIVERS] = Finding(CATALOGUE[_DELIVERS].priority, words, off.measured)
        else:
            found[_OFF] = Finding(off.priority, off.measured, off.allowed, off.causes)
            found.pop(_LOST, None)
    elif told is not None and told.signal is not AlarmSignal.LATCHED and delivers_now(state):
        found[_DELIVERS] = Finding(told.priority, told.measured, told.allowed)


def off_line_until(allowed: str) -> datetime:
    """Return until when a pump is off the line, as its alarm says."""
    return datetime.strptime(allowed, _UNTIL).replace(tzinfo=UTC)


def _lasts(off: Alarm, now: Now) -> bool:
    """Return whether its time is not over, by a time of day that has not gone back."""
    return off.since <= now.wall < off_line_until(off.allowed)
