"""Time that jumps: an event loop on which waiting takes no time, and a clock that reads it.

Nothing real may be waited for on it: no thread, no socket, no process.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar, TypeVarTuple, Unpack

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

RESOLUTION_S: Final = 1e-6
"""A timer is due at its very time, also after years, when floats are coarse."""
_CROWDED: Final = 100
"""Timers from which on cancelled ones are cleared away, when they are more than half."""
START: Final = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


class NothingToWaitForError(RuntimeError):
    """Every task waits and no timer is set: on this loop that would last for ever."""


class _JumpingSelector(selectors.BaseSelector):
    """Waits by moving the loop's time on."""

    def __init__(self, start_s: float, wait: Callable[[float], None] | None) -> None:
        self._real = selectors.DefaultSelector()
        self._wait = wait
        self.elapsed_s = start_s
        self.watches = False
        """True when there is more to watch than the loop's own wake-up socket."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a file, such as the loop's own wake-up socket."""
        key = self._real.register(fileobj, events, data)
        self.watches = len(self._real.get_map()) > 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a file."""
        key = self._real.unregister(fileobj)
        self.watches = len(self._real.get_map()) > 1
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; if nothing is, let ``timeout`` seconds have passed."""
        ready = self.ready(for_ever=timeout is None)
        if not ready and timeout is not None:
            self.pass_until(self.elapsed_s + timeout)
        return ready

    def ready(self, *, for_ever: bool) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; NothingToWaitForError when nothing is, and nothing else is to come."""
        ready = self._real.select(0)
        if for_ever and not ready:
            raise NothingToWaitForError("every task waits and no timer is set")
        return ready

    def pass_until(self, at_s: float) -> None:
        """Let it be ``at_s`` at least."""
        if at_s > self.elapsed_s:
            if self._wait is not None:
                self._wait(at_s - self.elapsed_s)
            self.elapsed_s = at_s

    def close(self) -> None:
        """Give back the real selector."""
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is watched."""
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The standard loop, except that its time moves to the next timer as soon as nothing else is to do."""

    # Of the standard loop (asyncio.base_events); a test would tell if another Python had others.
    _ready: deque[asyncio.Handle]
    _stopping: bool
    _timer_cancelled_count: int
    _process_events: Callable[[list[tuple[selectors.SelectorKey, int]]], None]

    def __init__(self, start_s: float = 0.0, wait: Callable[[float], None] | None = None) -> None:
        """``start_s`` is what its time begins with; ``wait`` is told each span that passes, to pace it."""
        self._jumping = _JumpingSelector(start_s, wait)
        super().__init__(self._jumping)
        self._clock_resolution = RESOLUTION_S
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        """A heap of its own, in which moments are compared and not handles: that costs a tenth."""
        self._set = itertools.count()
        """Timers of the same moment run in the order in which they were set."""

    def time(self) -> float:
        """Return seconds since the loop was made, and what it began with."""
        return self._jumping.elapsed_s

    def call_at(
        self,
        at_s: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call ``callback`` at ``at_s`` on the loop's time."""
        timer = asyncio.TimerHandle(at_s, callback, args, self, context)
        heapq.heappush(self._timers, (at_s, next(self._set), timer))
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def _clear_cancelled(self) -> None:
        for _, _, timer in self._timers:
            timer._scheduled = not timer._cancelled  # type: ignore[attr-defined]
        self._timers = [entry for entry in self._timers if not entry[2]._cancelled]
        heapq.heapify(self._timers)
        self._timer_cancelled_count = 0

    def timers(self) -> list[tuple[asyncio.TimerHandle, Context]]:
        """Return every timer that has not run yet, with the context that it was set in."""
        due = [handle for handle in self._ready if isinstance(handle, asyncio.TimerHandle)]
        waiting = [timer for _, _, timer in self._timers]
        return [(timer, timer._context) for timer in (*waiting, *due)]  # type: ignore[attr-defined]

    def _run_once(self) -> None:
        """Take one turn, as the standard loop does; the system is asked only for what somebody watches.

        Timers that are due within the resolution run together, at the time of the last of them: whoever is
        woken finds that the time he waited for has come.
        """
        ready, jumping = self._ready, self._jumping
        if len(self._timers) > _CROWDED and 2 * self._timer_cancelled_count > len(self._timers):
            self._clear_cancelled()
        timers, stay = self._timers, bool(ready or self._stopping)
        if jumping.watches or not (stay or timers):
            self._process_events(jumping.ready(for_ever=not (stay or timers)))
            stay = stay or bool(ready)
        while timers:
            at_s, _, timer = timers[0]
            if not timer._cancelled:
                if stay and at_s >= jumping.elapsed_s + RESOLUTION_S:
                    break
                stay = True
                if at_s > jumping.elapsed_s:
                    jumping.pass_until(at_s)
                ready.append(timer)
            else:
                self._timer_cancelled_count -= 1
            heapq.heappop(timers)
            timer._scheduled = False  # type: ignore[attr-defined]
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


@dataclass(slots=True)
class VirtualClock:
    """Implements ``pumpd.clock.Clock`` from a loop's time."""

    loop: asyncio.AbstractEventLoop
    boot_id: str = "virtual-boot"
    start: datetime = START
    host_boot_id: str = ""
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
