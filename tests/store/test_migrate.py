"""A database of an older version is brought up step by step; one of a newer version is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.errors import StoreError
from pumpd.store.journal import SqliteJournal
from pumpd.store.migrate import migrate, schema_steps

STEPS = {
    1: "CREATE TABLE pump (name TEXT);",
    2: "ALTER TABLE pump ADD COLUMN bed TEXT NOT NULL DEFAULT '';",
    3: "CREATE INDEX by_bed ON pump (bed);",
}


@pytest.mark.parametrize("old", [1, 2, 3])
def test_an_old_file_keeps_its_rows(tmp_path: Path, old: int) -> None:
    """From each version the newest is reached, with what was stored."""
    db = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    migrate(db, {number: sql for number, sql in STEPS.items() if number <= old}, "x.db")
    db.execute("INSERT INTO pump (name) VALUES ('P-1')")
    assert migrate(db, STEPS, "x.db") == 3
    assert migrate(db, STEPS, "x.db") == 3
    assert db.execute("SELECT name, bed FROM pump INDEXED BY by_bed WHERE bed = ''").fetchall() == [
        ("P-1", "")
    ]
    db.close()


def test_a_step_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    """A step is applied whole or not at all."""
    db = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    broken = {**STEPS, 2: "CREATE TABLE half (x); CREATE TABLE pump (y);"}
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, broken, "x.db")
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("pump",)]
    assert migrate(db, STEPS, "x.db") == 3
    db.close()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """A journal written by a newer pumpd is refused with what to do, and stays as it is."""
    path = tmp_path / "journal.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="version 99"):
        SqliteJournal.open(path, SystemClock())
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_schema").fetchall() == []
    db.close()
    assert len(path.read_bytes()) == len(before)


def test_a_broken_journal_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A file that is no database is a StoreError that names it; the lock is let go."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database" * 500)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"journal\.db: .* move the file away"):
            SqliteJournal.open(path, SystemClock())


@pytest.mark.parametrize("name", ["journal", "history"])
def test_schema_steps_count_from_one(name: str) -> None:
    """The shipped steps are there and numbered without a gap."""
    assert sorted(schema_steps(name)) == list(range(1, len(schema_steps(name)) + 1))
    assert schema_steps(name)
