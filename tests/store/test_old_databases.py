"""What earlier pumpds stored is there with the present one; what a later one stored is left alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError
from pumpd.store.audit import verify_file
from pumpd.store.history_file import HistoryFile, Retention
from pumpd.store.journal_entry import Entry
from pumpd.store.journal_file import JournalFile
from pumpd.store.migrate import schema_steps
from pumpd.store.reader import SqliteHistoryReader
from pumpd.store.spool import Spool
from pumpd.store.spool_account import read_account
from tests import proof
from tests.store import old
from tests.store.lines import T0_MS, durable, line
from tests.store.readings import row

pytestmark = pytest.mark.requirement("HIST-4")
ROOT = Path(__file__).parents[2]
STORES: dict[str, Callable[[Path], object]] = {
    "journal": JournalFile.open,
    "history": lambda path: HistoryFile(path, Retention()),
    "spool": lambda path: Spool(path, 2**20, keep_free_bytes=0),
}
JOURNALS = [name for name in old.NAMES if name.startswith("journal")]


def test_a_database_of_every_schema_is_stored() -> None:
    """Whoever adds a step to a schema finds the version before among the stored ones, and stores his own."""
    assert {old.store_of(name) for name in old.NAMES} == {
        (store, number) for store in STORES for number in schema_steps(store)
    }


@pytest.mark.parametrize("name", JOURNALS)
def test_an_old_journal_goes_on(tmp_path: Path, name: str) -> None:
    """Lines, alarms with names, restraints, commands and the outbox's place; the chain vouches for all."""
    path = old.make(name, tmp_path / "journal.db")
    file = JournalFile.open(path)
    restored = file.load()
    assert (restored.last_seq, restored.unreadable) == (13, ())
    assert [line.seq for line in restored.unsent] == [10, 11, 12, 13]
    assert file.commands() == [f"command-{n}" for n in range(1, 13)]
    states = {one.pump: one for one in restored.durables}
    assert set(states) == {None, PumpId("P-1")}
    state = states[PumpId("P-1")]
    alarm, other = state.alarms[ConditionId.OVER_HARD], state.alarms[ConditionId.OCCLUSION]
    assert (alarm.signal, alarm.revision, alarm.acknowledged_by) == (
        AlarmSignal.ACKNOWLEDGED,
        12,
        "Nurse Özil",
    )
    assert other.signal is AlarmSignal.LATCHED
    assert state.restraints[ConditionId.OVER_HARD].flow.nl_per_h == 12_500_000
    file.write([Entry.of([line(14)], [durable(14)], "command-14", 0)], 0, T0_MS)
    file.close()
    verdict = verify_file(path, [])
    assert (verdict.head.seq, verdict.broken) == (14, None)


@pytest.mark.parametrize("name", [name for name in old.NAMES if name.startswith("history")])
async def test_an_old_history_goes_on(tmp_path: Path, name: str) -> None:
    """Readings and roll-ups of then and now stand in one trend."""
    path = old.make(name, tmp_path / "history.db")
    file = HistoryFile(path, Retention())
    assert file.write([row(n) for n in range(91, 200)]) == 109
    file.close()
    reader = SqliteHistoryReader(path, tmp_path / "journal.db")
    try:
        end_ms = T0_MS + 1_000_000
        trend = await reader.trend(PumpId("P-1"), ChannelId("1"), "flow_ml_h", T0_MS, end_ms, 10)
    finally:
        await reader.close()
    assert sum(bucket.count for bucket in trend.buckets) == 199
    assert {bucket.mean for bucket in trend.buckets} == {10.0}


@pytest.mark.parametrize("name", [name for name in old.NAMES if name.startswith("spool")])
def test_an_old_spool_goes_on(tmp_path: Path, name: str) -> None:
    """What waited is still to be sent, in order, and the account is what it was."""
    path = old.make(name, tmp_path / "spool.db")
    spool = Spool(path, 2**20, keep_free_bytes=0)
    assert (spool.waiting, spool.mark("era")) == (2, 3)
    batches = spool.oldest(10)
    assert [batch.lines[-3:] for batch in batches] == [b" 1\n", b" 2\n"]
    spool.sent(batches, {}, "")
    spool.close()
    account = read_account(path, 0, T0_MS + 60_000)
    assert (account.read, account.spooled, dict(account.dropped)) == (4, 0, {"the buffer is full": 2})


@pytest.mark.parametrize("store", sorted(STORES))
def test_a_newer_database_is_refused_in_words(tmp_path: Path, store: str) -> None:
    """The words name both versions and what to do; not a byte of the file changes."""
    newest = max(schema_steps(store))
    path = old.make(
        next(n for n in old.NAMES if old.store_of(n) == (store, newest)), tmp_path / f"{store}.db"
    )
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")  # as every store leaves it
        db.execute(f"PRAGMA user_version = {newest + 1}")
    before = path.read_bytes()
    words = f"version {newest + 1}, this program knows {newest}; use the newer pumpd"
    with pytest.raises(StoreError, match=words):
        STORES[store](path)
    assert path.read_bytes() == before


def long_journal(path: Path) -> None:
    """Make a journal of the first schema whose migration takes a while."""
    old.make("journal_0001_first", path)
    with closing(sqlite3.connect(path)) as db:
        (payload,) = db.execute("SELECT payload FROM line WHERE seq = 1").fetchone()
        db.executemany(
            "INSERT INTO line VALUES (?, ?, 1, 1, 'alarm', 'P-1', '1', ?)",
            [(n, f"boot-{n}", payload) for n in range(14, 3001)],
        )
        db.commit()


@pytest.mark.real
@pytest.mark.timeout(1200)
def test_a_migration_that_is_killed_is_whole_or_not_begun(tmp_path: Path) -> None:
    """At seeded moments: the schema is its number's, all lines hashed or none; the next start ends it."""
    kills = proof.count("migrations killed with -9", small=15, full=300)
    chance = random.Random(proof.SEED)
    long_journal(tmp_path / "old.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.migrating"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    ends = {"not begun": 0, "schema only": 0, "whole": 0}
    took_s = 0.0
    try:
        for number in range(kills + 1):
            path = tmp_path / str(number) / "journal.db"
            path.parent.mkdir()
            shutil.copyfile(tmp_path / "old.db", path)
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            began_s = time.perf_counter()
            if number:  # the first one runs to its end, to see how long it takes
                time.sleep(chance.uniform(0, took_s))  # the moment of the kill, not a wait for anything
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "over\n"
            took_s = took_s or time.perf_counter() - began_s
            with closing(sqlite3.connect(path)) as db:
                (version,) = db.execute("PRAGMA user_version").fetchone()
                columns = {name for _, name, *_ in db.execute("PRAGMA table_info(line)")}
                assert ("hash" in columns) is (version == 2)
                hashed = 0
                if version == 2:
                    (hashed,) = db.execute("SELECT count(*) FROM line WHERE hash != ''").fetchone()
                assert hashed in {0, 3000}
            ends["whole" if hashed else "schema only" if version == 2 else "not begun"] += 1
            JournalFile.open(path).close()
            assert verify_file(path, []).head.seq == 3000
            shutil.rmtree(path.parent)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
    print(f"{kills} kills: {ends}")
    assert ends["not begun"] > 0
