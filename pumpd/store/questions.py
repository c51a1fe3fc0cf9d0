"""A thread that answers questions one after another, and that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from pumpd.errors import StoreError

T = TypeVar("T")

MOST_WAITING = 64
"""More would be answered long after whoever asked has gone."""


class Questions:
    """Asked by one loop. At its end Python waits for a thread of a pool that hangs, and not for this one."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._closed = False
        threading.Thread(target=self._answer, name="pumpd-reader", daemon=True).start()

    async def ask(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns in the thread; StoreError when it was closed, or too much waits."""
        if self._closed or len(self._waiting) >= MOST_WAITING:
            raise StoreError("the history is closed" if self._closed else "too many questions wait")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work_on() -> None:
            if answer.done():
                return  # nobody waits any more
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 - raised again where it was asked
                _tell(loop, answer, partial(answer.set_exception, error))
            else:
                _tell(loop, answer, partial(answer.set_result, found))

        self._waiting.add(answer)
        self._asked.put(work_on)
        try:
            return await answer
        finally:
            self._waiting.discard(answer)

    def close(self) -> None:
        """Answer nothing any more, and tell whoever waits; the thread ends after the question it is at."""
        self._closed = True
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(StoreError("the history is closed"))
        self._asked.put(None)

    def _answer(self) -> None:
        while (work := self._asked.get()) is not None:
            work()


def _tell(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    def told() -> None:
        if not answer.done():
            settle()

    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(told)
