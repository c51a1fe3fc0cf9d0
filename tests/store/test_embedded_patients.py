"""One patient's readings in the embedded history: handed out whole, erased without a neighbour's loss."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.core.telemetry import PumpId
from pumpd.errors import StoreError
from pumpd.store.embedded_patients import EmbeddedPatients
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.history_file import HistoryFile, Retention
from pumpd.store.history_sql import TABLES
from pumpd.store.journal import SqliteJournal
from pumpd.store.patients import FOR_EVER_MS, SETTLED_MS, Stay
from pumpd.store.reader import ReadOnlyFile
from pumpd.store.trends import read_trend
from tests.cli.test_history_verbs import SHIPPED, run
from tests.store.lines import CHANNEL, PUMP, T0, T0_MS
from tests.store.lines import line as journal_line
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = pytest.mark.requirement("HIST-5")
OTHER = PumpId("P-2")
ORDER = "ketamine 2 mg/mL, 0.3 mg/kg/h of 0.1 mg/kg/h to 0.5 mg/kg/h"
BEGUN_S, SWAPPED_S, ENDED_S, LAST_S = 1003, 4001, 5507, 8000
HERS_NL_H = 7_654_321
"""A flow that nobody else has."""


def event(n: int, at_s: int, pump: PumpId, happened: str, detail: str):
    """Return a line about an infusion, as the daemon writes it."""
    line = journal_line(n, pump, kind="infusion", at=T0 + timedelta(seconds=at_s))
    said = {"pump": pump, "channel": CHANNEL, "event": happened, "detail": detail}
    return replace(line, payload=json.dumps(said))


async def journalled(file: Path, *, end: bool = True) -> None:
    """A.B. on P-1, swapped to P-2 and ended there; C.D. before and after her on P-1."""
    lines = [
        event(1, 0, PUMP, "begun", f"C.D.: {ORDER}; library 1"),
        event(2, 1000, PUMP, "ended", "C.D.: no pain; given 1 mg"),
        event(3, BEGUN_S, PUMP, "begun", f"A.B.: {ORDER}; library 1"),
        event(4, 2000, PUMP, "transferred", "from bed 1 to bed 2, ward: recovery"),
        event(5, SWAPPED_S, OTHER, "swapped", f"from P-1/1 to P-2/1: broken; {0.3}"),
        event(6, 4500, PUMP, "begun", f"C.D.: {ORDER}; library 1"),
    ]
    if end:
        lines.append(event(7, ENDED_S, OTHER, "ended", "A.B.: no pain; given 1 mg"))
    journal = SqliteJournal.open(file, SystemClock())
    await journal.append(lines, [])
    await journal.close()


def hers(pump: PumpId, second: int) -> bool:
    """Return whether a reading is A.B.'s."""
    return BEGUN_S <= second < SWAPPED_S if pump == PUMP else SWAPPED_S <= second < ENDED_S


def recorded(file: Path) -> None:
    """Write 8,000 s of both pumps at 1 Hz; her flow is her own."""
    history = HistoryFile(file, Retention(), keep_free_bytes=0)
    for from_s in range(0, LAST_S, 500):
        history.write(
            [
                row(n, pump=pump, flow_nl_h=HERS_NL_H if hers(pump, n) else 1_000_000 + n)
                for n in range(from_s, from_s + 500)
                for pump in (PUMP, OTHER)
            ]
        )
    history.close()


def configured(directory: Path) -> Path:
    """Write the shipped configuration, with its data in ``directory``."""
    text = (SHIPPED / "pumpd.yaml").read_text().replace("../var/ward-a", "var")
    (directory / "pumpd.yaml").write_text(text)
    (directory / "drug-library.yaml").write_text((SHIPPED / "drug-library.yaml").read_text())
    return directory / "pumpd.yaml"


def trend_counts(file: Path, pump: PumpId, width_s: int) -> dict[int, tuple[int, float, float]]:
    """Return count, lowest and highest flow of each bucket from T0 on, in order."""
    reading = ReadOnlyFile(file)
    end_ms = T0_MS + LAST_S * 1000
    found = reading.ask(
        lambda db: read_trend(db, pump, CHANNEL, "flow_ml_h", T0_MS, end_ms, LAST_S // width_s), None
    )
    reading.close()
    assert found is not None
    return {(b.start_ms - T0_MS) // 1000: (b.count, b.low, b.high) for b in found.buckets}


async def test_a_patient_is_exported_and_erased_and_the_neighbours_stay(tmp_path: Path) -> None:
    """Hers come out in order from both pumps; erased, no byte of them is left and no neighbour's is gone."""
    file = configured(tmp_path)
    config = load(file)
    config.data_dir.mkdir(parents=True)
    await journalled(config.journal_file)
    recorded(config.history_file)
    before = config.journal_file.read_bytes()
    asked = ("-c", str(file), "--patient", "A.B.")
    status, said = run("history", "export", *asked, "-o", str(tmp_path / "ab.jsonl"))
    assert (status, said.count(" to ")) == (0, 2)
    told = [json.loads(text) for text in (tmp_path / "ab.jsonl").read_text().splitlines()]
    assert [(found["pump"], (found["time"] - T0_MS) // 1000) for found in told] == [
        *((PUMP, n) for n in range(BEGUN_S, SWAPPED_S)),
        *((OTHER, n) for n in range(SWAPPED_S, ENDED_S)),
    ]
    assert told[0].items() >= {"flow_ml_h": 7.654321, "dose_mg_kg_h": 0.25, "status": 1}.items()
    assert (tmp_path / "ab.jsonl").stat().st_mode & 0o077 == 0
    status, said = run("history", "erase", *asked)
    assert (status, "nothing was erased" in said) == (1, True)
    status, said = run("history", "erase", *asked, "--yes")
    assert (status, f"{ENDED_S - BEGUN_S} readings erased" in said) == (0, True)
    for pump in (PUMP, OTHER):
        for width_s in (1, 20, 500):
            expected: dict[int, list[float]] = {}
            for n in range(LAST_S):
                if not hers(pump, n):
                    expected.setdefault(n // width_s * width_s, []).append((1_000_000 + n) / 1e6)
            assert trend_counts(config.history_file, pump, width_s) == {
                start: (len(flows), min(flows), max(flows)) for start, flows in expected.items()
            }
    left = [part.read_bytes() for part in config.data_dir.glob("history.db*")]
    assert {data.count(struct.pack(">d", HERS_NL_H / 1e6)) for data in left} == {0}
    assert config.journal_file.read_bytes() == before
    assert run("history", "erase", *asked, "--yes")[0] == 1, "nothing of hers is left"


async def test_a_label_that_stands_or_stood_just_now_is_not_erased(tmp_path: Path) -> None:
    """Neither stay of a patient goes while one of them goes on; nor within ten minutes of its end."""
    file = configured(tmp_path)
    config = load(file)
    config.data_dir.mkdir(parents=True)
    await journalled(config.journal_file, end=False)
    recorded(config.history_file)
    status, said = run("history", "erase", "-c", str(file), "--patient", "A.B.", "--yes")
    assert (status, "still there" in said) == (1, True)
    assert trend_counts(config.history_file, PUMP, 500)[1500][0] == 500
    records = EmbeddedPatients(config.history_file, config.journal_file)
    (first, _) = records.stays("A.B.", 0, FOR_EVER_MS)
    with pytest.raises(StoreError, match="ended just now"):
        records.erase(first, first.until_ms + SETTLED_MS - 1)
    assert records.erase(first, first.until_ms + SETTLED_MS) == SWAPPED_S - BEGUN_S


async def test_a_running_writer_writes_on_while_a_stay_is_erased(tmp_path: Path) -> None:
    """The daemon's writer drops nothing and never fails, and goes on with its roll-ups as before."""
    recorded(tmp_path / "history.db")
    writer = SqliteHistoryWriter(tmp_path / "history.db")
    stay = Stay("A.B.", PUMP, CHANNEL, T0_MS + BEGUN_S * 1000, T0_MS + SWAPPED_S * 1000)
    records = EmbeddedPatients(tmp_path / "history.db", tmp_path / "journal.db")
    erasing = asyncio.create_task(asyncio.to_thread(records.erase, stay, FOR_EVER_MS), name="erasing")
    n = LAST_S
    while not erasing.done():
        writer.write(row(n))
        n += 1
        assert writer.status().failing == ""
        await asyncio.sleep(0.001)
    assert await erasing == SWAPPED_S - BEGUN_S
    for n in range(n, 9000):  # noqa: B020 - on from where it came
        writer.write(row(n))
    await until(lambda: writer.status().written == 9000 - LAST_S)
    assert writer.status().dropped == 0
    await writer.close()
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        for level_ms, table in list(TABLES.items())[1:]:
            sums = f"SELECT sum(flow_ml_h_n) FROM {table} WHERE source = 1"
            whole = 9000 * 1000 // level_ms * level_ms // 1000 - (level_ms == 10_000) * 10
            (count,) = db.execute(sums).fetchone()
            assert 0 <= whole - (SWAPPED_S - BEGUN_S) - count <= level_ms // 1000


async def test_where_readings_are_pruned_the_roll_ups_of_a_stay_go(tmp_path: Path) -> None:
    """What can not be parted any more goes whole, and then nothing is held."""
    recorded(tmp_path / "history.db")
    await journalled(tmp_path / "journal.db")
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as db:
        db.execute("DELETE FROM reading")
    records = EmbeddedPatients(tmp_path / "history.db", tmp_path / "journal.db", rest=lambda _: None)
    for stay in records.stays("A.B.", 0, FOR_EVER_MS):
        assert records.erase(stay, FOR_EVER_MS) == 0
    assert records.stays("A.B.", 0, FOR_EVER_MS) == []
    starts = trend_counts(tmp_path / "history.db", PUMP, 10)
    assert [at for at in starts if BEGUN_S // 10 * 10 <= at < SWAPPED_S] == []
    assert {990, 4010} <= set(starts)


def test_without_a_journal_or_a_history_the_reason_is_told(tmp_path: Path) -> None:
    """Nobody is told that a patient has no readings when that is not known."""
    records = EmbeddedPatients(tmp_path / "history.db", tmp_path / "journal.db")
    with pytest.raises(StoreError, match="there is no journal"):
        records.stays("A.B.", 0, FOR_EVER_MS)
    with pytest.raises(StoreError, match="can not be opened"):
        records.erase(Stay("A.B.", PUMP, CHANNEL, 0, 1), FOR_EVER_MS)


async def test_an_export_that_breaks_off_leaves_no_file_that_looks_whole(tmp_path, monkeypatch):
    """A database that goes away midway: the verb fails, and can be run again under the same name."""
    file, out = configured(tmp_path), tmp_path / "ab.jsonl"
    config = load(file)
    config.data_dir.mkdir(parents=True)
    await journalled(config.journal_file)
    recorded(config.history_file)
    readings = EmbeddedPatients.readings

    def breaking(self, stay):
        yield next(iter(readings(self, stay)))
        raise StoreError("the history went away")

    monkeypatch.setattr(EmbeddedPatients, "readings", breaking)
    asked = ("history", "export", "-c", str(file), "--patient", "A.B.", "-o", str(out))
    assert run(*asked)[0] == 1
    assert not out.exists()
    monkeypatch.setattr(EmbeddedPatients, "readings", readings)
    assert run(*asked)[0] == 0
    before = out.read_bytes()
    assert run(*asked)[0] == 1
    assert out.read_bytes() == before
