"""The statements of the embedded history, spelled once for writer and reader."""

from __future__ import annotations

from pumpd.store.base import SERIES
from pumpd.store.rollups import LEVELS_MS, READINGS

TABLES = {READINGS: "reading", 10_000: "rollup_10s", 300_000: "rollup_300s"}
"""The table of each level."""
TIME = {level_ms: "at_ms" if level_ms == READINGS else "start_ms" for level_ms in TABLES}
"""The name of its time column."""

COLUMNS = ("source", "at_ms", "status", *SERIES)
"""Columns of ``reading`` in the order of a written row."""


def parts(level_ms: int, series: str) -> tuple[str, str, str, str]:
    """Return the expressions for lowest, highest, sum and count of one row of that level."""
    if level_ms == READINGS:
        return series, series, series, f"({series} IS NOT NULL)"
    return f"{series}_low", f"{series}_high", f"{series}_total", f"{series}_n"


def insert_readings(rows: int) -> str:
    """Return one statement for ``rows`` readings: the lock of the interpreter is free while it runs."""
    one = f"({', '.join('?' * len(COLUMNS))})"
    return (
        f"INSERT INTO reading ({', '.join(COLUMNS)}) VALUES {', '.join([one] * rows)}"  # noqa: S608 - names
        " ON CONFLICT DO NOTHING"
    )


def roll_up(level_ms: int) -> str:
    """Return the statement that works out one level from the next finer one, over whole spans.

    Parameters: JSON array of [source, from_ms], and the end for all. Worked out anew from what is stored,
    so that a span which a restart interrupted comes out whole.
    """
    finer_ms = LEVELS_MS[LEVELS_MS.index(level_ms) - 1]
    time = TIME[finer_ms]
    sums = ", ".join(
        f"min({low}), max({high}), sum({total}), sum({n})"
        for low, high, total, n in (parts(finer_ms, series) for series in SERIES)
    )
    return (
        f"INSERT OR REPLACE INTO {TABLES[level_ms]}"  # noqa: S608 - names of our own
        f" SELECT r.source, r.{time} / {level_ms} * {level_ms} AS start, {sums}"
        " FROM json_each(?1) AS wanted"
        f" CROSS JOIN {TABLES[finer_ms]} AS r ON r.source = wanted.value ->> 0"
        f" AND r.{time} >= wanted.value ->> 1 AND r.{time} < ?2"
        " GROUP BY r.source, start"
    )


PIECES = (
    "CREATE TEMP TABLE IF NOT EXISTS piece"
    " (id INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL)"
)
"""The spans of one question; grouping by its key needs no sorting, which halves the time."""


def aggregate(level_ms: int, series: str) -> str:
    """Return the statement for each piece of source ?1: its id, lowest, highest, sum and count."""
    low, high, total, n = parts(level_ms, series)
    time = TIME[level_ms]
    return (
        f"SELECT piece.id, min({low}), max({high}), sum({total}), sum({n})"  # noqa: S608 - names of our own
        f" FROM temp.piece CROSS JOIN {TABLES[level_ms]} AS r"
        f" ON r.source = ?1 AND r.{time} >= piece.from_ms AND r.{time} < piece.until_ms"
        f" WHERE {low} IS NOT NULL GROUP BY piece.id"
    )


def extent(level_ms: int, *, newest: bool) -> str:
    """Return the statement for the oldest or newest time of a source at that level (NULL when empty)."""
    which = "max" if newest else "min"
    return f"SELECT {which}({TIME[level_ms]}) FROM {TABLES[level_ms]} WHERE source = ?"  # noqa: S608


def newest_within(level_ms: int) -> str:
    """Return the statement for the newest time of source ?1 in [?2, ?3) (NULL when there is none)."""
    time = TIME[level_ms]
    return (
        f"SELECT max({time}) FROM {TABLES[level_ms]}"  # noqa: S608 - names of our own
        f" WHERE source = ?1 AND {time} >= ?2 AND {time} < ?3"
    )


def prune(level_ms: int) -> str:
    """Return the statement that deletes rows of one source in [?2, ?3)."""
    time = TIME[level_ms]
    return f"DELETE FROM {TABLES[level_ms]} WHERE source = ?1 AND {time} >= ?2 AND {time} < ?3"  # noqa: S608


SOURCES = "SELECT id, provenance, dose_unit FROM source WHERE pump = ? AND channel = ?"
"""The sources of one channel."""

_OF_STAY = (
    " FROM source JOIN reading ON reading.source = source.id"
    " WHERE source.pump = ? AND source.channel = ? AND at_ms >= ? AND at_ms < ?"
)
STAY_EXTENT = f"SELECT min(at_ms), max(at_ms){_OF_STAY}"
STAY_READINGS = (
    f"SELECT at_ms, ward, provenance, dose_unit, status, {', '.join(SERIES)}{_OF_STAY} ORDER BY at_ms"
)
"""All readings of one channel in [from, until), whatever ward, provenance and dose unit."""


def holds(level_ms: int) -> str:
    """Return the statement whether source ?1 holds at that level what belongs to [?2, ?3).

    ?4 is the start of the first span with a part in it.
    A roll-up across an end does when the finer level holds it no more: else it can be worked out anew.
    """
    table = TABLES[level_ms]
    if level_ms == READINGS:
        return f"SELECT EXISTS (SELECT 1 FROM {table} WHERE source = ?1 AND at_ms >= ?2 AND at_ms < ?3)"  # noqa: S608
    finer_ms = LEVELS_MS[LEVELS_MS.index(level_ms) - 1]
    finer, time = TABLES[finer_ms], TIME[finer_ms]
    return (
        f"SELECT EXISTS (SELECT 1 FROM {table} AS r"  # noqa: S608 - names of our own
        f" WHERE r.source = ?1 AND r.start_ms >= ?4 AND r.start_ms < ?3 AND (r.start_ms >= ?2"
        f" AND r.start_ms + {level_ms} <= ?3 OR NOT EXISTS (SELECT 1 FROM {finer} AS f WHERE f.source = ?1"
        f" AND f.{time} >= r.start_ms AND f.{time} < r.start_ms + {level_ms})))"
    )
