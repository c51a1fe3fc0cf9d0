"""The daemon's way into the embedded history: a bounded buffer, and a thread that writes once per second."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from pathlib import Path

import structlog

from pumpd.errors import StoreError
from pumpd.store.base import HistoryRow, WriterStatus
from pumpd.store.history_file import HistoryFile, Retention

log = structlog.get_logger(__name__)

FLUSH_S = 1.0
FLUSH_ROWS = 2000
BUFFER_ROWS = 60_000
"""20 s of 3,000 readings per second; the oldest is given up beyond it."""
RETRY_S = 5.0
CLOSE_S = 1.0


class SqliteHistoryWriter:
    """The ``TelemetryWriter`` on disk; a broken file never reaches the caller, it shows in ``status``."""

    def __init__(
        self, path: Path, retention: Retention | None = None, *, buffer_rows: int = BUFFER_ROWS
    ) -> None:
        self._path = path
        self._retention = retention or Retention()
        self._buffer: deque[HistoryRow] = deque(maxlen=buffer_rows)
        self._buffer_rows = buffer_rows
        self._written = 0
        self._dropped = 0
        self._failing = ""
        self._batch: list[HistoryRow] = []
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pumpd-history", daemon=True)
        self._thread.start()

    def write(self, row: HistoryRow) -> None:
        """Take one reading; drops the oldest and counts it when the buffer is full."""
        buffer = self._buffer
        waiting = len(buffer)
        if waiting >= FLUSH_ROWS:
            if waiting == self._buffer_rows:
                self._dropped += 1
            if not self._failing and not self._wake.is_set():
                self._wake.set()
        buffer.append(row)

    def status(self) -> WriterStatus:
        """Return how it is doing."""
        return WriterStatus(self._written, self._dropped, len(self._buffer) + len(self._batch), self._failing)

    async def close(self) -> None:
        """Write out what has gathered and stop; at most 1 s, whatever the disk does."""
        self._stopping = True
        self._wake.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, CLOSE_S)
        if self._thread.is_alive():
            log.warning("history.close_timed_out", waiting=self.status().waiting)

    def _run(self) -> None:
        file: HistoryFile | None = None
        while True:
            self._wake.wait(RETRY_S if self._failing else FLUSH_S)
            self._wake.clear()
            stopping = self._stopping  # read first: what is taken below is everything there was
            while self._buffer or self._batch:
                if not self._batch:
                    self._batch = self._take()
                try:
                    if file is None:
                        file = HistoryFile(self._path, self._retention)
                    written = file.write(self._batch)
                except (sqlite3.Error, OSError, StoreError) as error:
                    if file is not None:
                        file.close()
                        file = None
                    self._down(str(error))
                    break
                except (
                    TypeError,
                    ValueError,
                    OverflowError,
                ):  # one that can not be bound must not stay for ever
                    log.exception("history.batch_refused", readings=len(self._batch))
                    written = 0
                self._written += written
                self._dropped += len(self._batch) - written
                self._batch = []
                self._up()
            if stopping:
                if file is not None:
                    file.close()
                return

    def _take(self) -> list[HistoryRow]:
        # Only this thread takes from the left, but a full buffer sheds its oldest while the loop appends.
        take = self._buffer.popleft
        return [take() for _ in range(min(len(self._buffer), FLUSH_ROWS))]

    def _down(self, reason: str) -> None:
        if not self._failing:
            log.error("history.down", path=str(self._path), reason=reason)
        self._failing = reason

    def _up(self) -> None:
        if self._failing:
            self._failing = ""
            log.info("history.up", path=str(self._path), dropped=self._dropped)
