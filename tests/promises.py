"""What is promised within a time, on machines that are busy with other things, too."""

from __future__ import annotations

from math import inf

TRIES = 3


def another_try(took_s: list[float], within_s: float) -> bool:
    """Return whether to try once more: what is slow by itself is slow each time, a busy machine is not."""
    return len(took_s) < TRIES and min(took_s, default=inf) >= within_s
