"""The embedded history's SQLite file, writing side: readings, roll-ups and what is too old."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.errors import StoreError
from pumpd.store import history_sql
from pumpd.store.base import HistoryRow
from pumpd.store.migrate import migrate, schema_steps
from pumpd.store.rollups import LEVELS_MS, floor_to

NL_PER_ML = 1e6
KPA_E1_PER_KPA = 10.0

ROWS_PER_STATEMENT = 250
"""Rows bound at once: the interpreter's lock is asked for once per statement, not once per row."""

STEP_BACK_MS = 600_000
"""A wall clock that goes back by less is taken as a small correction: times are held and go on rising.

By more it was wrong before: readings take the right time at once.
"""

DAY_MS = 86_400_000
PRUNE_SLICE_MS = 3_600_000
"""So much of one source is deleted at a time."""

KEEP_FREE_BYTES = 64 * 1024 * 1024
"""With less left on the disk the history writes no more: the journal comes first."""

Row = tuple[
    int,
    int,
    str,
    float | None,
    float | None,
    float | None,
    float | None,
    float | None,
    float | None,
]
"""Source, time, status and the series in the order of ``SERIES``."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days each level is kept; 0 keeps it for ever."""

    readings_days: int = 14
    ten_seconds_days: int = 90
    five_minutes_days: int = 731

    def days(self) -> dict[int, int]:
        """Return the days by level."""
        kept = (self.readings_days, self.ten_seconds_days, self.five_minutes_days)
        return dict(zip(LEVELS_MS, kept, strict=True))


@dataclass(slots=True)
class _Source:
    """One series' identity, with the labels its last reading had."""

    id: int
    ward: str
    provenance: Provenance
    dose_unit: str


@dataclass(slots=True)
class _Progress:
    """How far one source is rolled up, per level, and when its newest reading was."""

    newest_ms: int
    rolled_ms: dict[int, int]
    """Up to here nothing is left to do."""
    covered_ms: dict[int, int]
    """Up to here readers find roll-ups: further than ``rolled_ms`` after a clock was put back."""

    def wanted_ms(self, level_ms: int) -> int:
        """Return up to where a level must be complete: for readers, and for coarser levels made from it."""
        return max(until_ms for level, until_ms in self.covered_ms.items() if level >= level_ms)


class HistoryFile:
    """An open ``history.db``; the methods block, and raise sqlite3.Error, OSError or StoreError."""

    def __init__(
        self, path: Path | None, retention: Retention, keep_free_bytes: int = KEEP_FREE_BYTES
    ) -> None:
        self._path = path
        self._retention = retention
        self._keep_free_bytes = keep_free_bytes
        self._sources: dict[tuple[PumpId, ChannelId], _Source] = {}
        self._last_ms: dict[tuple[PumpId, ChannelId], int] = {}
        self._progress: dict[int, _Progress] = {}
        self._to_prune: list[int] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False, timeout=0.5
        )
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            migrate(self._db, schema_steps("history"), str(path))
            self._load()
        except BaseException:
            self._db.close()
            raise

    def _load(self) -> None:
        for source, pump, channel in self._db.execute("SELECT id, pump, channel FROM source").fetchall():
            newest_ms = self._one(history_sql.extent(LEVELS_MS[0], newest=True), source)
            if newest_ms is None:
                continue
            oldest_ms = self._one(history_sql.extent(LEVELS_MS[0], newest=False), source)
            assert oldest_ms is not None
            rolled_ms: dict[int, int] = {}
            for level_ms in LEVELS_MS[1:]:
                rolled = self._one(history_sql.extent(level_ms, newest=True), source)
                rolled_ms[level_ms] = floor_to(oldest_ms, level_ms) if rolled is None else rolled + level_ms
            self._progress[source] = _Progress(newest_ms, rolled_ms, dict(rolled_ms))
            key = (PumpId(pump), ChannelId(channel))
            self._last_ms[key] = max(newest_ms, self._last_ms.get(key, newest_ms))

    def _one(self, sql: str, source: int) -> int | None:
        found = self._db.execute(sql, (source,)).fetchone()[0]
        assert found is None or isinstance(found, int)
        return found

    def write(self, rows: Sequence[HistoryRow]) -> int:
        """Write ``rows``, roll up what they completed and drop a slice of what is too old; one transaction.

        Returns how many were written.
        """
        if self._path is not None:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < self._keep_free_bytes:
                raise StoreError(
                    f"{self._path.parent}: less than {self._keep_free_bytes} bytes are free, which are kept "
                    "for the journal; make space"
                )
        last_ms = dict(self._last_ms)
        sources = dict(self._sources)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            values = [self._values(row) for row in rows]
            before = self._db.total_changes
            whole = len(values) - len(values) % ROWS_PER_STATEMENT
            many = history_sql.insert_readings(ROWS_PER_STATEMENT)
            for at in range(0, whole, ROWS_PER_STATEMENT):
                part = values[at : at + ROWS_PER_STATEMENT]
                self._db.execute(many, list(chain.from_iterable(part)))
            if len(values) > whole:
                rest = values[whole:]
                self._db.execute(history_sql.insert_readings(len(rest)), list(chain.from_iterable(rest)))
            written = self._db.total_changes - before
            progress = self._roll_up(values)
            self._prune_some(progress)
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._last_ms, self._sources = last_ms, sources
            raise
        self._progress = progress
        return written

    def _values(self, row: HistoryRow) -> Row:
        reading = row.telemetry
        key = (reading.pump, reading.channel)
        source = self._sources.get(key)
        if (
            source is None
            or source.provenance is not reading.provenance
            or source.dose_unit != row.dose_unit
            or source.ward != row.ward
        ):
            source = self._sources[key] = self._find_source(row)
        at_ms = row.at_ms
        last_ms = self._last_ms.get(key)
        if last_ms is not None and last_ms - STEP_BACK_MS < at_ms <= last_ms:
            at_ms = last_ms + 1
        self._last_ms[key] = at_ms
        flow, set_flow, volume = reading.flow.value, reading.set_flow.value, reading.volume.value
        pressure, battery = reading.pressure_kpa_e1.value, reading.battery_percent.value
        dose = row.dose
        return (
            source.id,
            at_ms,
            reading.status.value,
            None if flow is None else flow.nl_per_h / NL_PER_ML,
            None if set_flow is None else set_flow.nl_per_h / NL_PER_ML,
            None if volume is None else volume.nl / NL_PER_ML,
            None if dose is None or not math.isfinite(dose) else dose,
            None if pressure is None else pressure / KPA_E1_PER_KPA,
            None if battery is None else float(battery),
        )

    def _find_source(self, row: HistoryRow) -> _Source:
        reading = row.telemetry
        labels = (reading.pump, reading.channel, row.ward, reading.provenance.value, row.dose_unit)
        self._db.execute(
            "INSERT INTO source (pump, channel, ward, provenance, dose_unit) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            labels,
        )
        (found,) = self._db.execute(
            "SELECT id FROM source WHERE pump = ? AND channel = ? AND ward = ? AND provenance = ?"
            " AND dose_unit = ?",
            labels,
        ).fetchone()
        return _Source(found, row.ward, reading.provenance, row.dose_unit)

    def _roll_up(self, values: Sequence[Row]) -> dict[int, _Progress]:
        """Work out the spans that ``values`` completed; return how far every source is then."""
        progress = dict(self._progress)
        # By level and end: each source once, from where; twice, its readings would be counted twice.
        all_due: dict[int, dict[int, dict[int, int]]] = {level_ms: {} for level_ms in LEVELS_MS[1:]}
        for source, at_ms, *_ in values:
            known = progress.get(source)
            if known is None:
                rolled_ms = {level_ms: floor_to(at_ms, level_ms) for level_ms in LEVELS_MS[1:]}
                progress[source] = _Progress(at_ms, rolled_ms, rolled_ms)
                continue
            if at_ms < max(known.rolled_ms.values()):
                # The clock was put back: follow it, and take in what may not have been rolled up before.
                for level_ms, due in all_due.items():
                    # Readers look for roll-ups as far as they were covered before: these stay complete.
                    end_ms = min(floor_to(known.newest_ms, level_ms) + level_ms, known.wanted_ms(level_ms))
                    if known.rolled_ms[level_ms] < end_ms:
                        of_end = due.setdefault(end_ms, {})
                        of_end[source] = min(known.rolled_ms[level_ms], of_end.get(source, end_ms))
                rolled_ms = {level: floor_to(at_ms - STEP_BACK_MS, level) for level in known.rolled_ms}
                progress[source] = _Progress(at_ms, rolled_ms, known.covered_ms)
            elif at_ms > known.newest_ms:
                progress[source] = _Progress(at_ms, known.rolled_ms, known.covered_ms)
        for level_ms, due in all_due.items():
            for source in {row[0] for row in values}:
                known = progress[source]
                done_ms = end_ms = floor_to(known.newest_ms, level_ms)
                if known.wanted_ms(level_ms) > end_ms:
                    end_ms += level_ms  # readers look for the span that goes on, so it is kept up to date
                if known.rolled_ms[level_ms] < end_ms:
                    of_end = due.setdefault(end_ms, {})
                    of_end[source] = min(known.rolled_ms[level_ms], of_end.get(source, end_ms))
                    progress[source] = _Progress(
                        known.newest_ms,
                        {**known.rolled_ms, level_ms: done_ms},
                        {**known.covered_ms, level_ms: max(known.covered_ms[level_ms], end_ms)},
                    )
            for end_ms, sources in due.items():
                self._db.execute(history_sql.roll_up(level_ms), (json.dumps(list(sources.items())), end_ms))
        return progress

    def _prune_some(self, progress: dict[int, _Progress]) -> None:
        """Delete at most an hour of one source: the sources take turns."""
        if not self._to_prune:
            self._to_prune = [row[0] for row in self._db.execute("SELECT id FROM source")]
            return
        source = self._to_prune.pop()
        newest_ms = max((known.newest_ms for known in progress.values()), default=0)
        for level_ms, days in self._retention.days().items():
            oldest_ms = self._one(history_sql.extent(level_ms, newest=False), source)
            keep_from_ms = floor_to(newest_ms - days * DAY_MS, LEVELS_MS[-1])
            if days and oldest_ms is not None and oldest_ms < keep_from_ms:
                until_ms = min(keep_from_ms, floor_to(oldest_ms, LEVELS_MS[-1]) + PRUNE_SLICE_MS)
                self._db.execute(history_sql.prune(level_ms), (source, oldest_ms, until_ms))

    def close(self) -> None:
        """Close the file; a failing disk does not stop it."""
        with suppress(sqlite3.Error):
            self._db.close()
