"""What a node read, what of it waits and what was given up: the account in the spool, read by others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pumpd.errors import StoreError


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
    span = (start_ms, end_ms)
    within = "WHERE slot_ms >= ? AND slot_ms < ?"
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=1.0
        )
        try:
            db.execute("BEGIN")  # one moment
            (read,) = db.execute(f"SELECT total(readings) FROM read_count {within}", span).fetchone()  # noqa: S608
            (spooled,) = db.execute(f"SELECT total(readings) FROM batch_slot {within}", span).fetchone()  # noqa: S608
            dropped = db.execute(
                f"SELECT reason, sum(readings) FROM drop_count {within} GROUP BY reason ORDER BY reason",  # noqa: S608
                span,
            ).fetchall()
            pumps = tuple(name for (name,) in db.execute("SELECT name FROM pump ORDER BY name"))
        finally:
            db.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: it can not be read: {error}") from error
    return Account(int(read), int(spooled), dict(dropped), pumps)
