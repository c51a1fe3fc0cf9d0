"""The journal's chain: whatever is done to any line shows, and where."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import StoreError
from pumpd.store.audit import verify_file
from pumpd.store.base import Head
from pumpd.store.journal_chain import GENESIS, ChainedLine, follow, verify
from pumpd.store.journal_inline import InlineJournal
from pumpd.store.migrate import migrate, schema_steps
from tests import proof
from tests.store.lines import SetClock, durable, line

pytestmark = pytest.mark.requirement("AUDIT-1")


def chained(count: int) -> list[ChainedLine]:
    """Return a good journal of ``count`` different lines."""
    lines: list[ChainedLine] = []
    before = GENESIS
    for seq in range(1, count + 1):
        pump = None if seq % 3 == 0 else f"P-{seq}"
        rest = (seq, f"boot-{seq}", seq * 1000, seq + 7, "alarm", pump, "1", f'{{"text":"{seq} é 患者"}}')
        before = follow(before, rest)
        lines.append(ChainedLine(*rest, before))
    return lines


def numbered(lines: list[ChainedLine]) -> list[ChainedLine]:
    """Number lines anew, as somebody would who hides a gap."""
    return [each._replace(seq=n) for n, each in enumerate(lines, 1)]


def found(lines: list[ChainedLine], *known: Head) -> tuple[int, str] | None:
    """Return what is told of ``lines``: where and what."""
    broken = verify(lines, known).broken
    return None if broken is None else (broken.seq, broken.what)


def head(lines: list[ChainedLine]) -> Head:
    """Return the last line of ``lines``."""
    return Head(lines[-1].seq, lines[-1].hash)


def test_a_good_journal_is_good() -> None:
    """A journal as it was written verifies, also an empty one, and against each of its heads."""
    lines = chained(20)
    assert verify([]).head == Head(0, GENESIS)
    verdict = verify(lines, [head(lines[:n]) for n in range(1, 21)])
    assert verdict.broken is None
    assert verdict.head == head(lines)


@proof.examples("journal: one changed character of one field of one line", small=200, full=20_000)
@given(st.data())
def test_any_byte_of_any_line(data: st.DataObject) -> None:
    """One changed character of any field of any line, its hash among them, is told at that line."""
    lines = chained(12)
    at = data.draw(st.integers(0, 11))
    name = data.draw(st.sampled_from([f for f in ChainedLine._fields if f != "seq"]))
    old = getattr(lines[at], name)
    if isinstance(old, str) and old:
        place = data.draw(st.integers(0, len(old) - 1))
        letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != old[place]))
        new: object = old[:place] + letter + old[place + 1 :]
    elif isinstance(old, int):
        new = old ^ (1 << data.draw(st.integers(0, 40)))
    else:
        new = data.draw(st.text(max_size=3))
    fields = {**lines[at]._asdict(), name: new}
    lines[at] = ChainedLine(**fields)
    assert found(lines) == (at + 1, "altered")


@pytest.mark.parametrize("at", range(12))
def test_a_removed_line(at: int) -> None:
    """A removed line is missing at its number, also when those after it are numbered anew; at the end it is
    cut, which only a known head tells."""
    lines = chained(12)
    known = head(lines)
    left = lines[:at] + lines[at + 1 :]
    if at == 11:
        assert found(left) is None
        assert found(left, known) == (12, "cut")
        return
    assert found(left) == (at + 1, "missing")
    assert found(numbered(left)) == (at + 1, "altered" if at == 10 else "missing")


@pytest.mark.parametrize("at", range(12))
def test_an_inserted_line(at: int) -> None:
    """A line put in front of another, with all after it numbered anew, is inserted."""
    lines = chained(12)
    foreign = lines[3]._replace(event_id="forged-1", payload="{}")
    assert found(numbered([*lines[:at], foreign, *lines[at:]])) == (at + 1, "inserted")


def test_a_line_in_front_of_the_first() -> None:
    """A line numbered 0 is inserted."""
    assert found([chained(1)[0]._replace(seq=0), *chained(3)]) == (0, "inserted")


@pytest.mark.parametrize("with_hash", [True, False])
def test_reordered_lines(with_hash: bool) -> None:
    """Any two lines that changed places, with their hashes or without, are told at the first of them."""
    for one in range(12):
        for other in range(one + 1, 12):
            lines = chained(12)
            a, b = lines[one], lines[other]
            lines[one] = b._replace(seq=a.seq, hash=b.hash if with_hash else a.hash)
            lines[other] = a._replace(seq=b.seq, hash=a.hash if with_hash else b.hash)
            assert found(lines) == (one + 1, "reordered"), (one, other)


def test_a_chain_made_anew_shows_against_a_known_head() -> None:
    """Who alters a line and makes the whole chain anew is found by a head that was noted before."""
    lines = chained(12)
    known = head(lines[:9])
    before = GENESIS
    for n, each in enumerate(lines):
        changed = each._replace(payload="{}") if n == 4 else each
        before = follow(before, changed[:-1])
        lines[n] = changed._replace(hash=before)
    assert found(lines) is None
    assert found(lines, known) == (9, "rewritten")


@pytest.mark.parametrize(("noted", "whole"), [((9,), 0), ((3, 9), 3), ((3, 4, 9), 4), ((6,), 0)])
def test_of_a_chain_made_anew_only_what_was_noted_counts_as_written(noted: tuple[int, ...], whole: int):
    """Line 5 was altered and the rest chained anew: lines up to the last head that fits are vouched for."""
    lines = chained(12)
    known = [head(lines[:n]) for n in noted]
    before = lines[3].hash
    for n in range(4, 12):
        changed = lines[n]._replace(payload="{}") if n == 4 else lines[n]
        before = follow(before, changed[:-1])
        lines[n] = changed._replace(hash=before)
    verdict = verify(lines, known)
    assert verdict.broken is not None
    assert (verdict.broken.what, verdict.head.seq) == ("rewritten", whole)


async def test_a_journal_that_was_emptied_or_lost_its_chain_shows_against_a_known_head(
    tmp_path: Path,
) -> None:
    """Nobody is told to start pumpd on it, which would chain anew what somebody else wrote."""
    path = tmp_path / "journal.db"
    journal = InlineJournal.open(path, SetClock())
    await journal.append([line(1), line(2)], [])
    known = [journal.head]
    await journal.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")
    broken = verify_file(path, known).broken
    assert broken is not None
    assert (broken.seq, broken.what) == (1, "cut")
    path.write_bytes(b"")
    broken = verify_file(path, known).broken
    assert broken is not None
    assert (broken.seq, broken.what) == (1, "cut")
    with pytest.raises(StoreError, match="it is empty: nothing was ever written to it, or all was cut"):
        verify_file(path, [])


async def test_the_file_is_chained_as_it_is_written(tmp_path: Path) -> None:
    """What journals write verifies after restarts, with each head; an edit by SQL does not."""
    path = tmp_path / "journal.db"
    heads: list[Head] = []
    for boot in range(3):
        journal = InlineJournal.open(path, SetClock())
        for n in range(5):
            await journal.append([line(f"{boot}-{n}"), line(f"{boot}-{n}b")], [durable(n)])
            await journal.append([line(f"{boot}-{n}")], [])  # the same again changes nothing
            heads.append(journal.head)
        assert verify_file(path, heads).broken is None, "read while it is written"
        await journal.close()
    verdict = verify_file(path, heads)
    assert (verdict.head, verdict.broken) == (heads[-1], None)
    assert [each.seq for each in heads] == list(range(2, 31, 2))
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE line SET payload = replace(payload, 'boot', 'root') WHERE seq = 17")
        db.commit()
    broken = verify_file(path, []).broken
    assert broken is not None
    assert (broken.seq, broken.what) == (17, "altered")


async def test_lines_from_before_there_was_a_chain(tmp_path: Path) -> None:
    """A journal of the first schema is chained when it is opened, and refused with what to do before."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, {1: schema_steps("journal")[1]}, "journal.db")
        rows = [(n, f"old-{n}", n, n, "alarm", None, None, "{}") for n in range(1, 4)]
        db.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    with pytest.raises(StoreError, match="start this pumpd on it once"):
        verify_file(path, [])
    journal = InlineJournal.open(path, SetClock())
    assert journal.head.seq == 3
    assert await journal.append([line(1)], []) == (4,)
    await journal.close()
    verdict = verify_file(path, [])
    assert (verdict.head.seq, verdict.broken) == (4, None)


def test_what_is_no_journal(tmp_path: Path) -> None:
    """A file that is not there or not a database is told in words."""
    with pytest.raises(StoreError, match="there is no such journal"):
        verify_file(tmp_path / "journal.db", [])
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough to look at" * 9)
    with pytest.raises(StoreError, match="can not be read"):
        verify_file(tmp_path / "x.db", [])


@pytest.mark.parametrize("store", ["history", "people", "spool"])
def test_another_store_is_no_journal(tmp_path: Path, store: str) -> None:
    """Whoever names the wrong file of a data directory is told so, also beside a head that was noted."""
    path = tmp_path / f"{store}.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, schema_steps(store), path.name)
    for known in ([], [Head(3, "a" * 64)]):
        with pytest.raises(StoreError, match=r"this is no journal; name the journal\.db"):
            verify_file(path, known)
