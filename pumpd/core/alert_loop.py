"""The same alarm, stop and start over and over: somebody answers the alarm and not its cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus, Telemetry

TIMES = 3
WITHIN_NS = 600 * NS_PER_S
"""Open-PCA 1.0.0, alert-stop-start: the same sequence three times or more in ten minutes."""

STOPPING = frozenset(
    {
        PumpAlarm.OCCLUSION,
        PumpAlarm.OCCLUSION_UPSTREAM,
        PumpAlarm.AIR,
        PumpAlarm.EMPTY,
        PumpAlarm.DOOR,
        PumpAlarm.BATTERY_DEPLETED,
        PumpAlarm.FAULT,
    }
)
"""Alarms that stop a pump; it runs on under the others."""

_STARTED = frozenset({PumpStatus.RUNNING, PumpStatus.BOLUS})


@dataclass(frozen=True, slots=True)
class Loop:
    """What stopped a pump, and when it was started again after it."""

    stopped_by: frozenset[PumpAlarm] = frozenset()
    """Why it stands now."""
    starts: tuple[tuple[PumpAlarm, int], ...] = ()
    """Each start of the last ten minutes that followed such a stop: after what, and when (monotonic, ns)."""


def looped(loop: Loop | None, reading: Telemetry) -> Loop | None:
    """Return what is remembered after ``reading``; None when there is nothing to remember."""
    started = reading.status in _STARTED
    if loop is None:
        if started or not reading.alarms:
            return None
        loop = Loop()
    starts = tuple(start for start in loop.starts if reading.taken_ns - start[1] <= WITHIN_NS)
    stopped_by = loop.stopped_by
    if started:
        after = sorted(stopped_by, key=lambda flag: flag.value)
        starts += tuple((flag, reading.taken_ns) for flag in after)
        stopped_by = frozenset()
    elif not reading.status.delivers:
        stopped_by |= reading.alarms & STOPPING
    return Loop(stopped_by, starts) if starts or stopped_by else None


def loop_finding(loop: Loop) -> Finding | None:
    """Return what is wrong after so many starts; each further one is worse."""
    times = Counter(flag for flag, _ in loop.starts)
    often = {flag: n for flag, n in times.items() if n >= TIMES}
    if not often:
        return None
    words = ", ".join(f"{flag.value} {n} times" for flag, n in often.items())
    causes = frozenset(flag.value for flag in often)
    return Finding(CATALOGUE[ConditionId.ALERT_LOOP].priority, words, "", causes, max(often.values()))
