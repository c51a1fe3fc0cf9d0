"""When somebody should look at the patient: the library's clock, while it runs and after its end."""

from __future__ import annotations

from collections.abc import Sequence

from pumpd.core.drug_library import Interval
from pumpd.core.quantities import NS_PER_S


def next_look_ns(intervals: Sequence[Interval], looked_ns: int | None) -> int | None:
    """Return when the next look is due after ``looked_ns``, all counted from the beginning of the clock.

    ``looked_ns`` None or below 0: nobody has looked since then. A look counts for the moment it is nearest
    to: one at minute 13 is the one of minute 15. None when no more are due.
    """
    from_ns = 0
    for interval in intervals:
        every_ns = interval.every_s * NS_PER_S
        until_ns = None if interval.until_s is None else interval.until_s * NS_PER_S
        done_ns = from_ns if looked_ns is None or looked_ns < 0 else max(from_ns, looked_ns + every_ns // 2)
        due_ns = from_ns + ((done_ns - from_ns) // every_ns + 1) * every_ns
        if until_ns is None or due_ns <= until_ns:
            return due_ns
        from_ns = until_ns
    return None
