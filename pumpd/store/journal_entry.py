"""One append to the journal: ready to be bound, and written whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pumpd.store.base import Durable, Head, NewLine
from pumpd.store.durables import durable_text
from pumpd.store.journal_chain import follow

COMMANDS_KEPT = 20_000
"""Ids of commands that are remembered; the contract asks for 10,000."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Return ``at`` (aware) as whole microseconds since 1970, exact."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(at_us: int) -> datetime:
    """Return the time ``at_us`` microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


@dataclass(frozen=True, slots=True)
class Entry:
    """One call of ``append``, ready to be bound: it is written whole or not at all."""

    lines: tuple[tuple[str, int, str, str | None, str | None, str], ...]
    """event_id, at_us, kind, pump, channel, payload."""
    durables: tuple[tuple[str, str, str], ...]
    """pump, channel, body."""
    command_id: str | None
    taken_ns: int
    """Monotonic time of the call."""

    @staticmethod
    def of(
        lines: Sequence[NewLine], durables: Sequence[Durable], command_id: str | None, taken_ns: int
    ) -> Entry:
        """Return the entry; what can not be written raises TypeError here, at the caller."""
        return Entry(
            tuple(
                (
                    _storable(line.event_id),
                    microseconds(line.at),
                    line.kind,
                    line.pump,
                    line.channel,
                    _storable(line.payload),
                )
                for line in lines
            ),
            tuple((each.pump or "", each.channel or "", _storable(durable_text(each))) for each in durables),
            None if command_id is None else _storable(command_id),
            taken_ns,
        )


def write_entry(
    db: sqlite3.Connection, entry: Entry, now_ms: int, head: Head
) -> tuple[tuple[int, ...], Head]:
    """Write ``entry`` after ``head`` within a transaction; return its lines' numbers and the new head.

    An entry whose lines are all there already changes nothing.
    """
    numbers: list[int] = []
    fresh = not entry.lines
    for line in entry.lines:
        event_id, at_us, *rest = line
        chained = (head.seq + 1, event_id, at_us, now_ms, *rest)
        new = Head(head.seq + 1, follow(head.hash, chained))
        cursor = db.execute(
            "INSERT INTO line (seq, event_id, at_us, committed_ms, kind, pump, channel, payload, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING",
            (*chained, new.hash),
        )
        if cursor.rowcount:
            fresh = True
            head = new
            numbers.append(new.seq)
        else:
            (seq,) = db.execute("SELECT seq FROM line WHERE event_id = ?", (event_id,)).fetchone()
            numbers.append(seq)
    if not fresh:
        return tuple(numbers), head
    for durable in entry.durables:
        db.execute(
            "INSERT INTO durable (pump, channel, body) VALUES (?, ?, ?)"
            " ON CONFLICT (pump, channel) DO UPDATE SET body = excluded.body",
            durable,
        )
    if entry.command_id is not None:
        db.execute("INSERT INTO command (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (entry.command_id,))
        db.execute("DELETE FROM command WHERE n <= (SELECT max(n) FROM command) - ?", (COMMANDS_KEPT,))
    return tuple(numbers), head


def _storable(text: str) -> str:
    """Return ``text`` with lone surrogates as JSON escapes: a garbled reply must not block the journal."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
