"""Reading InfluxDB back: the ``HistoryReader`` by InfluxQL, in a thread of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.store.base import SERIES, Bucket, JournalLine, Trend
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery, name, text
from pumpd.store.line_protocol import DOSE_FIELDS, JOURNAL, READING, ROLLUPS
from pumpd.store.questions import Questions
from pumpd.store.rollups import LEVELS_MS, READINGS, Grid, grid
from pumpd.store.trends import UNITS

SPANS_PER_BUCKET = 20
"""A roll-up answers when so many of its spans, or more, fit into a bucket: buckets are then whole spans."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Time [start, end) answered from one measurement."""

    level_ms: int
    start_ms: int
    end_ms: int


class InfluxHistoryReader:
    """Trends and journal lines of one site."""

    def __init__(self, place: InfluxPlace, site: str) -> None:
        self._query = InfluxQuery(place)
        self._site = site
        self._questions = Questions()

    async def trend(
        self, pump: PumpId, channel: ChannelId, series: str, start_ms: int, end_ms: int, buckets: int
    ) -> Trend:
        """Return at most ``buckets`` buckets over [start, end); empty ones are left out.

        Simulated and real readings, or doses in different units, are never put together: of such the ones
        with the newest reading are returned. ValueError for an unknown series or an empty span; StoreError
        when the database does not answer.
        """
        if series not in SERIES:
            raise ValueError(f"no such series: {series}; there are {', '.join(SERIES)}")
        level_ms = READINGS
        for candidate_ms in LEVELS_MS[1:]:
            if (end_ms - start_ms) // max(1, buckets) >= SPANS_PER_BUCKET * candidate_ms:
                level_ms = candidate_ms
        wanted = grid(start_ms, end_ms, buckets, level_ms)
        of = f"site = {text(self._site)} AND pump = {text(pump)} AND channel = {text(channel)}"
        return await self._questions.ask(lambda: self._trend(of, series, start_ms, end_ms, wanted))

    async def journal(
        self, pump: PumpId | None, start_ms: int, end_ms: int, limit: int
    ) -> Sequence[JournalLine]:
        """Return journal lines of [start, end), newest first; of every pump and node when None."""
        of_pump = "" if pump is None else f" AND pump = {text(pump)}"
        statement = (
            f'SELECT "sequence", "kind", "payload", "pump" FROM {name(JOURNAL)}'  # noqa: S608 - spelled by text()
            f" WHERE site = {text(self._site)}{of_pump} AND {_within(start_ms, end_ms)}"
            f" ORDER BY time DESC LIMIT {limit}"
        )
        found = await self._questions.ask(lambda: self._query.ask(statement))
        return [_journal_line(row) for series in found for row in series.rows]

    async def close(self) -> None:
        """Let go of the thread, which may hang in a question."""
        self._questions.close()

    def _trend(self, of: str, series: str, start_ms: int, end_ms: int, wanted: Grid) -> Trend:
        from_ms = wanted.bucket(0)[0]
        fields = {series: UNITS.get(series, "")}
        if series == "dose":
            fields = {field: unit for unit, field in DOSE_FIELDS.items()}
        newest: tuple[int, str, str] | None = None
        for field in fields:
            for found in self._query.ask(
                f"SELECT last({name(field)}) FROM {name(READING)}"  # noqa: S608 - spelled by name()
                f" WHERE {of} AND {_within(from_ms, end_ms)} GROUP BY provenance"
            ):
                last = (int(found.rows[0]["time"]), field, found.tags["provenance"])
                newest = last if newest is None else max(newest, last)
        if newest is None:
            return Trend(series, UNITS.get(series, ""), ())
        _, field, provenance = newest
        of = f"{of} AND provenance = {text(provenance)}"
        sums: dict[int, tuple[float, float, float, int]] = {}
        for piece in self._pieces(of, field, from_ms, end_ms, wanted.finest_ms):
            for row in self._aggregate(of, field, piece, wanted):
                known = sums.get(row[0])
                sums[row[0]] = row[1:] if known is None else _together(known, row[1:])
        return Trend(
            series,
            fields[field],
            tuple(
                Bucket(max(at_ms, start_ms), low, high, total / count, count)
                for at_ms, (low, high, total, count) in sorted(sums.items())
            ),
            Provenance(provenance),
        )

    def _pieces(self, of: str, field: str, start_ms: int, end_ms: int, level_ms: int) -> list[_Piece]:
        """Return what answers [start, end): roll-ups as far as they go, and what follows from readings."""
        if level_ms == READINGS:
            return [_Piece(READINGS, start_ms, end_ms)]
        last = self._query.ask(
            f"SELECT last({name(field + '_n')}) FROM {name(ROLLUPS[level_ms])}"  # noqa: S608 - spelled by name()
            f" WHERE {of} AND {_within(start_ms, end_ms)}"
        )
        if not last:
            return [_Piece(READINGS, start_ms, end_ms)]
        # The newest span may still go on, and is told in parts: readings answer it whole.
        border_ms = int(last[0].rows[0]["time"]) // level_ms * level_ms
        pieces = [_Piece(level_ms, start_ms, border_ms), _Piece(READINGS, border_ms, end_ms)]
        return [piece for piece in pieces if piece.start_ms < piece.end_ms]

    def _aggregate(
        self, of: str, field: str, piece: _Piece, wanted: Grid
    ) -> list[tuple[int, float, float, float, int]]:
        if piece.level_ms == READINGS:
            measurement, f = READING, name(field)
            columns = f"min({f}) AS low, max({f}) AS high, sum({f}) AS total, count({f}) AS n"
        else:
            measurement = ROLLUPS[piece.level_ms]
            low, high, total, n = (name(f"{field}_{part}") for part in ("low", "high", "total", "n"))
            columns = f"min({low}) AS low, max({high}) AS high, sum({total}) AS total, sum({n}) AS n"
        found = self._query.ask(
            f"SELECT {columns} FROM {name(measurement)}"  # noqa: S608 - spelled by name()
            f" WHERE {of} AND {_within(piece.start_ms, piece.end_ms)}"
            f" GROUP BY time({wanted.width_ms}ms, {wanted.origin_ms % wanted.width_ms}ms) fill(none)"
        )
        return [
            (int(row["time"]), float(row["low"]), float(row["high"]), float(row["total"]), int(row["n"]))
            for series in found
            for row in series.rows
            if row["n"]
        ]


def _within(start_ms: int, end_ms: int) -> str:
    return f"time >= {start_ms}ms AND time < {end_ms}ms"


def _together(
    one: tuple[float, float, float, int], other: tuple[float, float, float, int]
) -> tuple[float, float, float, int]:
    return min(one[0], other[0]), max(one[1], other[1]), one[2] + other[2], one[3] + other[3]


def _journal_line(row: dict[str, Any]) -> JournalLine:
    pump = str(row["pump"] or "")
    return JournalLine(
        int(row["sequence"]),
        datetime.fromtimestamp(row["time"] / 1000, UTC),
        str(row["kind"]),
        None if pump.startswith("@") else PumpId(pump),
        str(row["payload"]),
    )
