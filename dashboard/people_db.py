"""The dashboard's own database: one file, readable by its owner only; a reader beside its one writer."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pumpd.clock import Clock
from pumpd.errors import StoreError
from pumpd.store.migrate import migrate, schema_steps

Row = tuple[Any, ...]
BUSY_S = 5.0
"""How long another process, such as ``pumpd user``, may hold the file."""


class PeopleDb:
    """Two connections: reads never wait for a disk that is written to. StoreError when it can not be used."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._path = path
        self._writing = threading.RLock()
        self._reading = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writer = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=BUSY_S
            )
            try:
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA synchronous = FULL")
                self._writer.execute("PRAGMA foreign_keys = ON")
                migrate(self._writer, schema_steps("people"), str(path))
                self._reader = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=BUSY_S
                )
            except BaseException:
                self._writer.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: accounts can not be kept there: {error}") from error

    def now_ms(self) -> int:
        """Return the time of day in ms since 1970."""
        return int(self._clock.wall().timestamp() * 1000)

    def read(self, sql: str, *values: object) -> list[Row]:
        """Return rows; StoreError when the file can not be read."""
        with self._reading:
            try:
                return self._reader.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}") from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a transaction: all of it or nothing; StoreError when it can not be written.

        sqlite3.IntegrityError when it would make twice what there is once.
        """
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}") from error
            finally:
                with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile: it rolled back then
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")

    def write(self, sql: str, *values: object) -> int:
        """Do one thing; return how many rows it changed."""
        with self.writing() as db:
            return db.execute(sql, values).rowcount

    def close(self) -> None:
        """Close both connections."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()
