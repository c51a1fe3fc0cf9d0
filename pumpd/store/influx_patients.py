"""What InfluxDB holds of one patient, by the label that stood at the pump: to hand out, or to erase."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery, name, text
from pumpd.store.influx_sender import Door
from pumpd.store.line_protocol import JOURNAL, PATIENT, READING, ROLLUPS, quoted, tags
from pumpd.store.patients import Stay, within
from pumpd.store.rising import NS_PER_MS
from pumpd.store.rollups import floor_to
from pumpd.store.spool import SLOT_MS
from pumpd.store.spool_account import note_dropped, read_account

HOUR_MS = 3_600_000
AROUND_MS = 60_000
"""A line of the journal about the beginning or end stands so close to the readings, or closer."""
ERASED = "erased for a patient"


class InfluxPatients:
    """The ``PatientRecords`` of one site, by the points that say from when on readings are whose."""

    def __init__(self, place: InfluxPlace, site: str, spool: Path, door: Callable[[], Door]) -> None:
        """``door`` opens the way in, once something is erased."""
        self._query = InfluxQuery(place)
        self._site = site
        self._spool = spool
        self._door = door
        self._points: dict[Stay, tuple[int, str]] = {}
        """Time and tags of the point that says so, of each stay that was told."""

    def stays(self, label: str, start_ms: int, end_ms: int) -> Sequence[Stay]:
        """Return every stay under ``label`` that has a part in [start, end), in order of their beginnings."""
        said = self._query.ask(
            f'SELECT "label" FROM {name(PATIENT)} WHERE site = {text(self._site)} GROUP BY *',  # noqa: S608
            epoch="ns",
        )
        points: dict[tuple[PumpId, ChannelId], list[tuple[int, str, str]]] = {}
        for series in said:
            of = series.tags
            labels = tags(self._site, of.get("ward", ""), of["pump"], of["channel"], of.get("provenance", ""))
            channel = (PumpId(of["pump"]), ChannelId(of["channel"]))
            points.setdefault(channel, []).extend(
                (int(found["time"]), str(found["label"]), labels) for found in series.rows
            )
        found: list[Stay] = []
        for (pump, channel_id), told in points.items():
            told.sort()
            for at, (time_ns, stood, labels) in enumerate(told):
                after_ms = told[at + 1][0] // NS_PER_MS if at + 1 < len(told) else None
                if stood == label:
                    found.append(Stay(label, pump, channel_id, time_ns // NS_PER_MS, after_ms))
                    self._points[found[-1]] = time_ns, labels
        return within(found, start_ms, end_ms)

    def readings(self, stay: Stay) -> Iterator[str]:
        """Yield the readings of a stay in order, each as a line of JSON with its time in ms since 1970."""
        (newest,) = self._query.ask(
            f'SELECT last("sequence") FROM {name(READING)}'  # noqa: S608 - spelled by text()
            f" WHERE {self._within(stay, stay.start_ms, stay.until_ms)}"
        ) or (None,)
        if newest is None:
            return
        until_ms = int(newest.rows[0]["time"]) + 1
        for from_ms in range(stay.start_ms, until_ms, HOUR_MS):
            for series in self._query.ask(
                f"SELECT * FROM {name(READING)}"  # noqa: S608 - spelled by text()
                f" WHERE {self._within(stay, from_ms, min(from_ms + HOUR_MS, until_ms))}"
            ):
                for found in series.rows:
                    yield json.dumps({key: value for key, value in found.items() if value is not None})

    def erase(self, stay: Stay, now_ms: int) -> int:
        """Erase the readings of a stay, their roll-ups, its lines of the journal's copy, and the label.

        Returns how many readings those were; the account counts them as dropped. Roll-ups that hold readings
        before or after the stay too go whole, and those readings stay. StoreError while the stay goes on, or
        a roll-up of it may, or while readings of it wait in the spool.
        """
        end_ms = stay.ended_ms(now_ms)
        first_ms, last_ms = floor_to(stay.start_ms, SLOT_MS), floor_to(end_ms, SLOT_MS) + SLOT_MS
        if read_account(self._spool, first_ms, last_ms).spooled:
            raise StoreError("readings of that time still wait in the spool: try again when it is empty")
        counted = self._query.ask(
            f'SELECT count("sequence") AS n FROM {name(READING)}'  # noqa: S608 - spelled by text()
            f" WHERE {self._within(stay, stay.start_ms, end_ms)} GROUP BY time(1m) fill(none)"
        )
        slots = Counter({int(found["time"]): int(found["n"]) for each in counted for found in each.rows})
        self._delete(READING, stay, stay.start_ms, end_ms)
        for level_ms, measurement in ROLLUPS.items():
            self._delete(measurement, stay, floor_to(stay.start_ms, level_ms), end_ms)
        self._delete(JOURNAL, stay, stay.start_ms, end_ms)
        for at_ms in self._lines_that_name(stay, end_ms):
            self._delete(JOURNAL, stay, at_ms, at_ms + 1)
        time_ns, labels = self._points[stay]
        with closing(self._door()) as door:
            door.write(f"{PATIENT}{labels} label={quoted('')} {time_ns}".encode())
        note_dropped(self._spool, slots, ERASED)
        return slots.total()

    def _lines_that_name(self, stay: Stay, end_ms: int) -> list[int]:
        around = self._within(stay, stay.start_ms - AROUND_MS, end_ms + AROUND_MS)
        said = self._query.ask(f'SELECT "payload" FROM {name(JOURNAL)} WHERE {around}')  # noqa: S608
        return [
            int(found["time"])
            for series in said
            for found in series.rows
            if stay.label in str(json.loads(found["payload"]).get("detail", ""))
        ]

    def _delete(self, measurement: str, stay: Stay, start_ms: int, end_ms: int) -> None:
        self._query.ask(
            f"DELETE FROM {name(measurement)} WHERE {self._within(stay, start_ms, end_ms)}"  # noqa: S608
        )

    def _within(self, stay: Stay, start_ms: int, end_ms: int) -> str:
        """Return the condition for what of ``stay`` lies in [start, end)."""
        return (
            f"site = {text(self._site)} AND pump = {text(stay.pump)} AND channel = {text(stay.channel)}"
            f" AND time >= {start_ms}ms AND time < {end_ms}ms"
        )
