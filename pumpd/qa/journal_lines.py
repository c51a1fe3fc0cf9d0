"""What really is on disk: the lines of a journal, read from the file beside the daemon that writes it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pumpd.qa.record import Channel

Change = tuple[Channel | None, str, int, str]


@dataclass(frozen=True, slots=True)
class LastChange:
    """How an alarm was left by its last line."""

    revision: int
    signal: str
    priority: str


class JournalLines:
    """Reads what was added since the last look, when it is asked for something that it does not know."""

    def __init__(self, file: Path) -> None:
        """Make it; the file may come later."""
        self._file = file
        self._db: sqlite3.Connection | None = None
        self._seq = 0
        self._ids: set[str] = set()
        self._changes: set[Change] = set()
        self._last: dict[tuple[Channel | None, str], LastChange] = {}

    def has_event(self, event_id: str) -> bool:
        """Return whether a line with this id is there."""
        return event_id in self._ids or (self._read() and event_id in self._ids)

    def has_change(self, change: Change) -> bool:
        """Return whether a line says so: whose, condition, revision and signal."""
        return change in self._changes or (self._read() and change in self._changes)

    def last(self) -> dict[tuple[Channel | None, str], LastChange]:
        """Return how every alarm was left."""
        self._read()
        return dict(self._last)

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _read(self) -> bool:
        """Read what is new; False when nothing is."""
        if self._db is None:
            if not self._file.exists():
                return False
            self._db = sqlite3.connect(f"{self._file.resolve().as_uri()}?mode=ro", uri=True)
        asked = "SELECT seq, event_id, pump, channel, payload FROM line WHERE seq > ? ORDER BY seq"
        rows = self._db.execute(asked, (self._seq,)).fetchall()
        for seq, event_id, pump, channel, payload in rows:
            self._seq = seq
            self._ids.add(event_id)
            alarm = json.loads(payload)["alarm"]
            if alarm is not None:
                whose = None if pump is None else (pump, channel)
                left = LastChange(alarm["revision"], alarm["signal"], alarm["priority"])
                self._changes.add((whose, alarm["condition"], left.revision, left.signal))
                self._last[whose, alarm["condition"]] = left
        return bool(rows)
