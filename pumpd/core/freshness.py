"""Whether a reading is still live: decided here, once, from monotonic ages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Freshness(Enum):
    """How old the newest reading is."""

    FRESH = "fresh"
    STALE = "stale"
    """Too old to be shown as live."""
    LOST = "lost"
    """So old that the pump must be looked at."""


@dataclass(frozen=True, slots=True)
class FreshnessLimits:
    """Ages above which a reading is stale, and its pump lost; they follow what the line can reach."""

    stale_after_ns: int
    lost_after_ns: int

    def __post_init__(self) -> None:
        if not 0 < self.stale_after_ns <= self.lost_after_ns:
            raise ValueError("freshness limits: 0 < stale_after <= lost_after")


def freshness(age_ns: int, limits: FreshnessLimits) -> Freshness:
    """Return what ``age_ns`` means under ``limits``; an age exactly at a limit is still on its good side."""
    if age_ns > limits.lost_after_ns:
        return Freshness.LOST
    if age_ns > limits.stale_after_ns:
        return Freshness.STALE
    return Freshness.FRESH
