"""What a dead daemon left on the disk, read without pumpd."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """What the journal of a dead daemon holds, read without pumpd."""

    lines: dict[str, tuple[int, dict[str, Any]]]
    commands: set[str]

    @classmethod
    def read(cls, file: Path) -> Kept:
        """Read it as it lies on the disk, write-ahead log included."""
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            rows = db.execute("SELECT event_id, seq, payload FROM line ORDER BY seq").fetchall()
            commands = {row[0] for row in db.execute("SELECT id FROM command").fetchall()}
        finally:
            db.close()
        return cls({row[0]: (row[1], json.loads(row[2])) for row in rows}, commands)


def broken_threads(kept: Kept) -> Iterator[str]:
    """Yield every transition that does not begin where the one before it, maybe of an earlier run, ended."""
    signals: dict[tuple[str | None, str], str] = {}
    for seq, payload in kept.lines.values():
        alarm = payload["alarm"]
        if alarm:
            key = (payload["pump"], alarm["condition"])
            if signals.get(key, "off") != payload["before"]:
                yield f"line {seq}: {key} was {signals.get(key, 'off')}, but begins at {payload['before']}"
            signals[key] = alarm["signal"]
