"""What the embedded history holds of one patient; the journal says which readings are whose."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pumpd.core.telemetry import PumpStatus
from pumpd.errors import StoreError
from pumpd.store import history_sql
from pumpd.store.base import SERIES
from pumpd.store.journal_stays import journal_stays
from pumpd.store.line_protocol import DOSE_FIELDS, STATUS_CODES
from pumpd.store.migrate import schema_steps
from pumpd.store.patients import Stay, within
from pumpd.store.reader import ReadOnlyFile
from pumpd.store.rollups import LEVELS_MS, READINGS, floor_to

SLICE_MS = 3_600_000
"""So much of one source is erased in one transaction, which takes milliseconds; roll-ups divide it."""
REST_S = 0.1
"""Between two transactions a daemon that waits for the file gets it: it asks at least as often."""
LAST_WAIT_MS = 200
"""The daemon waits longer than this for the file."""
BUSY_S = 10.0
"""So long the daemon may write before erasing gives up."""


class EmbeddedPatients:
    """The ``PatientRecords`` over ``history.db`` and ``journal.db``, beside a daemon that goes on writing."""

    def __init__(self, history: Path, journal: Path, rest: Callable[[float], None] = time.sleep) -> None:
        self._history = history
        self._file = ReadOnlyFile(history)
        self._journal = journal
        self._rest = rest

    def stays(self, label: str, start_ms: int, end_ms: int) -> Sequence[Stay]:
        """Return every stay under ``label`` with a part in [start, end) of which something is held."""
        told = within(journal_stays(self._journal, label), start_ms, end_ms)
        return self._file.ask(lambda db: [stay for stay in told if _holds(db, stay)], [])

    def readings(self, stay: Stay) -> Iterator[str]:
        """Yield the readings of a stay in order, as lines of JSON with the names that InfluxDB's have."""
        of = (stay.pump, stay.channel)
        whole = (*of, stay.start_ms, stay.until_ms)
        ((first_ms, last_ms),) = self._rows(history_sql.STAY_EXTENT, whole) or [(None, None)]
        if first_ms is None:
            return
        for from_ms in range(first_ms, last_ms + 1, SLICE_MS):
            rows = self._rows(
                history_sql.STAY_READINGS, (*of, from_ms, min(from_ms + SLICE_MS, stay.until_ms))
            )
            for at_ms, ward, provenance, dose_unit, status, *values in rows:
                series = dict(zip(SERIES, values, strict=True))
                dose = series.pop("dose")
                told = {
                    "time": at_ms,
                    "pump": stay.pump,
                    "channel": stay.channel,
                    "ward": ward,
                    "provenance": provenance,
                    "status": STATUS_CODES[PumpStatus(status)],
                    **series,
                    DOSE_FIELDS.get(dose_unit, "dose"): dose,
                }
                yield json.dumps({name: value for name, value in told.items() if value is not None})

    def erase(self, stay: Stay, now_ms: int) -> int:
        """Erase the readings of a stay and work its roll-ups out anew; return how many readings those were.

        A roll-up across its beginning or end that can not be worked out, since its readings are pruned, goes
        whole. The label stays in the journal. StoreError while the stay goes on or ended just now, or when
        the file is busy or of another version; then a part may be erased, and it may be tried again.
        """
        end_ms = stay.ended_ms(now_ms)
        count = 0
        with closing(self._opened()) as db:
            try:
                sources = db.execute(history_sql.SOURCES, (stay.pump, stay.channel)).fetchall()
                for source, *_ in sources:
                    for from_ms in range(floor_to(stay.start_ms, SLICE_MS), end_ms, SLICE_MS):
                        until_ms = min(from_ms + SLICE_MS, end_ms)
                        count += _erase_slice(db, source, max(from_ms, stay.start_ms), until_ms)
                        self._rest(REST_S)
                self._file.close()
                db.execute(f"PRAGMA busy_timeout = {LAST_WAIT_MS}")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log still holds pages as they were before
            except sqlite3.Error as error:
                raise StoreError(f"{self._history}: can not be erased from: {error}; try again") from error
        return count

    def _rows(self, sql: str, of: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        return self._file.ask(lambda db: db.execute(sql, of).fetchall(), [])

    def _opened(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(
                f"{self._history.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_S
            )
            (version,) = db.execute("PRAGMA user_version").fetchone()
            db.execute("PRAGMA secure_delete = ON")  # what was erased is overwritten, not only let go
        except sqlite3.Error as error:
            raise StoreError(f"{self._history}: can not be opened: {error}") from error
        if version != max(schema_steps("history")):
            db.close()
            raise StoreError(
                f"{self._history}: its schema is version {version}: start this pumpd on it first"
            )
        return db


def _holds(db: sqlite3.Connection, stay: Stay) -> bool:
    """Return whether anything is held that belongs to ``stay``."""
    for source, *_ in db.execute(history_sql.SOURCES, (stay.pump, stay.channel)).fetchall():
        for level_ms in LEVELS_MS:
            span = (source, stay.start_ms, stay.until_ms, floor_to(stay.start_ms, level_ms))
            (found,) = db.execute(
                history_sql.holds(level_ms), span[: 3 if level_ms == READINGS else 4]
            ).fetchone()
            if found:
                return True
    return False


def _erase_slice(db: sqlite3.Connection, source: int, start_ms: int, end_ms: int) -> int:
    """Erase one source's readings in [start, end) and work out every roll-up that held one anew.

    No roll-up is made that was not there: a daemon takes the newest for the end of what is rolled up.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        count = db.execute(history_sql.prune(READINGS), (source, start_ms, end_ms)).rowcount
        for level_ms in LEVELS_MS[1:]:
            from_ms = floor_to(start_ms, level_ms)
            (newest_ms,) = db.execute(history_sql.extent(level_ms, newest=True), (source,)).fetchone()
            if newest_ms is None:
                continue
            until_ms = min(floor_to(end_ms + level_ms - 1, level_ms), newest_ms + level_ms)
            db.execute(history_sql.prune(level_ms), (source, from_ms, until_ms))
            db.execute(history_sql.roll_up(level_ms), (json.dumps([[source, from_ms]]), until_ms))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return count
