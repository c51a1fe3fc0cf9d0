"""What readings, one after the other, show of delivery: counter, pressure and set rate followed over time."""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import advanced
from pumpd.core.delivery_account import Account
from pumpd.core.delivery_rules import deviations, too_young
from pumpd.core.infusion import OrderedRange
from pumpd.core.occlusion import Trend, followed, told_words
from pumpd.core.quantities import FlowRate
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry


class Seen(NamedTuple):
    """What is known of delivery after a reading."""

    account: Account | None
    trend: Trend | None
    meant: FlowRate | None
    """The last rate within the ordered range at which it ran."""
    found: dict[ConditionId, Finding]
    held: frozenset[ConditionId]
    """What can not be judged yet."""


def seen(state: PumpState, reading: Telemetry) -> Seen:
    """Return what is known of delivery after ``reading``."""
    meant = state.meant
    if state.ordered is not None:
        meant = _rate_within(state.ordered, reading) or meant
    counter, line = state.counter, state.setup.line
    if counter is None:
        return Seen(None, None, meant, {}, frozenset())
    account = advanced(state.account, reading, counter, state.carried)
    found: dict[ConditionId, Finding] = {}
    if account is not None:
        for each in deviations(account, counter):
            causes = frozenset({each.cause} if each.cause else ())
            priority = CATALOGUE[each.condition].priority
            found[each.condition] = Finding(priority, each.measured, each.allowed, causes, each.degree)
    trend = state.trend
    if line is not None and account is not None:
        trend = followed(trend, reading, account.counted_nl, line, counter.tick_nl)
        if trend is not None and trend.told_kpa_e4 is not None:
            rising = ConditionId.PRESSURE_RISING
            found[rising] = Finding(CATALOGUE[rising].priority, *told_words(reading, line))
    held: frozenset[ConditionId] = frozenset()
    if state.alarms:
        held = too_young(account)
        if trend is None or not trend.judged:
            held |= {ConditionId.PRESSURE_RISING}
    return Seen(account, trend, meant, found, held)


def _rate_within(ordered: OrderedRange, reading: Telemetry) -> FlowRate | None:
    """Return the set rate of a running pump when it is within the ordered range."""
    rate = reading.flow.value if reading.set_flow.value is None else reading.set_flow.value
    if rate is None or reading.status is not PumpStatus.RUNNING:
        return None
    return rate if ordered.low.nl_per_h <= rate.nl_per_h <= ordered.high.nl_per_h else None
