"""A journal whose file could not be opened at the start: alarms go out marked, and it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from pumpd.clock import Clock
from pumpd.errors import StoreError
from pumpd.store.base import NO_HEAD, Durable, Head, Journal, NewLine, OutboxLine, Restored

OPEN_AGAIN_AFTER_S = 5.0
"""How often a journal that can not be opened is tried again."""

_log = structlog.get_logger("pumpd.journal")


@dataclass(frozen=True, slots=True)
class _Kept:
    lines: tuple[NewLine, ...]
    durables: tuple[Durable, ...]
    command_id: str | None
    at_ns: int


class LateJournal:
    """The ``Journal`` that may open later: until then it keeps in memory what it is given.

    ``opened`` is told, before what was kept is written, what the file knows from before.
    """

    def __init__(
        self,
        open_journal: Callable[[], Journal],
        opened: Callable[[Restored], None],
        clock: Clock,
        reason: str,
    ) -> None:
        self._open = open_journal
        self._opened = opened
        self._clock = clock
        self._reason = reason
        self._inner: Journal | None = None
        self._kept: list[_Kept] = []

    @property
    def restored(self) -> Restored:
        """Nothing is known yet; ``opened`` is told."""
        return Restored(0, (), ())

    @property
    def head(self) -> Head:
        """The last line on disk; none while it is not open."""
        return NO_HEAD if self._inner is None else self._inner.head

    async def run(self) -> None:
        """Try to open it until it does; then wait for cancellation."""
        while self._inner is None:
            await asyncio.sleep(OPEN_AGAIN_AFTER_S)
            try:
                inner = self._open()
            except StoreError as error:
                self._reason = str(error)
                continue
            _log.info("journal opened")
            self._inner = inner
            self._opened(inner.restored)
            kept, self._kept = self._kept, []
            for entry in kept:
                _forget(inner.append(entry.lines, entry.durables, entry.command_id))
        await asyncio.get_running_loop().create_future()

    def append(
        self, lines: Sequence[NewLine], durables: Sequence[Durable], command_id: str | None = None
    ) -> asyncio.Future[tuple[int, ...]]:
        """Write, or keep until it can be written; see ``Journal.append``."""
        if self._inner is not None:
            return self._inner.append(lines, durables, command_id)
        self._kept.append(_Kept(tuple(lines), tuple(durables), command_id, self._clock.monotonic_ns()))
        future: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError(self._reason))
        return future

    def command_seen(self, command_id: str) -> bool:
        """Return whether this command was carried out before, as far as can be known."""
        if self._inner is not None:
            return self._inner.command_seen(command_id)
        return any(entry.command_id == command_id for entry in self._kept)

    def mark_sent(self, seq: int) -> None:
        """The broker confirmed every line up to and including ``seq``."""
        if self._inner is not None:
            self._inner.mark_sent(seq)

    def recent(self, since_ms: int) -> asyncio.Future[tuple[OutboxLine, ...]]:
        """Return lines committed since then; StoreError while it is not open."""
        if self._inner is not None:
            return self._inner.recent(since_ms)
        future: asyncio.Future[tuple[OutboxLine, ...]] = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError(self._reason))
        return future

    def oldest_unconfirmed_ns(self) -> int | None:
        """Return the monotonic time of the oldest append that is not on disk yet, None when all is."""
        if self._inner is not None:
            return self._inner.oldest_unconfirmed_ns()
        return self._kept[0].at_ns if self._kept else None

    async def close(self) -> None:
        """Commit what can be committed; what was never written is lost, and said."""
        if self._inner is not None:
            await self._inner.close()
        elif self._kept:
            _log.error("journal never opened", lost=len(self._kept), reason=self._reason)


def _forget(written: asyncio.Future[tuple[int, ...]]) -> None:
    """Nobody waits: the desk offers the same lines again to learn their numbers."""
    written.add_done_callback(lambda future: future.cancelled() or future.exception())
