"""Readings and journal lines as InfluxDB's line protocol: one fixed schema, numbers always floats."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pumpd.core.quantities import DoseUnit
from pumpd.core.telemetry import ChannelId, PumpId, PumpStatus, Telemetry
from pumpd.store.base import HistoryRow

READING = "reading"
JOURNAL = "journal"
PATIENT = "patient"
"""Measurements; those of roll-ups are in ``ROLLUPS``."""
ROLLUPS: Mapping[int, str] = {10_000: "rollup_10s", 300_000: "rollup_300s"}
"""The measurement of each roll-up by its length in ms."""

STATUS_CODES: Mapping[PumpStatus, int] = {
    PumpStatus.UNKNOWN: 0,
    PumpStatus.RUNNING: 1,
    PumpStatus.STOPPED: 2,
    PumpStatus.PAUSED: 3,
    PumpStatus.PRIMING: 4,
    PumpStatus.FLUSHING: 5,
    PumpStatus.BOLUS: 6,
    PumpStatus.KVO: 7,
    PumpStatus.STANDBY: 8,
    PumpStatus.ALARM: 9,
}
"""What the field ``status`` says; a number that is given never means anything else."""

DOSE_FIELDS: Mapping[str, str] = {unit.value: f"dose_{unit.value.replace('/', '_')}" for unit in DoseUnit}
"""The field of a dose rate by its unit: doses in different units are never one series."""

NL_PER_ML = 1e6
KPA_E1_PER_KPA = 10.0
_ESCAPED = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\\": "/"})
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Fields = dict[str, float]
"""Values by name; a value that is missing or can not be believed has no field."""


class Point(NamedTuple):
    """One reading, ready to be written."""

    tags: str
    """As in a line, from the first comma on."""
    fields: Fields
    """The series, which roll-ups are made of."""
    sequence: int
    code: int
    """Of the status; see ``STATUS_CODES``."""
    time_ns: int

    def line(self) -> str:
        """Return the line of the measurement ``reading``."""
        said = "".join([f"{name}={value!r}," for name, value in self.fields.items()])
        return f"{READING}{self.tags} {said}sequence={self.sequence},status={self.code} {self.time_ns}"


def tags(site: str, ward: str, pump: str, channel: str, provenance: str) -> str:
    """Return the tags of a line, each with a comma before it; an empty one is left out.

    A backslash is written as a slash and what can not be printed as a space: the format has no way to say
    a backslash at the end of a tag.
    """
    return "".join(
        f",{name}={tag_value(value).translate(_ESCAPED)}"
        for name, value in (
            ("site", site),
            ("ward", ward),
            ("pump", pump),
            ("channel", channel),
            ("provenance", provenance),
        )
        if value
    )


def tag_value(text: str) -> str:
    """Return ``text`` as a tag holds it."""
    return _NOT_PRINTABLE.sub(" ", text).replace("\\", "/")


def quoted(text: str) -> str:
    """Return ``text`` as the value of a string field."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class LineWriter:
    """Makes points of the readings of one site; what is the same for each reading is worked out once."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._tags: dict[tuple[PumpId, ChannelId, str, str], str] = {}

    def point(self, row: HistoryRow, time_ns: int) -> Point:
        """Return one reading; ValueError for a dose in a unit that has no field."""
        reading = row.telemetry
        key = (reading.pump, reading.channel, row.ward, reading.provenance.value)
        known = self._tags.get(key)
        if known is None:
            known = self._tags[key] = self.tags_of(row)
        return Point(known, _fields(row, reading), reading.sequence, STATUS_CODES[reading.status], time_ns)

    def tags_of(self, row: HistoryRow) -> str:
        """Return the tags of a reading."""
        reading = row.telemetry
        return tags(self._site, row.ward, reading.pump, reading.channel, reading.provenance.value)

    def patient(self, row: HistoryRow, label: str, time_ns: int) -> str:
        """Return the line that says whose readings follow; an empty label says nobody's."""
        return f"{PATIENT}{self.tags_of(row)} label={quoted(_NOT_PRINTABLE.sub(' ', label))} {time_ns}"

    def journal(self, sequence: int, at_us: int, kind: str, payload: str) -> str:
        """Return a line of the journal; ``payload`` is its JSON.

        Its place in the journal stands in the last digits of its time: lines of the same microsecond are
        1,000 apart before two would meet. A line about the node itself has ``@NODE`` for a pump.
        """
        said = json.loads(payload)
        pump = said.get("pump") or f"@{said.get('node', '')}"
        labels = tags(
            self._site, said.get("ward") or "", pump, said.get("channel") or "", said.get("provenance") or ""
        )
        time_ns = at_us * 1000 + sequence % 1000
        return (
            f"{JOURNAL}{labels} sequence={sequence},kind={quoted(kind)},payload={quoted(payload)} {time_ns}"
        )


def _fields(row: HistoryRow, reading: Telemetry) -> Fields:
    fields: Fields = {}
    if (flow := reading.flow.value) is not None:
        fields["flow_ml_h"] = flow.nl_per_h / NL_PER_ML
    if (set_flow := reading.set_flow.value) is not None:
        fields["set_flow_ml_h"] = set_flow.nl_per_h / NL_PER_ML
    if (volume := reading.volume.value) is not None:
        fields["volume_ml"] = volume.nl / NL_PER_ML
    dose = row.dose
    if dose is not None and math.isfinite(dose):
        field = DOSE_FIELDS.get(row.dose_unit)
        if field is None:
            raise ValueError(f"dose unit {row.dose_unit!r}: allowed are {', '.join(DOSE_FIELDS)}")
        fields[field] = float(dose)
    if (pressure := reading.pressure_kpa_e1.value) is not None:
        fields["pressure_kpa"] = pressure / KPA_E1_PER_KPA
    if (battery := reading.battery_percent.value) is not None:
        fields["battery_percent"] = float(battery)
    return fields


def text_of(lines: Iterable[str]) -> bytes:
    """Return lines as they travel; a lone surrogate, which no server takes, is written as its escape."""
    return "\n".join(lines).encode("utf-8", "backslashreplace")
