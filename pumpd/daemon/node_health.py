"""How a daemon is: whether its watchdog turns, whether it watches, and what is not well and why."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.freshness import Freshness
from pumpd.core.quantities import NS_PER_S
from pumpd.daemon.inside import Inside
from pumpd.daemon.seams import LinkState
from pumpd.health import Health, Unwell

STUCK_AFTER_NS = 10 * NS_PER_S
"""A watchdog that has not been round for so long is not late but stuck: a turn takes one second."""

BLOCKING = frozenset({ConditionId.JOURNAL_LATE, ConditionId.BROKER_LOST})
"""While one of these is present alarms are not kept, or reach nobody."""


def node_health(inside: Inside) -> Health:
    """Return how the daemon is now."""
    if not inside.started:
        return Health((Unwell("daemon", "it is starting", blocks=True),))
    turned_ns = inside.app.watchdog.turned_ns
    alive = turned_ns is None or inside.clock.monotonic_ns() - turned_ns <= STUCK_AFTER_NS
    return Health(tuple(_unwell(inside, alive=alive, turned=turned_ns is not None)), alive)


def _unwell(inside: Inside, *, alive: bool, turned: bool) -> Iterator[Unwell]:
    ward = inside.app.ward
    if not alive:
        yield Unwell("watchdog", f"it has not been round for {STUCK_AFTER_NS // NS_PER_S} s", blocks=True)
    elif not turned:
        yield Unwell("watchdog", "it has not been round yet", blocks=True)
    present = {
        condition: alarm
        for condition, alarm in ward.site_state.alarms.items()
        if alarm.signal is not AlarmSignal.LATCHED
    }
    for condition, alarm in present.items():
        yield Unwell(condition.value, alarm.measured, condition in BLOCKING)
    publisher = inside.publisher
    if publisher is not None and not publisher.up and ConditionId.BROKER_LOST not in present:
        yield Unwell("broker", "not connected", blocks=True)
    lives = ward.pumps.values()
    if all(live.state.freshness is not Freshness.FRESH for live in lives):
        yield Unwell("pumps", "of none is there a fresh reading", blocks=True)
    seen: set[str] = set()
    for live in lives:
        link = live.link
        if link.state is not LinkState.UP and live.pump not in seen:
            seen.add(live.pump)
            why = f"{link.state.value}: {link.detail}" if link.detail else link.state.value
            yield Unwell(f"pump {live.pump}", why)
