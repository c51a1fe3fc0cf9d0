"""A program that can be killed inside one loop: its tasks and timers end where they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from pumpd.qa.virtual_time import VirtualTimeLoop

R = TypeVar("R")

_running: ContextVar[VirtualProcess | None] = ContextVar("virtual process", default=None)


class VirtualProcess:
    """Everything that was started within it, directly or not."""

    def __init__(self) -> None:
        self._context = copy_context()
        self._context.run(_running.set, self)
        self._tasks: dict[asyncio.Task[Any], None] = {}

    async def run(self, work: Coroutine[Any, Any, R], name: str) -> R:
        """Do ``work`` within it."""
        return await asyncio.get_running_loop().create_task(work, name=name, context=self._context)

    async def kill(self) -> None:
        """End it without a goodbye: cut its files, wires and connections off before."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        for timer, context in loop.timers():
            if context.get(_running) is self:
                timer.cancel()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def took(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task that was made within it."""
        self._tasks[task] = None
        task.add_done_callback(lambda ended: self._tasks.pop(ended, None))


class ProcessLoop(VirtualTimeLoop):
    """A loop in virtual time that knows which virtual process started what."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_make_task)


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
