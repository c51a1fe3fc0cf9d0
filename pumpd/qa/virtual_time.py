"""Time that jumps: an event loop on which waiting takes no time, and a clock that reads it.

Nothing real may be waited for on it: no thread, no socket, no process.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

RESOLUTION_S: Final = 1e-6
"""A timer is due at its very time, also after years, when floats are coarse."""
START: Final = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


class NothingToWaitForError(RuntimeError):
    """Every task waits and no timer is set: on this loop that would last for ever."""


class _JumpingSelector(selectors.BaseSelector):
    """Waits by moving the loop's time on."""

    def __init__(self, loop: VirtualTimeLoop, start_s: float, wait: Callable[[float], None] | None) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()
        self._watched = self._real.get_map()
        self._wait = wait
        self.elapsed_s = start_s

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a file, such as the loop's own wake-up socket."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a file."""
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; if nothing is, let ``timeout`` seconds have passed."""
        # The loop's own wake-up socket only says that something was called from a signal or a thread, which
        # the loop finds anyway: as long as it is alone, the system is asked only when nothing else is to do.
        if timeout is None or len(self._watched) > 1:
            ready = self._real.select(0)
            if ready:
                return ready
        if timeout is None:
            raise NothingToWaitForError("every task waits and no timer is set")
        if timeout > 0:
            if self._wait is not None:
                self._wait(timeout)
            self.elapsed_s += timeout
        elif self._loop._scheduled:  # noqa: SLF001 - the loop's own
            # A timer that is due within the loop's resolution goes off now, so it must be its time: two tasks
            # that find it too early by turns, and wait again, would keep time where it is for ever.
            due_s = self._loop._scheduled[0].when()  # noqa: SLF001 - see above
            if self.elapsed_s < due_s < self.elapsed_s + RESOLUTION_S:
                self.elapsed_s = due_s
        return []

    def close(self) -> None:
        """Give back the real selector."""
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is watched."""
        return self._watched


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The standard loop, except that its time moves to the next timer as soon as nothing else is to do."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, start_s: float = 0.0, wait: Callable[[float], None] | None = None) -> None:
        """``start_s`` is what its time begins with; ``wait`` is told each span that passes, to pace it."""
        self._jumping = _JumpingSelector(self, start_s, wait)
        super().__init__(self._jumping)
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """Return seconds since the loop was made, and what it began with."""
        return self._jumping.elapsed_s


@dataclass(slots=True)
class VirtualClock:
    """Implements ``pumpd.clock.Clock`` from a loop's time."""

    loop: asyncio.AbstractEventLoop
    boot_id: str = "virtual-boot"
    start: datetime = START
    wall_step: timedelta = field(default_factory=timedelta)
    """How far somebody has set the time of day forward or back."""

    def monotonic_ns(self) -> int:
        """Return the loop's time in nanoseconds."""
        return round(self.loop.time() * 1_000_000_000)

    def wall(self) -> datetime:
        """Return the time of day: the start, what has passed, and what was stepped."""
        return self.start + timedelta(microseconds=self.monotonic_ns() // 1000) + self.wall_step


def run_virtual(main: Coroutine[Any, Any, R]) -> R:
    """Run ``main`` to its end in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Decorate an async test: it runs on a virtual-time loop of its own; fixtures and parameters as ever."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return run_virtual(test(*args, **kwargs))

    return run


class VirtualTime:
    """Virtual time in a test's hands."""

    @staticmethod
    def run(main: Coroutine[Any, Any, R]) -> R:
        """Run ``main`` to its end in virtual time and return its result."""
        return run_virtual(main)

    @property
    def clock(self) -> VirtualClock:
        """The clock of the running loop; RuntimeError outside of ``run``."""
        return VirtualClock(asyncio.get_running_loop())
