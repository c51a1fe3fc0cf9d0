"""How long things took, counted in buckets: one thread writes, any other may read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""From a commit on an idle disk to a disk that hangs."""


class Tally:
    """Counts durations; nothing is kept of a single one."""

    def __init__(self, bounds_s: Sequence[float] = BOUNDS_S) -> None:
        """``bounds_s`` rise; a duration counts in the first bucket whose bound is not less."""
        self._bounds_s = tuple(bounds_s)
        self._counts = [0] * (len(self._bounds_s) + 1)
        self.sum_s = 0.0

    def add(self, took_s: float) -> None:
        """Count one duration, in seconds."""
        self._counts[bisect_left(self._bounds_s, took_s)] += 1
        self.sum_s += took_s

    def buckets(self) -> list[tuple[str, float]]:
        """Return each bound with how many took so long or less, as Prometheus has it; "+Inf" last."""
        names = [*(f"{bound:g}" for bound in self._bounds_s), "+Inf"]
        found: list[tuple[str, float]] = []
        total = 0
        for name, count in zip(names, self._counts, strict=True):
            total += count
            found.append((name, float(total)))
        return found
