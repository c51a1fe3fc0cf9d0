"""The spool: what was put in is there, in order, within its size, and every reading is accounted for."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pumpd.errors import StoreError
from pumpd.store.spool import DAMAGED, DISK_LOW, SLOT_MS, SPOOL_FULL, Gathered, Spool
from pumpd.store.spool_account import read_account
from tests import proof

FOR_EVER = (0, 2**62)


def gathered(n: int, size_bytes: int = 2_000, readings: int = 10) -> Gathered:
    """Return batch ``n``: bytes that can not be packed, of minute ``n``."""
    return Gathered(random.Random(n).randbytes(size_bytes), 1, {n * SLOT_MS: readings}, pumps=[f"P-{n % 3}"])


@pytest.mark.requirement("INFLUX-2")
def test_the_oldest_goes_first_when_the_spool_is_full_and_is_counted(tmp_path: Path) -> None:
    """Of 100 batches as many as fit stay, the newest; every other is counted with the reason."""
    spool = Spool(tmp_path / "spool.db", 50_000, keep_free_bytes=0)
    for n in range(100):
        spool.add(gathered(n))
    kept = [batch.number for batch in spool.oldest(1000)]
    spool.close()
    account = read_account(tmp_path / "spool.db", *FOR_EVER)
    assert kept == list(range(kept[0], 101))
    assert 20 <= len(kept) <= 25
    assert account.read == 1000
    assert account.spooled == 10 * len(kept)
    assert account.dropped == {SPOOL_FULL: 1000 - 10 * len(kept)}
    assert account.pumps == ("P-0", "P-1", "P-2")


@pytest.mark.requirement("INFLUX-2")
def test_a_nearly_full_disk_keeps_its_rest_for_the_journal(tmp_path: Path) -> None:
    """With less free than is kept free it grows no more, and the account says why; its own space it uses."""
    path = tmp_path / "spool.db"
    spool = Spool(path, 10**9, keep_free_bytes=0)
    for n in range(10):
        spool.add(gathered(n, 20_000))
    spool.close()
    size_before = path.stat().st_size
    spool = Spool(path, 10**9, keep_free_bytes=2**60)
    assert spool.room_bytes() < 20_000
    given_up = spool.add(gathered(10, 20_000))
    assert given_up == {DISK_LOW: 10}
    assert len(spool.oldest(1000)) == 10
    spool.release()
    spool.add(gathered(11, 10**6))
    assert spool.oldest(1000) == []
    spool.close()
    assert path.stat().st_size <= size_before + 64 * 4096
    account = read_account(path, *FOR_EVER)
    assert (account.read, account.spooled, account.dropped) == (120, 0, {DISK_LOW: 120})


@pytest.mark.requirement("INFLUX-4")
def test_read_is_spooled_dropped_and_sent_whatever_happens(tmp_path: Path) -> None:
    """Adding, sending and refusing in any order, with restarts between, leaves no reading unaccounted for."""
    chance = random.Random(proof.SEED)
    path = tmp_path / "spool.db"
    spool = Spool(path, 40_000, keep_free_bytes=0)
    read = sent = refused = 0
    for n in range(proof.count("steps of a spool", small=300, full=20_000)):
        match chance.randrange(4):
            case 0 | 1:
                spool.add(gathered(n, chance.randrange(1, 6_000), readings=5))
                read += 5
            case 2:
                batches = spool.oldest(chance.randrange(1, 4))
                bad = chance.randrange(2) if batches else 0
                before = spool.waiting
                spool.sent(batches, {0: bad} if bad else {}, "refused")
                spool.release()
                sent += before - spool.waiting - bad
                refused += bad
            case _:
                spool.close()
                spool = Spool(path, 40_000, keep_free_bytes=0)
    waiting = spool.waiting
    spool.close()
    account = read_account(path, *FOR_EVER)
    assert account.read == read
    assert account.spooled == waiting
    assert account.dropped.get("refused", 0) == refused
    assert read == sent + account.spooled + sum(account.dropped.values())


@pytest.mark.requirement("INFLUX-4")
def test_what_is_on_its_way_is_not_given_up(tmp_path: Path) -> None:
    """A batch that the database may have is kept until that is known; after a failure it may go."""
    spool = Spool(tmp_path / "spool.db", 5_000, keep_free_bytes=0)
    spool.add(gathered(0))
    under_way = spool.oldest(1)
    for n in range(1, 4):
        spool.add(gathered(n))
    assert [batch.number for batch in spool.oldest(9)] == [1, 4]
    assert spool.hold(under_way)
    spool.release()
    spool.add(gathered(4))
    assert not spool.hold(under_way)
    spool.sent(under_way, {}, "")
    waiting = spool.waiting
    spool.close()
    assert waiting == read_account(tmp_path / "spool.db", *FOR_EVER).spooled == 20


def test_marks_outlive_a_restart(tmp_path: Path) -> None:
    """Where a run left off is known to the next."""
    spool = Spool(tmp_path / "spool.db", 5_000)
    assert spool.mark("journal_seq") == 0
    spool.set_mark("journal_seq", 7)
    spool.set_mark("journal_seq", 9)
    spool.close()
    spool = Spool(tmp_path / "spool.db", 5_000)
    assert spool.mark("journal_seq") == 9
    spool.close()


def test_an_account_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The reason is a sentence."""
    with pytest.raises(StoreError, match="there is no spool"):
        read_account(tmp_path / "spool.db", *FOR_EVER)


@pytest.mark.requirement("INFLUX-2")
@pytest.mark.parametrize("damaged", [0, 3, 9])
def test_a_batch_that_the_disk_damaged_holds_up_nothing_and_is_counted(tmp_path: Path, damaged: int) -> None:
    """One flipped bit in what waits: that batch is given up with its reason, the others go on in order."""
    path = tmp_path / "spool.db"
    with closing(Spool(path, 10**9, keep_free_bytes=0)) as spool:
        for n in range(10):
            spool.add(gathered(n))
    with closing(sqlite3.connect(path)) as db:
        (packed,) = db.execute("SELECT lines FROM batch WHERE id = ?", (damaged + 1,)).fetchone()
        flipped = packed[:900] + bytes([packed[900] ^ 1]) + packed[901:]
        db.execute("UPDATE batch SET lines = ? WHERE id = ?", (flipped, damaged + 1))
        db.commit()
    with closing(Spool(path, 10**9, keep_free_bytes=0)) as spool:
        waits = spool.oldest(1000)
        assert [batch.number for batch in waits] == [n + 1 for n in range(10) if n != damaged]
        assert (spool.damaged, spool.waiting) == (10, 90)
        assert spool.hold(waits)
        assert spool.sent(waits, {}, "") == 90
    account = read_account(path, *FOR_EVER)
    assert (account.read, account.spooled, account.dropped) == (100, 0, {DAMAGED: 10})
