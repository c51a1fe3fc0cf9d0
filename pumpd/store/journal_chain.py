"""The journal's chain of hashes: each line carries the hash of itself and of all before it.

Whoever knows a head (a line's number and hash) can tell whether anything up to that line was changed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pumpd.store.base import Head

GENESIS = hashlib.sha256(b"pumpd journal, chain 1").hexdigest()
"""What the first line follows."""


class ChainedLine(NamedTuple):
    """One line as it stands in the file."""

    seq: int
    event_id: str
    at_us: int
    committed_ms: int
    kind: str
    pump: str | None
    channel: str | None
    payload: str
    hash: str


COLUMNS = ", ".join(ChainedLine._fields)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a journal is not what was written."""

    seq: int
    what: str
    """``altered``, ``missing``, ``inserted``, ``reordered``, ``cut`` or ``rewritten``."""
    words: str
    """For a person: what, where, and what follows from it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at every line found."""

    head: Head
    """The last line that follows from all before it; of a chain made anew, the last one that was noted so."""
    broken: Broken | None


def follow(before: str, line: Sequence[object]) -> str:
    """Return the hash, in hex, of ``line`` (the fields of ChainedLine but the hash) after ``before``."""
    text = json.dumps([before, *line], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def head_of(db: sqlite3.Connection) -> Head:
    """Return the journal's last line."""
    row = db.execute("SELECT seq, hash FROM line ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(0, GENESIS) if row is None else Head(*row)


def chain_older_lines(db: sqlite3.Connection) -> None:
    """Give lines that were written before there was a chain their hashes, in one transaction.

    The chain vouches for them from then on, not for what was done to them before.
    """
    (count,) = db.execute("SELECT count(*) FROM line WHERE hash = ''").fetchone()
    (chained,) = db.execute("SELECT count(*) FROM line WHERE hash != ''").fetchone()
    if count == 0 or chained:
        return  # an empty hash beside others is damage, for ``verify`` to tell
    db.execute("BEGIN IMMEDIATE")
    before = GENESIS
    for row in db.execute(f"SELECT {COLUMNS} FROM line ORDER BY seq").fetchall():  # noqa: S608 - a constant
        before = follow(before, row[:-1])
        db.execute("UPDATE line SET hash = ? WHERE seq = ?", (before, row[0]))
    db.execute("COMMIT")


def verify(
    lines: Iterable[ChainedLine], known: Sequence[Head] = (), tell: Callable[[int], None] = lambda _done: None
) -> Verdict:
    """Return whether ``lines`` (all, by number) are as they were written; ``tell`` hears of progress.

    ``known`` are heads noted elsewhere, such as in the node's status or syslog: only with one of them does a
    tail that was cut, or a chain that was made anew as a whole, show.
    """
    head = vouched = Head(0, GENESIS)
    noted = {each.seq: each.hash for each in known}
    left = iter(lines)
    for line in left:
        if line.seq != head.seq + 1 or line.hash != follow(head.hash, line[:-1]):
            return Verdict(head, _broken_at([line, *left], head))
        head = Head(line.seq, line.hash)
        if noted.get(head.seq, head.hash) != head.hash:
            words = (
                f"line {head.seq} follows from those before it, but its hash is not the one that was noted: "
                "it or a line before it was changed, and the chain made anew"
            )
            return Verdict(vouched, Broken(head.seq, "rewritten", words))
        if head.seq in noted:
            vouched = head
        tell(head.seq)
    last = max(noted, default=0)
    if last > head.seq:
        words = f"the journal ends at line {head.seq}, but line {last} was noted: what lay between was cut"
        return Verdict(head, Broken(head.seq + 1, "cut", words))
    return Verdict(head, None)


def _broken_at(rest: Sequence[ChainedLine], head: Head) -> Broken:
    """Say what was done where ``rest`` does not follow ``head``."""
    wanted, line = head.seq + 1, rest[0]
    name = f"line {line.seq} ({line.event_id})"
    if line.seq > wanted:
        last = line.seq - 1
        gap = f"line {wanted} is" if last == wanted else f"lines {wanted} to {last} are"
        return Broken(wanted, "missing", f"{gap} missing; the next one there is line {line.seq}")
    if line.seq < wanted:
        return Broken(line.seq, "inserted", f"{name} was inserted: lines are numbered from 1")
    hashes = {each.hash for each in rest}
    place = next((n for n, each in enumerate(rest) if _fits(head, each, hashes)), 0)
    if place:
        after = Head(wanted, follow(head.hash, (wanted, *rest[place][1:-1])))
        if place == 1 and not _fits(after, line, hashes):
            return Broken(wanted, "inserted", f"{name} was inserted: what stands after it follows without it")
        words = f"lines were reordered: what was line {wanted} stands at {rest[place].seq}"
        return Broken(wanted, "reordered", words)
    pairs = list(pairwise(rest[:3]))
    if pairs and all(new.hash == follow(old.hash, (new.seq + 1, *new[1:-1])) for old, new in pairs):
        words = f"line {wanted} is missing, and those after it were numbered anew"
        return Broken(wanted, "missing", words)
    return Broken(wanted, "altered", f"{name} was altered, or written by something else than pumpd")


def _fits(head: Head, line: ChainedLine, hashes: set[str]) -> bool:
    """Return whether ``line``, numbered anew, is what was written after ``head``."""
    return follow(head.hash, (head.seq + 1, *line[1:-1])) in hashes
