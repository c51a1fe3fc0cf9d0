"""What was done to a pump: when it was asked to pause, for which flow, and where that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pumpd.core.quantities import FlowRate


@dataclass(frozen=True, slots=True)
class RestraintRecord:
    """When this pump was last asked to pause for a cause, and the flow it had then."""

    at: datetime
    flow: FlowRate
    """The highest it gave or was set to until the outcome was told: restarted, it climbs on to that."""
    settled: bool = False
    """True once the outcome was told; a daemon that died in between asks again."""
    at_ns: int | None = None
    """``at`` on the monotonic clock; None when an earlier run asked."""


class RestraintPhase(Enum):
    """Where a restraint of this pump stands."""

    IDLE = "idle"
    ASKED = "asked"
    """The daemon is pausing it; the outcome has not come back."""
