"""What a database holds of one patient is handed out whole, and erased without touching a neighbour's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.core.telemetry import PumpId
from pumpd.histories import influx_place, open_writer
from pumpd.store.influx_query import InfluxQuery, Series
from pumpd.store.journal import SqliteJournal
from tests.cli.test_history_verbs import configured, minute, run
from tests.store.influx import Influx
from tests.store.influx_named import MISSING, any_influx
from tests.store.lines import CHANNEL, PUMP, T0, T0_MS
from tests.store.lines import line as journal_line
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.requirement("INFLUX-5"),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]
OTHER = PumpId("P-2")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    with any_influx(tmp_path_factory.mktemp("influx")) as running:
        yield running


async def written(file: Path) -> None:
    """Write 90 s of two pumps: A.B., then C.D. at the first, A.B. at the second from 30 s to 60 s."""
    config = load(file)
    journal = SqliteJournal.open(config.data_dir / "journal.db", SystemClock())
    said = {"node": "ward-a", "pump": PUMP, "channel": CHANNEL, "provenance": "demo", "ward": "ward-1"}
    begun = json.dumps({**said, "detail": "C.D.: ketamine"})
    other = json.dumps({**said, "detail": "A.B.: ketamine"})
    before, after = T0 - timedelta(seconds=5), T0 + timedelta(seconds=41)
    lines = [journal_line(1, at=before), journal_line(2, at=after)]
    await journal.append([replace(lines[0], payload=other), replace(lines[1], payload=begun)], [])
    await journal.close()
    writer = open_writer(config)
    for n in range(90):
        writer.write(row(n, label="A.B." if n < 40 else "C.D." if n < 70 else ""))
        writer.write(row(n, pump=OTHER, label="A.B." if 30 <= n < 60 else ""))
    await until(lambda: writer.status().written == 180)
    await until(lambda: not writer.status().failing)
    await writer.close()


async def test_a_patient_is_exported_and_erased_and_the_neighbours_stay(
    served: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings of each pump with the label come out in order; erased, they are gone and accounted for.

    InfluxDB 2.7.11 writes each question into its log (influxql/query/proxy_executor.go): none holds a label.
    """
    questions: list[str] = []
    ask = InfluxQuery.ask

    def noted(self: InfluxQuery, statement: str, **more: Any) -> tuple[Series, ...]:
        questions.append(statement)
        return ask(self, statement, **more)

    monkeypatch.setattr(InfluxQuery, "ask", noted)
    file = configured(tmp_path, **served.settings("patients"))
    assert run("store", "init", "-c", str(file))[0] == 0
    await written(file)
    asked = ("-c", str(file), "--patient", "A.B.")
    status, said = run("history", "export", *asked, "-o", str(tmp_path / "ab.jsonl"))
    assert (status, said.count(" to ")) == (0, 2)
    readings = [json.loads(text) for text in (tmp_path / "ab.jsonl").read_text().splitlines()]
    assert [(found["pump"], found["sequence"]) for found in readings] == [
        *((PUMP, n + 1) for n in range(40)),
        *((OTHER, n + 1) for n in range(30, 60)),
    ]
    assert (tmp_path / "ab.jsonl").stat().st_mode & 0o077 == 0
    status, said = run("history", "erase", *asked)
    assert (status, "nothing was erased" in said) == (1, True)
    status, said = run("history", "erase", *asked, "--yes")
    assert (status, "70 readings erased" in said) == (0, True)
    assert questions
    assert not any("A.B." in question for question in questions)
    query = InfluxQuery(influx_place(load(file)))
    left = query.ask('SELECT "sequence" FROM "reading" GROUP BY "pump"')
    assert {each.tags["pump"]: [found["sequence"] for found in each.rows] for each in left} == {
        PUMP: list(range(41, 91)),
        OTHER: [*range(1, 31), *range(61, 91)],
    }
    (rolled,) = query.ask(f'SELECT "flow_ml_h_n" FROM "rollup_10s" WHERE "pump" = \'{PUMP}\'')
    assert [found["time"] - T0_MS for found in rolled.rows] == [40_000, 50_000, 60_000, 70_000, 80_000]
    assert query.ask('SELECT "flow_ml_h_n" FROM "rollup_300s"') == (), "it held readings of the patient"
    (lines,) = query.ask('SELECT "payload" FROM "journal"')
    assert [json.loads(found["payload"])["detail"] for found in lines.rows] == ["C.D.: ketamine"]
    labels = {found["label"] for each in query.ask('SELECT "label" FROM "patient"') for found in each.rows}
    assert labels == {"", "C.D."}
    span = ("--from", minute(T0_MS), "--to", minute(T0_MS + 120_000))
    status, said = run("history", "verify", "-c", str(file), *span)
    assert (status, "70: erased for a patient" in said) == (0, True)
    assert run("history", "erase", *asked, "--yes")[0] == 1


async def test_a_label_that_still_stands_is_not_erased(served: Influx, tmp_path: Path) -> None:
    """The infusion must be ended first, and the reason says so."""
    file = configured(tmp_path, **served.settings("standing"))
    assert run("store", "init", "-c", str(file))[0] == 0
    writer = open_writer(load(file))
    writer.write(row(0, label="E.F."))
    await until(lambda: writer.status().written == 1)
    await writer.close()
    status, said = run("history", "erase", "-c", str(file), "--patient", "E.F.", "--yes")
    assert (status, "still there" in said) == (1, True)
    (left,) = InfluxQuery(influx_place(load(file))).ask('SELECT "sequence" FROM "reading"')
    assert len(left.rows) == 1
