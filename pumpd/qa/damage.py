"""What a failing disk does to a journal: what is kept of one channel can not be read any more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def damage_record(journal: Path, pump: str, channel: str) -> None:
    """Put an end in the middle of what ``journal`` keeps of that channel; ValueError when it keeps nothing.

    A daemon that runs has read it before, and writes it anew at the next change.
    """
    with closing(sqlite3.connect(journal)) as db, db:
        halved = "UPDATE durable SET body = substr(body, 1, length(body) / 2) WHERE pump = ? AND channel = ?"
        if not db.execute(halved, (pump, channel)).rowcount:
            raise ValueError(f"{journal} keeps nothing of {pump}/{channel}")
