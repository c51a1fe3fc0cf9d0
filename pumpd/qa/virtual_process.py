"""A program that can be killed inside one loop: its tasks and timers end where they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, TypeVar, TypeVarTuple

from pumpd.qa.virtual_time import VirtualTimeLoop

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

_LOOK_THROUGH_AT: Final = 1024
"""Timers noted before they are looked through for the first time."""

_running: ContextVar[VirtualProcess | None] = ContextVar("virtual process", default=None)


class VirtualProcess:
    """Everything that was started within it, directly or not."""

    def __init__(self) -> None:
        self._context = copy_context()
        self._context.run(_running.set, self)
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._look_through_at = _LOOK_THROUGH_AT

    async def run(self, work: Coroutine[Any, Any, R], name: str) -> R:
        """Do ``work`` within it."""
        return await asyncio.get_running_loop().create_task(work, name=name, context=self._context)

    async def kill(self) -> None:
        """End it without a goodbye: cut its files, wires and connections off before."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def took(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task that was made within it."""
        self._tasks[task] = None
        task.add_done_callback(lambda ended: self._tasks.pop(ended, None))

    def timed(self, timer: asyncio.TimerHandle) -> None:
        """Take note of a timer that was set within it; now and then those that are over are let go."""
        self._timers.append(timer)
        if len(self._timers) >= self._look_through_at:
            now_s = asyncio.get_running_loop().time()
            self._timers = [each for each in self._timers if each.when() >= now_s and not each.cancelled()]
            self._look_through_at = max(_LOOK_THROUGH_AT, 2 * len(self._timers))


class ProcessLoop(VirtualTimeLoop):
    """A loop in virtual time that knows which virtual process started what."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_make_task)

    def call_at(
        self, at_s: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer, in the name of whoever runs."""
        timer = super().call_at(at_s, callback, *args, context=context)
        process = _running.get()
        if process is not None:
            process.timed(timer)
        return timer


def _make_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    *,
    context: Context | None = None,
) -> asyncio.Task[Any]:
    assert isinstance(work, Coroutine)
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    process = _running.get() if context is None else context.get(_running)
    if process is not None:
        process.took(task)
    return task
