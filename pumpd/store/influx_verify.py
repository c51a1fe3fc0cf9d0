"""What became of every reading of a span: stored, spooled or dropped, held against what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pumpd.store.influx_query import InfluxQuery, name, text
from pumpd.store.line_protocol import READING
from pumpd.store.spool_account import read_account


@dataclass(frozen=True, slots=True)
class HistoryVerdict:
    """Readings by what became of them."""

    read: int
    stored: int
    spooled: int
    dropped: Mapping[str, int]
    """By reason."""

    @property
    def missing(self) -> int:
        """Return how many readings nobody can account for; below 0 when more are there than were read."""
        return self.read - self.stored - self.spooled - sum(self.dropped.values())


def verify_history(query: InfluxQuery, site: str, spool: Path, start_ms: int, end_ms: int) -> HistoryVerdict:
    """Return what became of the readings of one node in [start, end), which are whole minutes.

    StoreError when the spool or the database can not be read. While a daemon writes, what is on its way from
    one to the other may be seen twice: ask again.
    """
    before = read_account(spool, start_ms, end_ms)
    found = query.ask(
        f'SELECT count("sequence") AS n FROM {name(READING)}'  # noqa: S608 - spelled by name() and text()
        f" WHERE site = {text(site)} AND time >= {start_ms}ms AND time < {end_ms}ms GROUP BY pump"
    )
    ours = set(before.pumps)
    stored = sum(int(series.rows[0]["n"]) for series in found if series.tags["pump"] in ours)
    return HistoryVerdict(before.read, stored, before.spooled, before.dropped)
