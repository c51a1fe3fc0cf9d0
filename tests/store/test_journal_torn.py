"""A write-ahead log cut anywhere, as a power cut may leave it, opens with a prefix of the transactions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.store.journal import SqliteJournal
from pumpd.store.journal_file import JournalFile
from tests import proof
from tests.store.lines import SetClock, durable, line

pytestmark = pytest.mark.requirement("INV-4", "HIST-3")
TRANSACTIONS = 4


async def _written(directory: Path) -> tuple[bytes, bytes, list[int]]:
    """Return database, log, and the log's length after each confirmed transaction."""
    path = directory / "journal.db"
    journal = SqliteJournal.open(path, SetClock())
    log = directory / "journal.db-wal"
    lengths = []
    for n in range(1, TRANSACTIONS + 1):
        await journal.append([line(n)], [durable(n)])
        lengths.append(log.stat().st_size)
    database, logged = path.read_bytes(), log.read_bytes()
    await journal.close()
    assert len(logged) == lengths[-1]
    return database, logged, lengths


@pytest.mark.parametrize("tail", ["cut", "zeros", "garbage"])
async def test_log_torn_at_any_byte(tmp_path: Path, tail: str, seeded: random.Random) -> None:
    """Every transaction that lies whole before the tear is there, nothing behind it, none in part."""
    database, logged, lengths = await _written(tmp_path / "whole")
    count = proof.count(f"bytes at which the log is torn ({tail})", small=150, full=len(logged) + 1)
    near_ends = [length + offset for length in lengths for offset in (-1, 0) if length + offset >= 0]
    places = sorted({*near_ends, 0, *seeded.sample(range(len(logged) + 1), count - len(near_ends) - 1)})
    if proof.FULL:
        places = list(range(len(logged) + 1))
    path = tmp_path / "torn" / "journal.db"
    path.parent.mkdir()
    for place in places:
        lost = len(logged) - place
        end = {"cut": b"", "zeros": bytes(lost), "garbage": seeded.randbytes(lost)}[tail]
        # A byte that was 0 is whole after zeros, too.
        torn = logged[:place] + end
        whole = sum(torn[:length] == logged[:length] for length in lengths)
        path.write_bytes(database)
        path.with_name("journal.db-wal").write_bytes(torn)
        path.with_name("journal.db-shm").unlink(missing_ok=True)
        file = JournalFile.open(path)
        restored = file.load()
        assert [each.event_id for each in restored.unsent] == [f"boot-{n}" for n in range(1, whole + 1)]
        assert [each.alarms[ConditionId.OVER_HARD].revision for each in restored.durables] == [whole][:whole]
        assert file.write([], 0, 0) == [], "it can be written again"
        file.close()
