"""How refusals are written down: each of them, but no flood of them."""

from __future__ import annotations

from pumpd.clock import Clock
from pumpd.core.quantities import NS_PER_S

AT_ONCE = 20
"""Refusals that are written down in one window; what a stranger sends must not fill the journal."""
WINDOW_NS = 60 * NS_PER_S
LONGEST = 300


class Noted:
    """Tells which refusals are written down."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_ns = clock.monotonic_ns()
        self._left = AT_ONCE
        self._missed = 0

    def missed(self) -> int | None:
        """Return how many before this one were not written down; None: neither is this one."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._since_ns >= WINDOW_NS:
            self._since_ns, self._left = now_ns, AT_ONCE
        if not self._left:
            self._missed += 1
            return None
        self._left -= 1
        missed, self._missed = self._missed, 0
        return missed


def plain_line(text: str) -> str:
    """Return ``text`` as one line that can be read, whatever a stranger wrote into it."""
    seen = "".join(each if each.isprintable() else "?" for each in text[: LONGEST + 1])
    return seen if len(seen) <= LONGEST else f"{seen[: LONGEST - 1]}…"
