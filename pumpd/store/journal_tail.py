"""The journal's lines for the history database, read from the journal's own file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pumpd.store.line_protocol import LineWriter
from pumpd.store.reader import ReadOnlyFile

LINES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TailLine:
    """One line of the journal as it is sent."""

    sequence: int
    line: bytes


class JournalTail:
    """Reads what was journalled; used by one thread. Needs no place in the spool: the journal keeps it."""

    def __init__(self, journal: Path, writer: LineWriter) -> None:
        self._file = ReadOnlyFile(journal)
        self._writer = writer

    def read(self, seq: int) -> Sequence[TailLine]:
        """Return the lines after ``seq`` in order; none without a journal, StoreError when unreadable."""

        def question(db: sqlite3.Connection) -> Sequence[TailLine]:
            rows = db.execute(
                "SELECT seq, at_us, kind, payload FROM line WHERE seq > ? ORDER BY seq LIMIT ?",
                (seq, LINES_AT_ONCE),
            ).fetchall()
            return [
                TailLine(seq, self._writer.journal(seq, at_us, kind, payload).encode())
                for seq, at_us, kind, payload in rows
            ]

        return self._file.ask(question, ())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
