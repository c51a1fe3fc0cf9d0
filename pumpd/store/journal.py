"""The journal of the daemon: a thread of its own commits what has gathered; the loop never waits in it."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack

import structlog

from pumpd.clock import Clock
from pumpd.errors import StoreError
from pumpd.store.base import Durable, Head, NewLine, OutboxLine, Restored
from pumpd.store.journal_entry import Entry
from pumpd.store.journal_file import JournalFile
from pumpd.store.journal_state import SeenCommands, Unconfirmed, Waiting
from pumpd.store.reserve import Reserve
from pumpd.tally import Tally

log = structlog.get_logger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

RETRY_S = 1.0
"""How long a failed write, or a mark of the outbox alone, waits for company."""

CLOSE_S = 1.0
"""How long ``close`` waits for a disk that hangs."""

ENTRIES_PER_COMMIT = 500
"""A backlog is written in parts, so that a failing disk costs a bounded effort per try."""


@dataclass(frozen=True, slots=True)
class _Recent:
    since_ms: int
    future: asyncio.Future[tuple[OutboxLine, ...]]


@dataclass(frozen=True, slots=True)
class _Wake:
    """The outbox mark moved."""


@dataclass(frozen=True, slots=True)
class _Stop:
    stopped: asyncio.Future[None]


_Work = Waiting | _Recent | _Wake | _Stop


class SqliteJournal:
    """The ``Journal`` on disk: WAL, ``synchronous=FULL``, one writer thread, group commit."""

    def __init__(
        self, file: JournalFile, reserve: Reserve, clock: Clock, commits: Tally | None = None
    ) -> None:
        """``commits`` counts how long each commit that worked took."""
        self._file = file
        self._commits = commits or Tally()
        self._reserve = reserve
        self._clock = clock
        self._restored = file.load()
        self._commands = SeenCommands(file.commands())
        self._unconfirmed = Unconfirmed()
        self._sent_seq = 0
        self._sent_told = False
        self._failing = ""
        self._closed = False
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pumpd-journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Clock, commits: Tally | None = None) -> SqliteJournal:
        """Open or create the journal and read what is there (blocks; call it while starting).

        StoreError when it can not be used or another daemon has it.
        """
        file = JournalFile.open(path)
        try:
            reserve = Reserve(path.with_suffix(".reserve"))
            reserve.restore()
            return cls(file, reserve, clock, commits)
        except (sqlite3.Error, OSError) as error:
            file.close()
            raise StoreError(f"{path}: the journal can not be read: {error}") from error

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
        self._work.put(waiting)
        return waiting.future

    def command_seen(self, command_id: str) -> bool:
        """Return whether this command was carried out before."""
        return command_id in self._commands

    def mark_sent(self, seq: int) -> None:
        """The broker confirmed every line up to and including ``seq``; on disk about a second later."""
        self._sent_seq = max(self._sent_seq, seq)
        if not self._sent_told:
            self._sent_told = True
            self._work.put(_Wake())

    def recent(self, since_ms: int) -> asyncio.Future[tuple[OutboxLine, ...]]:
        """Return every unsent line, and those committed since then, in order; StoreError when unreadable."""
        if self._closed:
            raise StoreError("the journal is closed")
        ask = _Recent(since_ms, asyncio.get_running_loop().create_future())
        self._work.put(ask)
        return ask.future

    def oldest_unconfirmed_ns(self) -> int | None:
        """Return the monotonic time of the oldest append that is not on disk yet, None when all is."""
        return self._unconfirmed.oldest_ns()

    async def close(self) -> None:
        """Commit what has gathered and stop the writer; at most 1 s, whatever the disk does."""
        if self._closed:
            return
        self._closed = True
        stop = _Stop(asyncio.get_running_loop().create_future())
        self._work.put(stop)
        try:
            await asyncio.wait_for(stop.stopped, CLOSE_S)
        except TimeoutError:
            log.warning("journal.close_timed_out", waited_s=CLOSE_S)

    def _run(self) -> None:
        kept: list[Waiting] = []
        while True:
            works = self._take(wait_s=RETRY_S if kept or self._sent_told else None)
            kept.extend(work for work in works if isinstance(work, Waiting))
            if kept or any(not isinstance(work, _Wake) for work in works) or not works:
                kept = self._write(kept)
            for work in works:
                if isinstance(work, _Recent):
                    self._answer(work)
            stops = [work for work in works if isinstance(work, _Stop)]
            if stops:
                self._file.close()
                _tell(stops[0].stopped, _resolve, stops[0].stopped, None)
                return

    def _take(self, wait_s: float | None) -> list[_Work]:
        works: list[_Work] = []
        with suppress(queue.Empty):
            works.append(self._work.get(timeout=wait_s))
            while True:
                works.append(self._work.get_nowait())
        return works

    def _write(self, kept: list[Waiting]) -> list[Waiting]:
        """Commit in order; return what is not on disk."""
        while True:
            part = kept[:ENTRIES_PER_COMMIT]
            self._sent_told = False  # before the mark is read, so that no later mark is missed
            try:
                numbers = self._commit(part)
            except (sqlite3.Error, OSError, StoreError) as error:
                self._sent_told = True
                self._down(kept, str(error))
                return kept
            self._up()
            if part:
                _tell(part[0].future, self._unconfirmed.confirm, part, numbers)
            kept = kept[ENTRIES_PER_COMMIT:]
            if not kept:
                return kept

    def _commit(self, part: Sequence[Waiting]) -> list[tuple[int, ...]]:
        entries = [waiting.entry for waiting in part]
        now_ms = int(self._clock.wall().timestamp() * 1000)
        began_ns = self._clock.monotonic_ns()
        try:
            written = self._file.write(entries, self._sent_seq, now_ms)
        except (sqlite3.Error, OSError):
            if not self._reserve.release():
                raise
            log.warning("journal.reserve_released")
            written = self._file.write(entries, self._sent_seq, now_ms)
        self._commits.add((self._clock.monotonic_ns() - began_ns) / 1e9)
        return written

    def _down(self, kept: Sequence[Waiting], reason: str) -> None:
        if not self._failing:
            log.error("journal.down", reason=reason, kept=len(kept))
        self._failing = reason
        if kept:
            told = f"the journal can not be written: {reason}; kept, and tried again every {RETRY_S:g} s"
            _tell(kept[0].future, self._unconfirmed.fail, tuple(kept), told)

    def _up(self) -> None:
        if self._failing:
            self._failing = ""
            log.info("journal.up")
            self._reserve.restore()

    def _answer(self, ask: _Recent) -> None:
        try:
            lines = self._file.recent(ask.since_ms)
        except (sqlite3.Error, OSError, StoreError) as error:
            _tell(ask.future, _reject, ask.future, f"the journal can not be read: {error}")
            return
        _tell(ask.future, _resolve, ask.future, lines)


def _resolve(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _reject(future: asyncio.Future[T], reason: str) -> None:
    if not future.done():
        future.set_exception(StoreError(reason))


def _tell(future: asyncio.Future[T], call: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
    """Have ``call`` run on the loop of ``future``; a loop that has ended has nobody to tell."""
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(call, *args)
