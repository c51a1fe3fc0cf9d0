"""How long a condition has held: what its delay is measured by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long something has been so, forgiving short relapses: one good reading does not reset it."""

    breaking_ns: int = 0
    good_ns: int = 0
    last_ns: int | None = None
