"""The journal's SQLite file: one caller at a time, every write one transaction, on disk when it returns."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import structlog

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError, StoreTakenError
from pumpd.store.base import NO_HEAD, Durable, OutboxLine, Restored, Unreadable
from pumpd.store.durables import parse_durable
from pumpd.store.journal_chain import chain_older_lines, head_of
from pumpd.store.journal_entry import Entry, write_entry
from pumpd.store.journal_removed import is_at, put_back
from pumpd.store.migrate import migrate, schema_steps

RESTORING = "restore.underway"
"""Beside the journal while files are put back; left there, the restore was cut short."""

_log = structlog.get_logger("pumpd.journal")

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What a text raises that is no durable, or one of another program: it must not hold up the start."""

_BUSY_S = 0.5
"""How long a write waits for another program's lock (a backup, a shell) before it counts as failed."""


class JournalFile:
    """An open ``journal.db``; the methods block, and raise sqlite3.Error or OSError when the disk fails."""

    def __init__(self, path: Path | None, synchronous: Literal["FULL", "OFF"]) -> None:
        self._path = path
        self._synchronous = synchronous
        self._db: sqlite3.Connection | None = None
        self._opened: os.stat_result | None = None
        self.head = NO_HEAD
        """The last line on disk."""
        self._lock_fd = -1 if path is None else _lock(path)

    @classmethod
    def open(cls, path: Path | None, *, synchronous: Literal["FULL", "OFF"] = "FULL") -> JournalFile:
        """Open or create the file (in memory when ``path`` is None).

        StoreError when another daemon has it, it is from a newer program, or it can not be used.
        """
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.with_name(RESTORING).exists():
                    raise StoreError(f"{path}: a restore was cut short: run pumpd restore again")
            file = cls(path, synchronous)
        except OSError as error:
            raise StoreError(f"{path}: the journal can not be opened: {error}; mend the directory") from error
        try:
            file._connection()
        except (sqlite3.Error, OSError) as error:
            file.close()
            raise StoreError(
                f"{path}: the journal can not be used: {error}; mend the disk, or move the file away "
                "to start with an empty journal"
            ) from error
        except StoreError:
            file.close()
            raise
        return file

    def _connection(self) -> sqlite3.Connection:
        if self._db is not None and self._path is not None:
            assert self._opened is not None
            if not is_at(self._path, self._opened):
                self._put_back(self._db, self._path)
        if self._db is None:
            db = sqlite3.connect(
                ":memory:" if self._path is None else self._path,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,  # opened by the caller, used by the one writer thread
            )
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute(f"PRAGMA synchronous = {self._synchronous}")
                migrate(db, schema_steps("journal"), str(self._path))
                chain_older_lines(db)
                self.head = head_of(db)
                self._opened = None if self._path is None else self._path.stat()
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _put_back(self, db: sqlite3.Connection, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not is_at(path.with_suffix(".lock"), os.fstat(self._lock_fd)):
            lock_fd = _lock(path)
            os.close(self._lock_fd)
            self._lock_fd = lock_fd
        put_back(db, path)
        _log.error("journal file was removed: written anew", path=str(path))
        self._drop_connection()

    def load(self) -> Restored:
        """Return what is there: the last number, the durables and what the broker may not have."""
        db = self._connection()
        (last_seq,) = db.execute("SELECT coalesce(max(seq), 0) FROM line").fetchone()
        (sent_seq,) = db.execute("SELECT sent_seq FROM outbox").fetchone()
        durables: list[Durable] = []
        unreadable: list[Unreadable] = []
        for pump, channel, body in db.execute("SELECT pump, channel, body FROM durable"):
            whose = PumpId(pump) if pump else None, ChannelId(channel) if channel else None
            try:
                durables.append(parse_durable(*whose, body))
            except _UNREADABLE as error:
                unreadable.append(Unreadable(*whose, repr(error)))
        unsent = db.execute(
            "SELECT seq, event_id, payload, committed_ms FROM line WHERE seq > ? ORDER BY seq",
            (min(sent_seq, last_seq),),
        )
        return Restored(
            last_seq, tuple(durables), tuple(OutboxLine(*row) for row in unsent), tuple(unreadable)
        )

    def commands(self) -> list[str]:
        """Return the ids of commands carried out, oldest first."""
        return [row[0] for row in self._connection().execute("SELECT id FROM command ORDER BY n")]

    def write(self, entries: Sequence[Entry], sent_seq: int, now_ms: int) -> list[tuple[int, ...]]:
        """Write ``entries`` in order and the outbox mark in one transaction; return each one's numbers.

        An entry whose lines are all there already changes nothing. After an error nothing of it counts,
        and the next call starts with a fresh connection.
        """
        db = self._connection()
        try:
            db.execute("BEGIN IMMEDIATE")
            head = head_of(db)
            numbers: list[tuple[int, ...]] = []
            for entry in entries:
                written, head = write_entry(db, entry, now_ms, head)
                numbers.append(written)
            db.execute("UPDATE outbox SET sent_seq = ?1 WHERE sent_seq < ?1", (sent_seq,))
            db.execute("COMMIT")
        except BaseException:
            self._drop_connection()
            raise
        self.head = head
        return numbers

    def recent(self, since_ms: int) -> tuple[OutboxLine, ...]:
        """Return every unsent line, and the sent ones committed since then, in order."""
        rows = self._connection().execute(
            "SELECT seq, event_id, payload, committed_ms FROM line"
            " WHERE committed_ms >= ? OR seq > (SELECT sent_seq FROM outbox) ORDER BY seq",
            (since_ms,),
        )
        return tuple(OutboxLine(*row) for row in rows)

    def _drop_connection(self) -> None:
        db = self._db
        if db is None:
            return
        if self._path is None:
            if db.in_transaction:
                db.execute("ROLLBACK")
            return
        self._db = None
        with suppress(sqlite3.Error):
            db.close()

    def close(self) -> None:
        """Close the file; a failing disk does not stop it."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


@contextmanager
def lock_journal(path: Path) -> Iterator[None]:
    """Keep every daemon from the journal at ``path``; StoreTakenError when one has it."""
    descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Return a descriptor that holds the journal's lock; the kernel lets go when the process ends."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreTakenError(
            f"{path}: another pumpd has this journal open; stop it, or give this one another data_dir"
        ) from None
    return descriptor
