"""Databases as earlier pumpds wrote them, each with the schema of its name; none is ever changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = sorted(file.stem for file in FOLDER.glob("*.sql"))


def store_of(name: str) -> tuple[str, int]:
    """Return which store a file is of, and its schema's number."""
    store, number, *_ = name.split("_")
    return store, int(number)


def make(name: str, path: Path) -> Path:
    """Make the stored database ``name`` at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript((FOLDER / f"{name}.sql").read_text())
    return path
