"""How old a reading is when it is looked at, without trusting any clock to be right.

The sender stamps its own monotonic clock on every message. The smallest (arrived - sent) of the last ten
minutes is the difference of the two clocks with the least delay in it; what a message took beyond that is its
transit. So a frozen broker shows at once, and two clocks that differ do no harm.
"""

from __future__ import annotations

from collections import deque

WINDOW_MS = 600_000
"""How far back the smallest difference is taken: long against a stall, short against drifting clocks."""
_SLOT_MS = 10_000


class Transit:
    """The difference between one sender's clock (of one boot id) and the reader's, learnt from messages."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, int]] = deque()
        # (slot number, smallest difference in it), oldest first and differences rising: a later, smaller one
        # makes the earlier ones useless.

    def observe(self, sent_ms: int, arrived_ms: int) -> int:
        """Take note of one message and return its transit in ms, 0 or more."""
        difference, slot = arrived_ms - sent_ms, arrived_ms // _SLOT_MS
        oldest = (arrived_ms - WINDOW_MS) // _SLOT_MS
        while self._slots and self._slots[0][0] < oldest and len(self._slots) > 1:
            self._slots.popleft()
        if self._slots and self._slots[0][0] < oldest:
            # The last word before a silence longer than the window: better than nothing until this one proves
            # to be faster, so that a release after a long freeze is not taken for a fresh start.
            self._slots[0] = (slot, self._slots[0][1])
        while self._slots and self._slots[-1][1] >= difference:
            self._slots.pop()
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append((slot, difference))
        return difference - self._slots[0][1]

    def age_ms(self, age_when_sent_ms: int, sent_ms: int, now_ms: int) -> int:
        """Return the age at ``now_ms`` of a reading that was ``age_when_sent_ms`` old at ``sent_ms``.

        ``sent_ms`` is on the sender's clock, ``now_ms`` on the reader's; needs one observed message.
        """
        return max(0, age_when_sent_ms + now_ms - sent_ms - self._slots[0][1])
