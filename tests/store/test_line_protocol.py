"""The lines that pumpd writes: one schema, judged by a reader that shares nothing with their writer."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import DoseUnit
from pumpd.core.telemetry import PumpStatus
from pumpd.store.line_protocol import DOSE_FIELDS, STATUS_CODES, LineWriter, text_of
from tests import proof
from tests.store.lines import T0_MS
from tests.store.readings import row

T0_NS = T0_MS * 1_000_000
LINE = re.compile(r"((?:\\.|[^ \\])+) ((?:[^\" ]|\"(?:\\.|[^\"\\])*\")+) (-?[0-9]+)")
TAG = re.compile(r",((?:\\.|[^,=\\])+)=((?:\\.|[^,=\\])+)")
FIELD = re.compile(r"(?:^|,)([A-Za-z0-9_]+)=(\"(?:\\.|[^\"\\])*\"|[^,]+)")


def parsed(line: str) -> tuple[str, dict[str, str], dict[str, str], int]:
    """Return measurement, tags, fields and time of a line."""
    whole = LINE.fullmatch(line)
    assert whole is not None, line
    measurement = whole[1].split(",")[0]
    tags = {k: re.sub(r"\\(.)", r"\1", v) for k, v in TAG.findall(whole[1])}
    return measurement, tags, dict(FIELD.findall(whole[2])), int(whole[3])


@pytest.mark.requirement("INFLUX-1")
def test_a_reading_is_one_line_of_the_schema() -> None:
    """Five tags and floats, the sequence among the fields, to the byte."""
    point = LineWriter("clinic").point(row(7), T0_NS)
    assert point.line() == (
        "reading,site=clinic,ward=ward-1,pump=P-1,channel=1,provenance=demo "
        "flow_ml_h=10.0,set_flow_ml_h=10.0,volume_ml=0.019446,dose_mg_kg_h=0.25,pressure_kpa=31.2,"
        f"sequence=8,status=1 {T0_NS}"
    )


@pytest.mark.requirement("INFLUX-1")
@proof.examples("readings as lines of InfluxDB", small=150, full=20_000)
@given(
    site=st.text(min_size=1, max_size=20),
    ward=st.text(max_size=64),
    label=st.text(max_size=32),
    dose=st.none() | st.floats(),
    unit=st.sampled_from(DoseUnit),
    flow=st.none() | st.integers(0, 10**12),
)
def test_whatever_names_hold_it_is_one_line_with_numbers(
    site: str, ward: str, label: str, dose: float | None, unit: DoseUnit, flow: int | None
) -> None:
    """Any text makes one line with at most five tags; every number is a finite float; no label is a tag."""
    given_row = replace(row(1, flow_nl_h=flow, dose=dose, dose_unit=unit.value), ward=ward, label=label)
    writer = LineWriter(site)
    line = text_of([writer.point(given_row, T0_NS).line()]).decode()
    _, tags, fields, time_ns = parsed(line)
    assert "\n" not in line
    assert time_ns == T0_NS
    assert set(tags) <= {"site", "ward", "pump", "channel", "provenance"}
    assert tags["pump"] == given_row.telemetry.pump
    assert all(math.isfinite(float(value)) for value in fields.values())
    assert (DOSE_FIELDS[unit.value] in fields) == (dose is not None and math.isfinite(dose))
    _, patient_tags, said, _ = parsed(text_of([writer.patient(given_row, label, T0_NS)]).decode())
    assert patient_tags == tags
    assert list(said) == ["label"]


def test_every_status_and_dose_unit_has_its_own_name() -> None:
    """No two statuses share a number and no two units a field."""
    assert set(STATUS_CODES) == set(PumpStatus)
    assert len(set(STATUS_CODES.values())) == len(PumpStatus)
    assert set(DOSE_FIELDS) == {unit.value for unit in DoseUnit}
    assert len(set(DOSE_FIELDS.values())) == len(DoseUnit)


def test_a_unit_without_a_field_is_refused() -> None:
    """It raises ValueError, which costs this reading alone."""
    with pytest.raises(ValueError, match="furlong"):
        LineWriter("clinic").point(row(1, dose_unit="furlong"), T0_NS)


@pytest.mark.parametrize("payload", ['{"detail": "two\\nlines, \\"quoted\\" \\\\ end"}', "{}"])
def test_a_line_of_the_journal_keeps_its_payload(payload: str) -> None:
    """What was journalled is read back to the letter; a line about the node has the node for a pump."""
    said = {**json.loads(payload), "node": "ward-a"}
    text = json.dumps(said)
    measurement, tags, fields, time_ns = parsed(LineWriter("clinic").journal(1234, 5_000_000, "node", text))
    assert (measurement, tags) == ("journal", {"site": "clinic", "pump": "@ward-a"})
    assert re.sub(r"\\(.)", r"\1", fields["payload"][1:-1]) == text
    assert (fields["sequence"], fields["kind"], time_ns) == ("1234", '"node"', 5_000_000_234)
