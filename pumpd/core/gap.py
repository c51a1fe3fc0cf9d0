"""Whether the pump's own counter accounts for the time in which nobody read it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import COUNTER_LAG_NS, paces
from pumpd.core.delivery_account import Account, Counter
from pumpd.core.delivery_bands import FLOOR_PERCENT, FLOOR_TICKS
from pumpd.core.quantities import NS_PER_H
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry


def end_gap(state: PumpState, before: Account | None) -> PumpState:
    """Return the state after the first reading that ends a lost link; ``before`` is the account until then.

    Where what was to flow in the gap flowed, no less and no more, nobody has to look.
    """
    reading, counter = state.last, state.counter
    if before is None or reading is None or counter is None:
        return state
    if not _moved_as_set(before, reading, before.as_seen(counter)):
        return state
    lost = replace(state.alarms[ConditionId.LINK_LOST], accounted=True)
    return replace(state, alarms=MappingProxyType({**state.alarms, ConditionId.LINK_LOST: lost}))


def _moved_as_set(before: Account, reading: Telemetry, counter: Counter) -> bool:
    pace, volume = paces(reading), reading.volume.value
    if pace is None or volume is None:
        return False
    if (reading.status, pace[0]) != (before.status, before.set_nl_h):
        return False  # somebody was there, and when is not known
    if reading.status is PumpStatus.UNKNOWN:
        return False
    moved_nl = volume.nl - before.counter_nl
    elapsed_ns = reading.taken_ns - before.taken_ns
    due_nl = pace[0] * elapsed_ns // NS_PER_H
    lag_nl = pace[0] * (COUNTER_LAG_NS + before.span_ns + reading.span_ns) // NS_PER_H
    margin_nl = FLOOR_TICKS * counter.tick_nl + lag_nl + due_nl * FLOOR_PERCENT // 100
    return abs(moved_nl - due_nl) <= margin_nl
