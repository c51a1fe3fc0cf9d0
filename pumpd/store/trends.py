"""One trend out of an open history file: exact lowest and highest, whatever mixture of levels answers it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.store import history_sql
from pumpd.store.base import SERIES, Bucket, Trend
from pumpd.store.rollups import LEVELS_MS, READINGS, Grid, Span, cover, grid

UNITS = {
    "flow_ml_h": "mL/h",
    "set_flow_ml_h": "mL/h",
    "volume_ml": "mL",
    "pressure_kpa": "kPa",
    "battery_percent": "%",
}
"""UCUM units of the series; a dose has the unit stored beside it."""

_NO_END_MS = 2**62


@dataclass(frozen=True, slots=True)
class _Source:
    """Readings of one channel that may be put together."""

    id: int
    provenance: Provenance
    dose_unit: str
    kept: tuple[Span, ...]
    """What each level holds, the coarsest first."""
    newest_ms: int
    """The newest time it has within the question."""


def read_trend(
    db: sqlite3.Connection,
    pump: PumpId,
    channel: ChannelId,
    series: str,
    start_ms: int,
    end_ms: int,
    buckets: int,
) -> Trend:
    """Return the trend; simulated and real readings, or doses in different units, are never put together.

    Of such the ones with the newest reading in the span are returned. Where only roll-ups are left, both ends
    are taken outwards to whole ones. ValueError for an unknown series or an empty span.
    """
    if series not in SERIES:
        raise ValueError(f"no such series: {series}; there are {', '.join(SERIES)}")
    grid(start_ms, end_ms, buckets, READINGS)  # refuses an empty span, also when there is nothing stored
    db.execute(history_sql.PIECES)
    db.execute("BEGIN")  # one picture: the writer may roll up or prune between two statements
    try:
        sources = _sources(db, pump, channel, start_ms, end_ms)
        if not sources:
            return Trend(series, UNITS.get(series, ""), ())
        newest = max(sources, key=lambda source: source.newest_ms)
        chosen = [
            source
            for source in sources
            if source.provenance is newest.provenance
            and (series != "dose" or source.dose_unit == newest.dose_unit)
        ]
        wanted = grid(start_ms, end_ms, buckets, max(_finest_ms(source, start_ms) for source in chosen))
        found = _fill(db, chosen, series, start_ms, end_ms, wanted)
    finally:
        db.execute("ROLLBACK")
    return Trend(series, UNITS.get(series, newest.dose_unit), found, newest.provenance)


def _sources(
    db: sqlite3.Connection, pump: PumpId, channel: ChannelId, start_ms: int, end_ms: int
) -> list[_Source]:
    found: list[_Source] = []
    rows = db.execute(
        "SELECT id, provenance, dose_unit FROM source WHERE pump = ? AND channel = ?", (pump, channel)
    ).fetchall()
    for source, provenance, dose_unit in rows:
        kept: list[Span] = []
        newest_ms: int | None = None
        for level_ms in reversed(LEVELS_MS):
            (oldest_ms,) = db.execute(history_sql.extent(level_ms, newest=False), (source,)).fetchone()
            (last_ms,) = db.execute(history_sql.extent(level_ms, newest=True), (source,)).fetchone()
            if oldest_ms is None:
                continue
            until_ms = _NO_END_MS if level_ms == READINGS else last_ms + level_ms
            kept.append(Span(level_ms, oldest_ms, until_ms))
            (within_ms,) = db.execute(
                history_sql.newest_within(level_ms), (source, start_ms, end_ms)
            ).fetchone()
            if within_ms is not None:
                newest_ms = max(within_ms, newest_ms or within_ms)
        if newest_ms is not None:
            found.append(_Source(source, Provenance(provenance), dose_unit, tuple(kept), newest_ms))
    return found


def _finest_ms(source: _Source, start_ms: int) -> int:
    """Return the finest level that reaches back as far as the question, or as the source itself does."""
    oldest_ms = min(span.start_ms for span in source.kept)
    for span in reversed(source.kept):
        # A coarser span begins before its first reading, by less than its own length.
        if span.start_ms <= max(start_ms, oldest_ms + LEVELS_MS[-1] - 1):
            return span.level_ms
    return source.kept[0].level_ms


def _fill(
    db: sqlite3.Connection,
    sources: Sequence[_Source],
    series: str,
    start_ms: int,
    end_ms: int,
    wanted: Grid,
) -> tuple[Bucket, ...]:
    sums: dict[int, tuple[float, float, float, int]] = {}
    last_ms = -(-end_ms // wanted.finest_ms) * wanted.finest_ms
    for source in sources:
        kept = [span for span in source.kept if span.level_ms <= wanted.width_ms]
        pieces: dict[int, list[tuple[int, int, int]]] = {span.level_ms: [] for span in kept}
        buckets: list[int] = []
        for number in range(wanted.count):
            from_ms, until_ms = wanted.bucket(number)
            for span in cover(from_ms, min(until_ms, last_ms), kept):
                pieces[span.level_ms].append((len(buckets), span.start_ms, span.end_ms))
                buckets.append(number)
        for level_ms, of_level in pieces.items():
            db.execute("DELETE FROM temp.piece")
            db.executemany("INSERT INTO temp.piece VALUES (?, ?, ?)", of_level)
            for piece, low, high, total, n in db.execute(
                history_sql.aggregate(level_ms, series), (source.id,)
            ):
                known = sums.get(buckets[piece])
                sums[buckets[piece]] = (
                    (low, high, total, n)
                    if known is None
                    else (min(low, known[0]), max(high, known[1]), total + known[2], n + known[3])
                )
    return tuple(
        Bucket(max(wanted.bucket(number)[0], start_ms), low, high, total / n, n)
        for number, (low, high, total, n) in sorted(sums.items())
    )
