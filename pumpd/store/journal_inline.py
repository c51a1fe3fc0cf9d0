"""The journal without a thread, for virtual time: the same file format and contract, written in line."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pumpd.clock import Clock
from pumpd.errors import StoreError
from pumpd.store.base import Durable, Head, NewLine, OutboxLine, Restored
from pumpd.store.journal import RETRY_S
from pumpd.store.journal_entry import Entry
from pumpd.store.journal_file import JournalFile
from pumpd.store.journal_state import SeenCommands, Unconfirmed, Waiting


class InlineJournal:
    """The ``Journal`` in memory, or in a file that is not synced; commits on the loop's next turn.

    ``commit_after_s`` makes the disk slow and ``fault`` (a reason) makes it fail, in loop time.
    """

    def __init__(self, file: JournalFile, clock: Clock) -> None:
        self.commit_after_s = 0.0
        self.fault = ""
        self._file = file
        self._clock = clock
        self._restored = file.load()
        self._commands = SeenCommands(file.commands())
        self._unconfirmed = Unconfirmed()
        self._kept: list[Waiting] = []
        self._sent_seq = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @classmethod
    def open(cls, path: Path | None, clock: Clock) -> InlineJournal:
        """Open or create the journal at ``path``, in memory when None; StoreError as SqliteJournal.open."""
        return cls(JournalFile.open(path, synchronous="OFF"), clock)

    @property
    def restored(self) -> Restored:
        """What was there when it was opened."""
        return self._restored

    @property
    def head(self) -> Head:
        """The last line on disk."""
        return self._file.head

    def append(
        self, lines: Sequence[NewLine], durables: Sequence[Durable], command_id: str | None = None
    ) -> asyncio.Future[tuple[int, ...]]:
        """Write all of it in one transaction; see ``Journal.append``. StoreError at once when closed."""
        if self._closed:
            raise StoreError("the journal is closed")
        entry = Entry.of(lines, durables, command_id, self._clock.monotonic_ns())
        waiting = Waiting(entry, asyncio.get_running_loop().create_future())
        if command_id is not None:
            self._commands.add(command_id)
        self._unconfirmed.add(waiting)
        self._kept.append(waiting)
        self._write_in(self.commit_after_s)
        return waiting.future

    def command_seen(self, command_id: str) -> bool:
        """Return whether this command was carried out before."""
        return command_id in self._commands

    def mark_sent(self, seq: int) -> None:
        """The broker confirmed every line up to and including ``seq``."""
        self._sent_seq = max(self._sent_seq, seq)
        if not self._closed:
            self._write_in(RETRY_S)

    def recent(self, since_ms: int) -> asyncio.Future[tuple[OutboxLine, ...]]:
        """Return every unsent line, and those committed since then, in order; StoreError when unreadable."""
        if self._closed:
            raise StoreError("the journal is closed")
        self._write()
        future: asyncio.Future[tuple[OutboxLine, ...]] = asyncio.get_running_loop().create_future()
        future.set_result(self._file.recent(since_ms))
        return future

    def oldest_unconfirmed_ns(self) -> int | None:
        """Return the monotonic time of the oldest append that is not on disk yet, None when all is."""
        return self._unconfirmed.oldest_ns()

    async def close(self) -> None:
        """Commit what has gathered."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._write()
        self._file.close()

    def crash(self) -> None:
        """End as ``kill -9`` would: what was not committed is lost, and the file may be opened again."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._file.close()

    def _write_in(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + wait_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._write()
        if self._kept:
            self._write_in(RETRY_S)

    def _write(self) -> None:
        kept, now_ms = self._kept, int(self._clock.wall().timestamp() * 1000)
        if self.fault:
            self._unconfirmed.fail(kept, f"the journal can not be written: {self.fault}; kept")
            return
        try:
            numbers = self._file.write([waiting.entry for waiting in kept], self._sent_seq, now_ms)
        except (sqlite3.Error, OSError, StoreError) as error:
            self._unconfirmed.fail(kept, f"the journal can not be written: {error}; kept")
            return
        self._kept = []
        self._unconfirmed.confirm(kept, numbers)
