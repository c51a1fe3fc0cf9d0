"""Reading the embedded history and the journal from another process; works with no daemon running."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError
from pumpd.store.base import JournalLine, Trend
from pumpd.store.journal_entry import from_microseconds
from pumpd.store.trends import read_trend

T = TypeVar("T")

JOURNAL_LINES = (
    "SELECT seq, at_us, kind, pump, payload FROM line"
    " WHERE (?1 IS NULL OR pump = ?1) AND at_us >= ?2 AND at_us < ?3 ORDER BY seq DESC LIMIT ?4"
)


class ReadOnlyFile:
    """A SQLite file that another process may write, replace or never have made; used by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = -1

    def ask(self, question: Callable[[sqlite3.Connection], T], absent: T) -> T:
        """Return the answer, ``absent`` when there is no such file, StoreError when it can not be read."""
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            self.close()
            return absent
        except OSError as error:
            raise StoreError(f"{self._path}: {error}") from error
        if inode != self._inode:
            self.close()
            self._inode = inode
        try:
            return self._try(lambda db: question(db) if _is_made(db) else absent)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{self._path}: can not be read: {error}") from error

    def _try(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._db is None:
                self._db = self._connect("mode=ro")
            return question(self._db)
        except sqlite3.OperationalError:
            # Without the right to create the shared-memory file a closed WAL database can only be read as
            # one that nobody changes; that is true as long as there is no write-ahead log.
            self.close()
            if (
                os.access(self._path.parent, os.W_OK)
                or self._path.with_name(self._path.name + "-wal").exists()
            ):
                raise
            with_nobody = self._connect("immutable=1")
            try:
                return question(with_nobody)
            finally:
                with_nobody.close()

    def _connect(self, how: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(self._path))}?{how}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=1.0,
        )

    def close(self) -> None:
        """Let go of the file."""
        self._inode = -1
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _is_made(db: sqlite3.Connection) -> bool:
    """Return False for a file whose writer has not come as far as its tables."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return bool(version)


class SqliteHistoryReader:
    """The ``HistoryReader`` over ``history.db`` and ``journal.db``; a thread of its own does the waiting."""

    def __init__(self, history: Path, journal: Path) -> None:
        self._history = ReadOnlyFile(history)
        self._journal = ReadOnlyFile(journal)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pumpd-reader")
        self._closed = False

    async def trend(
        self, pump: PumpId, channel: ChannelId, series: str, start_ms: int, end_ms: int, buckets: int
    ) -> Trend:
        """Return at most ``buckets`` buckets over [start, end); empty ones are left out.

        ValueError for an unknown series or an empty span; StoreError when the file can not be read.
        """

        def question(db: sqlite3.Connection) -> Trend:
            return read_trend(db, pump, channel, series, start_ms, end_ms, buckets)

        return await self._in_thread(lambda: self._history.ask(question, Trend(series, "", ())))

    async def journal(
        self, pump: PumpId | None, start_ms: int, end_ms: int, limit: int
    ) -> Sequence[JournalLine]:
        """Return journal lines of [start, end), newest first; of every pump and the node when None."""

        def question(db: sqlite3.Connection) -> Sequence[JournalLine]:
            rows = db.execute(JOURNAL_LINES, (pump, start_ms * 1000, end_ms * 1000, limit))
            return [
                JournalLine(seq, from_microseconds(at_us), kind, None if of is None else PumpId(of), payload)
                for seq, at_us, kind, of, payload in rows
            ]

        return await self._in_thread(lambda: self._journal.ask(question, ()))

    async def close(self) -> None:
        """Let go of files and thread."""
        if self._closed:
            return
        self._closed = True
        for file in (self._history, self._journal):
            self._executor.submit(file.close)
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreError("the history is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
