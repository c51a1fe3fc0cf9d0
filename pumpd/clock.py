"""The one place that reads a clock: made at the edge, handed in everywhere else."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Wall time for labels, monotonic time for every age, delay and integral."""

    @property
    def boot_id(self) -> str:
        """Return the id of this run; monotonic times of different runs can not be compared."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary point; never goes back."""
        ...

    def wall(self) -> datetime:
        """Return the time of day, aware, in UTC; may step."""
        ...


def _new_boot_id() -> str:
    return uuid.uuid4().hex[:12]


def _machines_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # not Linux


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clocks."""

    boot_id: str = field(default_factory=_new_boot_id)
    host_boot_id: str = field(default_factory=_machines_boot_id)

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic clock in nanoseconds (the same for all processes of a host)."""
        return time.monotonic_ns()  # noqa: TID251 - the edge

    def wall(self) -> datetime:
        """Return the machine's time of day in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the edge


def host_boot_id(clock: Clock) -> str:
    """Return which boot of a machine monotonic times are of; empty where nobody knows."""
    found: str = getattr(clock, "host_boot_id", "")
    return found


def epoch_ns(clock: Clock) -> int:
    """Return wall time (since 1970) less monotonic time, in ns: it carries a moment over a restart."""
    since_1970 = clock.wall() - datetime(1970, 1, 1, tzinfo=UTC)
    return since_1970 // timedelta(microseconds=1) * 1000 - clock.monotonic_ns()
