"""From readings to lines in the spool, with times that rise, roll-ups, and the account of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import structlog

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.base import HistoryRow
from pumpd.store.influx_rollups import RollUps
from pumpd.store.line_protocol import LineWriter, text_of
from pumpd.store.rising import NS_PER_MS, Rising
from pumpd.store.spool import Gathered, Slots, Spool, slot_of

log = structlog.get_logger(__name__)

BUFFER_FULL = "memory was full"
NO_POINT = "it has no form as a point"
RATE_OVER_S = 600.0
"""The growth that the hours left are worked out from is taken over about so long."""


class Intake:
    """Turns readings into lines and puts them into the spool; used by one thread."""

    def __init__(self, spool: Spool, lines: LineWriter) -> None:
        self._spool = spool
        self._lines = lines
        self._rising = Rising(spool.mark("era"), spool.mark("newest_ms"))
        self._rollups = RollUps()
        self._labels: dict[tuple[PumpId, ChannelId], str] = {}
        self._odd: set[PumpId] = set()
        """Of whom it was told that a reading has no form."""
        self._newest_ms = 0
        self._added_bytes = 0
        self._bytes_per_s = 0.0
        self._held: Gathered | None = None

    @property
    def holds(self) -> bool:
        """True while something was gathered that the disk has not taken."""
        return self._held is not None

    @property
    def held_readings(self) -> int:
        """How many readings those are."""
        return 0 if self._held is None else sum(self._held.readings.values())

    def settle(self) -> int:
        """Put what was gathered on disk; return how many readings were given up for it or on the way.

        sqlite3.Error, OSError or StoreError when the disk takes nothing: it is held.
        """
        assert self._held is not None
        given_up = self._spool.add(self._held)
        newest_ms, self._held = self._held.marks["newest_ms"], None
        over_s, self._newest_ms = (newest_ms - self._newest_ms) / 1000, newest_ms
        if 0 < over_s < RATE_OVER_S:
            rate = (self._spool.added_bytes - self._added_bytes) / over_s
            known = self._bytes_per_s or rate
            self._bytes_per_s = known + over_s / RATE_OVER_S * (rate - known)
        self._added_bytes = self._spool.added_bytes
        return given_up.total()

    def left_h(self) -> float | None:
        """Return how long the spool lasts without the database at the present rate; None while not known."""
        return self._spool.room_bytes() / self._bytes_per_s / 3600 if self._bytes_per_s else None

    def gather(self, rows: Iterable[HistoryRow], shed: Slots, *, last: bool = False) -> None:
        """Turn readings into lines; ``shed`` were given up before, ``last`` also tells open roll-ups."""
        assert self._held is None
        lines: list[str] = []
        readings: Counter[int] = Counter()
        odd: Counter[int] = Counter()
        pumps: set[str] = set()
        place, make, roll = self._rising.place, self._lines.point, self._rollups.add
        newest_ms = 0
        for row in rows:
            reading = row.telemetry
            channel = (reading.pump, reading.channel)
            time_ns = place(channel, row.at_ms)
            at_ms = time_ns // NS_PER_MS
            try:
                point = make(row, time_ns)
            except (TypeError, ValueError) as error:
                self._tell_odd(reading.pump, str(error))
                odd[slot_of(at_ms)] += 1
                continue
            if self._labels.get(channel) != row.label:
                self._labels[channel] = row.label
                lines.append(self._lines.patient(row, row.label, time_ns))
            lines.append(point.line())
            lines.extend(roll(point))
            readings[slot_of(at_ms)] += 1
            pumps.add(reading.pump)
            newest_ms = max(newest_ms, at_ms)
        if newest_ms:
            lines.extend(self._rollups.sweep(newest_ms))
        if last:
            lines.extend(self._rollups.all_open())
        era, mark_ms = self._rising.mark
        self._held = Gathered(
            text_of(lines),
            len(lines),
            readings,
            {reason: slots for reason, slots in ((BUFFER_FULL, shed), (NO_POINT, odd)) if slots},
            pumps,
            {"era": era, "newest_ms": mark_ms},
        )

    def _tell_odd(self, pump: PumpId, reason: str) -> None:
        if pump not in self._odd:
            self._odd.add(pump)
            log.error("history.reading_refused", pump=pump, reason=reason)
