"""Keeps named tasks running: one that ends by itself is told of, and started again after a while."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from pumpd.daemon.backoff import Backoff

_log = structlog.get_logger("pumpd.supervisor")


STEADY_AFTER_S = 60.0
"""A task that ran this long before it crashed is started again without a grown wait."""


class Supervisor:
    """Owns the daemon's long-lived tasks."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self.on_ended: Callable[[str, str], None] = lambda _name, _reason: None
        """Told the name, and why, of each task without a ``crashed`` of its own that ended by itself."""

    def start(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        crashed: Callable[[str], None] | None = None,
    ) -> asyncio.Task[None]:
        """Run ``run`` for as long as the daemon does; ``crashed`` is told why whenever it ended by itself.

        Whoever cancels what is returned ends it for good.
        """
        task = asyncio.get_running_loop().create_task(self._keep(name, run, crashed), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def expect_end(self) -> None:
        """From now on a task that returns has ended as it should."""
        self._ending = True

    async def stop(self, within_s: float) -> None:
        """Cancel every task that still runs and wait for their ends; names those that did not end in time."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        _done, hanging = await asyncio.wait(tasks, timeout=within_s)
        for task in hanging:
            _log.error("task does not end", task=task.get_name(), waited_s=within_s)

    async def _keep(
        self, name: str, run: Callable[[], Awaitable[None]], crashed: Callable[[str], None] | None
    ) -> None:
        backoff = Backoff(self._random)
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await run()
                reason = "it ended by itself"
            except Exception as error:  # noqa: BLE001 - whatever it was, the others go on and a person is told
                reason = f"{type(error).__name__}: {error}"
                _log.exception("task crashed", task=name)
            else:
                if self._ending:
                    return
                _log.error("task ended", task=name)
            if crashed is None:
                self.on_ended(name, reason)
            else:
                crashed(reason)
            if loop.time() - began_s >= STEADY_AFTER_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())
