"""The time that simulated pumps live by: the loop's, unless somebody holds it or moves it on."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from pumpd.core.quantities import NS_PER_S

_EARLY_NS = 1_000_000
"""uvloop's timers count in milliseconds."""
LONGEST_STEP_S = 30 * 86_400
"""A step is computed at once; a month of the busiest ward takes some seconds."""


def loop_ns() -> int:
    """Return the running loop's time, in nanoseconds."""
    return round(asyncio.get_running_loop().time() * NS_PER_S)


class WardTime:
    """A ward's time. While it is held pumps stand still and still answer; wires keep their own time."""

    def __init__(self) -> None:
        self._ahead_ns = 0
        self._held_at_ns: int | None = None
        self._opened_ns = 0
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> bool:
        """True while time stands still."""
        return self._held_at_ns is not None

    def now_ns(self) -> int:
        """Return the time: the running loop's, less what it was held, plus what it was moved on."""
        return loop_ns() + self._ahead_ns if self._held_at_ns is None else self._held_at_ns

    def now_s(self) -> float:
        """Return the time in seconds."""
        if self._held_at_ns is None and not self._ahead_ns:
            return asyncio.get_running_loop().time()
        return self.now_ns() / NS_PER_S

    def begin(self) -> None:
        """Count the ward's seconds from here."""
        self._opened_ns = self.now_ns()

    @property
    def ward_s(self) -> float:
        """Seconds since ``begin``."""
        return (self.now_ns() - self._opened_ns) / NS_PER_S

    def at(self, ward_s: float, happen: Callable[[], None]) -> None:
        """Call ``happen`` at that second of the ward; at one that is past, as soon as time goes on."""
        at_ns = self._opened_ns + round(ward_s * NS_PER_S)
        heapq.heappush(self._later, (at_ns, next(self._numbers), happen))
        self._wait()

    def hold(self) -> None:
        """Let time stand still; harmless when it does."""
        self._held_at_ns = self.now_ns()
        self._wait()

    def go_on(self) -> None:
        """Let time go on from where it stands; harmless when it does."""
        if self._held_at_ns is not None:
            self._ahead_ns, self._held_at_ns = self._held_at_ns - loop_ns(), None
            self._wait()

    def move_on(self, by_s: float) -> None:
        """Let ``by_s`` pass at once, all that falls into it at its own moment; ValueError beyond a month."""
        if not 0 < by_s <= LONGEST_STEP_S:
            raise ValueError(f"a step of {by_s:g} s: allowed above 0, up to {LONGEST_STEP_S}")
        was_held = self.held
        self.hold()
        end_ns = self.now_ns() + round(by_s * NS_PER_S)
        while self._later and self._later[0][0] <= end_ns:
            at_ns, _, happen = heapq.heappop(self._later)
            self._held_at_ns = max(self.now_ns(), at_ns)
            happen()
        self._held_at_ns = end_ns
        if not was_held:
            self.go_on()

    def stop(self) -> None:
        """Let nothing more happen."""
        self._later.clear()
        self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._later and not self.held:
            loop = asyncio.get_running_loop()
            due_s = (self._later[0][0] - self._ahead_ns) / NS_PER_S
            self._timer = loop.call_at(max(loop.time(), due_s), self._due)

    def _due(self) -> None:
        self._timer = None
        try:
            while self._later and not self.held and self._later[0][0] <= self.now_ns() + _EARLY_NS:
                heapq.heappop(self._later)[2]()
        finally:
            self._wait()
