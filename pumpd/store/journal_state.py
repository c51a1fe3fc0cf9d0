"""What a journal knows on the loop's side of it: commands carried out and appends not yet on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pumpd.errors import StoreError
from pumpd.store.journal_entry import COMMANDS_KEPT, Entry


class SeenCommands:
    """The ids of the last commands, newest last."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = dict.fromkeys(ids)

    def __contains__(self, command_id: str) -> bool:
        return command_id in self._ids

    def add(self, command_id: str) -> None:
        """Remember ``command_id``, forgetting the oldest beyond COMMANDS_KEPT."""
        self._ids[command_id] = None
        if len(self._ids) > COMMANDS_KEPT:
            del self._ids[next(iter(self._ids))]


@dataclass(slots=True, eq=False)
class Waiting:
    """An append and its future; the future resolves once, the entry stays until it is on disk."""

    entry: Entry
    future: asyncio.Future[tuple[int, ...]]


class Unconfirmed:
    """The appends that are not on disk yet, oldest first; used on the loop only."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()

    def add(self, waiting: Waiting) -> None:
        """Count ``waiting`` as not on disk."""
        self._waiting.append(waiting)

    def oldest_ns(self) -> int | None:
        """Return when the oldest was taken, None when all is on disk."""
        return self._waiting[0].entry.taken_ns if self._waiting else None

    def confirm(self, written: Sequence[Waiting], numbers: Sequence[tuple[int, ...]]) -> None:
        """Resolve the oldest appends, which are on disk now."""
        for waiting, seqs in zip(written, numbers, strict=True):
            first = self._waiting.popleft()
            assert first is waiting
            if not waiting.future.done():
                waiting.future.set_result(seqs)

    @staticmethod
    def fail(waiting: Iterable[Waiting], reason: str) -> None:
        """Tell those who wait that it is not on disk; the appends stay unconfirmed."""
        for each in waiting:
            if not each.future.done():
                each.future.set_exception(StoreError(reason))
                each.future.exception()  # who does not look is told by ``oldest_unconfirmed_ns``
