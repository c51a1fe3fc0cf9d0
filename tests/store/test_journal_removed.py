"""Somebody removes the journal while it is open: nothing that was confirmed, or is written later, is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.errors import StoreError, StoreTakenError
from pumpd.store.journal import SqliteJournal
from tests.store.lines import durable, line

pytestmark = [pytest.mark.requirement("INV-4"), pytest.mark.real]


def _remove_file(path: Path) -> None:
    path.unlink()


def _remove_directory(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("remove", [_remove_file, _remove_directory])
async def test_a_removed_journal_is_written_anew(remove, tmp_path: Path) -> None:
    """All lines and durables, from before and after, are in the new file, numbered on; it stays taken."""
    path = tmp_path / "data" / "journal.db"
    journal = SqliteJournal.open(path, SystemClock())
    assert await journal.append([line(1), line(2)], [durable(1)], "command-1") == (1, 2)
    remove(path)
    assert await journal.append([line(3)], []) == (3,)
    with pytest.raises(StoreTakenError):
        SqliteJournal.open(path, SystemClock())
    assert [found.seq for found in await journal.recent(0)] == [1, 2, 3]
    remove(path)
    assert [found.seq for found in await journal.recent(0)] == [1, 2, 3]
    await journal.close()
    again = SqliteJournal.open(path, SystemClock())
    assert again.restored.last_seq == 3
    assert again.restored.durables == (durable(1),)
    assert again.command_seen("command-1")
    await again.close()


async def test_a_journal_that_another_took_the_place_of_is_told(tmp_path: Path) -> None:
    """Nothing is confirmed into a file that nobody would find, nor written over what somebody put there."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path, SystemClock())
    await journal.append([line(1)], [])
    path.rename(tmp_path / "away.db")
    path.write_bytes(b"a backup")
    with pytest.raises(StoreError, match="another file was put in the journal's place"):
        await journal.append([line(2)], [])
    assert path.read_bytes() == b"a backup"
    path.unlink()
    assert await journal.append([line(3)], []) == (3,)
    await journal.close()
