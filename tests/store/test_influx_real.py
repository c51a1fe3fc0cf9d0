"""The whole store against a real InfluxDB, 1.6 or one that is named: what is written comes back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.core.telemetry import Provenance, PumpId
from pumpd.errors import StoreError
from pumpd.store.base import HistoryRow
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.influx_reader import InfluxHistoryReader
from pumpd.store.journal import SqliteJournal
from tests.store.influx import Influx
from tests.store.influx_named import MISSING, any_influx
from tests.store.lines import CHANNEL, PUMP, T0, T0_MS
from tests.store.lines import line as journal_line
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.requirement("INFLUX-1"),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]
LIMIT_BYTES = 64 * 2**20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """Give one server to all tests of this file."""
    with any_influx(tmp_path_factory.mktemp("influx")) as running:
        yield running


async def test_readings_come_back_as_buckets_with_their_spike(served: Influx, tmp_path: Path) -> None:
    """An hour through writer, spool and database is 1,000 buckets or less, exact in extremes and counts."""
    place = served.make()
    writer = InfluxHistoryWriter(SpoolPlace(tmp_path, LIMIT_BYTES), "clinic", lambda: InfluxDoor(place))
    for n in range(3600):
        writer.write(row(n, flow_nl_h=99_500_000 if n == 1234 else 10_000_000 + n))
    await until(lambda: writer.status().written == 3600)
    assert writer.status().failing == ""
    await writer.close()
    reader = InfluxHistoryReader(place, "clinic")
    trend = await reader.trend(PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + 3_600_000, 1000)
    dose = await reader.trend(PUMP, CHANNEL, "dose", T0_MS, T0_MS + 3_600_000, 10)
    await reader.close()
    assert (trend.unit, trend.provenance) == ("mL/h", Provenance.DEMO)
    assert sum(bucket.count for bucket in trend.buckets) == 3600
    assert [bucket.start_ms for bucket in trend.buckets if bucket.high == 99.5] == [
        T0_MS + 1234 * 1000 // 3600 * 3600
    ]
    assert (dose.unit, {bucket.mean for bucket in dose.buckets}) == ("mg/kg/h", {0.25})


async def stored(served: Influx, directory: Path, rows: Iterable[HistoryRow]) -> InfluxHistoryReader:
    """Write ``rows`` through the whole store into an empty database; return a reader of it."""
    place = served.make()
    writer = InfluxHistoryWriter(SpoolPlace(directory, LIMIT_BYTES), "clinic", lambda: InfluxDoor(place))
    given = list(rows)
    for each in given:
        writer.write(each)
    await until(lambda: writer.status().written == len(given))
    await writer.close()
    return InfluxHistoryReader(place, "clinic")


@pytest.mark.requirement("INFLUX-6")
async def test_a_long_span_is_answered_from_roll_ups_to_the_last_reading(
    served: Influx, tmp_path: Path
) -> None:
    """Ten buckets over nearly an hour hold each reading once, with exact extremes, also in open spans."""
    count = 3_507
    flows = [10_000_000 + (n * 7919) % 5_000_000 for n in range(count)]
    reader = await stored(served, tmp_path, (row(n, flow_nl_h=flows[n]) for n in range(count)))
    trend = await reader.trend(PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + 3_600_000, 10)
    await reader.close()
    assert sum(bucket.count for bucket in trend.buckets) == count
    for bucket in trend.buckets:
        first = (bucket.start_ms - T0_MS) // 1000
        of_bucket = [flow / 1e6 for flow in flows[first : first + 360]]
        assert (bucket.low, bucket.high, bucket.count) == (min(of_bucket), max(of_bucket), len(of_bucket))
        assert bucket.mean == pytest.approx(sum(of_bucket) / len(of_bucket))


@pytest.mark.requirement("INFLUX-6", "INV-5")
async def test_simulated_and_real_readings_and_units_are_never_one_series(
    served: Influx, tmp_path: Path
) -> None:
    """The newest kind is returned alone, and a dose trend holds one unit."""
    kinds = [Provenance.DEMO] * 30 + [Provenance.REAL] * 30
    units = ["mg/kg/h"] * 40 + ["ug/kg/min"] * 20
    rows = (row(n, provenance=kinds[n], dose_unit=units[n], dose=float(n)) for n in range(60))
    reader = await stored(served, tmp_path, rows)
    flow = await reader.trend(PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + 60_000, 60)
    dose = await reader.trend(PUMP, CHANNEL, "dose", T0_MS, T0_MS + 60_000, 60)
    nothing = await reader.trend(PumpId("P-9"), CHANNEL, "dose", T0_MS, T0_MS + 60_000, 60)
    with pytest.raises(ValueError, match="no such series"):
        await reader.trend(PUMP, CHANNEL, "magic", T0_MS, T0_MS + 60_000, 60)
    await reader.close()
    assert (flow.provenance, len(flow.buckets)) == (Provenance.REAL, 30)
    assert (dose.unit, dose.provenance, len(dose.buckets)) == ("ug/kg/min", Provenance.REAL, 20)
    assert (nothing.buckets, nothing.provenance) == ((), None)


@pytest.mark.requirement("INFLUX-6", "HIST-2")
async def test_journal_lines_come_back_newest_first(served: Influx, tmp_path: Path) -> None:
    """Lines of a pump and of the node are read with their place, kind, time and payload."""
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    said = json.dumps({"node": "ward-a", "pump": PUMP, "channel": CHANNEL, "provenance": "demo"})
    of_node = json.dumps({"node": "ward-a", "detail": 'two\nlines, "quoted" \\'})
    lines = [replace(journal_line(n), payload=said) for n in range(3)]
    lines.append(replace(journal_line(3, None, kind="node"), payload=of_node))
    await journal.append(lines, [])
    await journal.close()
    reader = await stored(served, tmp_path, [row(0)])
    of_all = await reader.journal(None, T0_MS, T0_MS + 1000, 10)
    of_pump = await reader.journal(PUMP, T0_MS, T0_MS + 1000, 2)
    await reader.close()
    assert [found.sequence for found in of_all] == [4, 3, 2, 1]
    assert [found.payload for found in reversed(of_all)] == [each.payload for each in lines]
    assert (of_all[0].kind, of_all[0].pump, of_all[0].at) == ("node", None, T0)
    assert [(found.sequence, found.pump) for found in of_pump] == [(3, PUMP), (2, PUMP)]


@pytest.mark.requirement("INFLUX-3")
def test_a_bucket_that_is_not_there_is_told_with_what_to_do(served: Influx) -> None:
    """A real server's words for it are known, and say how to make it."""
    with pytest.raises(StoreError, match="pumpd store init"):
        InfluxQuery(served.place("nowhere")).ask('SELECT "sequence" FROM "reading"')


@pytest.mark.requirement("INFLUX-3")
async def test_what_a_real_server_refuses_is_set_aside_in_its_words(served: Influx, tmp_path: Path) -> None:
    """A field that another program made text of costs the points that use it, and no other."""
    place = served.make()
    InfluxDoor(place).write(f'reading,pump=X volume_ml="much" {T0_MS * 1_000_000}'.encode())
    writer = InfluxHistoryWriter(SpoolPlace(tmp_path, LIMIT_BYTES), "clinic", lambda: InfluxDoor(place))
    for n in range(5):
        writer.write(row(n))
    await until(lambda: writer.status().dropped == 5)
    assert "field type conflict" in writer.status().failing
    await writer.close()
    letters = (tmp_path / "refused.lp").read_text()
    assert letters.count('input field "volume_ml" on measurement "reading" is type float') == 5
