"""Times that never meet an earlier one of the same channel: a point sent again overwrites itself alone."""

from __future__ import annotations

from pumpd.core.telemetry import ChannelId, PumpId

NS_PER_MS = 1_000_000

STEP_BACK_MS = 600_000
"""A wall clock that goes back by less is taken as a small correction: times are held and go on rising.

By more it was wrong before: readings take the right time at once, and from then on end in another number of
nanoseconds, so that they can not meet what was written under the wrong time.
"""

Channel = tuple[PumpId, ChannelId]


class Rising:
    """Gives each reading its time in ns since 1970: milliseconds, and how often the clock was put back."""

    def __init__(self, era: int = 0, newest_ms: int = 0) -> None:
        """``era`` and ``newest_ms`` are where an earlier run left off; see ``mark``."""
        self._start = (era, newest_ms)
        self._mark = (era, newest_ms)
        self._last: dict[Channel, tuple[int, int]] = {}

    @property
    def mark(self) -> tuple[int, int]:
        """How often the clock was put back, and the newest time in ms since the last time it was."""
        return self._mark

    def place(self, channel: Channel, at_ms: int) -> int:
        """Return the time for a reading of ``channel`` taken at ``at_ms``, unlike any before."""
        era, last_ms = self._last.get(channel, self._start)
        if at_ms <= last_ms:
            if at_ms > last_ms - STEP_BACK_MS:
                at_ms = last_ms + 1
            else:
                era = max(era + 1, self._mark[0])
        placed = (era, at_ms)
        self._last[channel] = placed
        self._mark = max(self._mark, placed)
        return at_ms * NS_PER_MS + era
