"""How long to wait before what failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Backoff:
    """Growing waits with jitter, so that what failed together does not come back together."""

    random: random.Random
    first_s: float = 0.5
    longest_s: float = 15.0
    _next_s: float = 0.0

    def next_s(self) -> float:
        """Return how long to wait before the next try: between half and all of a doubling span."""
        self._next_s = min(max(self._next_s * 2, self.first_s), self.longest_s)
        return self._next_s * self.random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin small again: it went well."""
        self._next_s = 0.0
