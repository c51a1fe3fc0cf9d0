"""What a node read, what of it waits and what was given up: the account in the spool, read by others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pumpd.errors import StoreError
from pumpd.store.spool import Slots


@dataclass(frozen=True, slots=True)
class Account:
    """What a node read in a span of time, as far as this host knows."""

    read: int
    spooled: int
    dropped: Mapping[str, int]
    """By reason."""
    pumps: tuple[str, ...]
    """Every pump that has stood in a reading."""


def read_account(path: Path, start_ms: int, end_ms: int) -> Account:
    """Return the account of [start, end), whole minutes, also while a daemon writes.

    StoreError when it can not be read.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no spool: no daemon with history kind influxdb ran here")
    span, within = (start_ms, end_ms), "WHERE slot_ms >= ? AND slot_ms < ?"
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1.0)) as db:
            db.execute("BEGIN")  # one moment
            taken = f"SELECT total(readings) FROM read_count {within}"  # noqa: S608 - names of our own
            (read,) = db.execute(taken, span).fetchone()
            waiting = f"SELECT total(readings) FROM batch_slot {within}"  # noqa: S608 - names of our own
            (spooled,) = db.execute(waiting, span).fetchone()
            reasons = f"SELECT reason, sum(readings) FROM drop_count {within} GROUP BY reason"  # noqa: S608
            dropped = sorted(db.execute(reasons, span).fetchall())
            pumps = tuple(name for (name,) in db.execute("SELECT name FROM pump ORDER BY name"))
    except sqlite3.Error as error:
        raise StoreError(f"{path}: it can not be read: {error}") from error
    return Account(int(read), int(spooled), dict(dropped), pumps)


def note_dropped(path: Path, slots: Slots, reason: str) -> None:
    """Count readings that are gone as dropped, also while a daemon writes; StoreError if it fails."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5.0)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO drop_count (slot_ms, reason, readings) VALUES (?, ?, ?)"
                " ON CONFLICT (slot_ms, reason) DO UPDATE SET readings = readings + excluded.readings",
                [(slot_ms, reason, count) for slot_ms, count in slots.items()],
            )
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: it can not be written: {error}") from error
