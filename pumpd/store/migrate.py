"""Brings a database file to the newest schema: numbered SQL files, each applied once, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from importlib import resources

from pumpd.errors import StoreError


def schema_steps(name: str) -> dict[int, str]:
    """Return the SQL of ``schema/{name}_NNNN.sql`` by number; ValueError unless they count 1, 2, 3 ..."""
    steps = {
        int(file.name.removesuffix(".sql").rpartition("_")[2]): file.read_text(encoding="utf-8")
        for file in resources.files("pumpd.store").joinpath("schema").iterdir()
        if file.name.startswith(f"{name}_") and file.name.endswith(".sql")
    }
    if sorted(steps) != list(range(1, len(steps) + 1)):
        raise ValueError(f"schema {name}: steps are numbered {sorted(steps)}, not 1, 2, 3 ...")
    return steps


def migrate(db: sqlite3.Connection, steps: Mapping[int, str], where: str) -> int:
    """Apply the steps that ``db`` lacks, each in its own transaction; return the version it has then.

    StoreError when the file was written by a newer program: it is left as it is.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    newest = max(steps)
    if version > newest:
        raise StoreError(
            f"{where}: its schema is version {version}, this program knows {newest}; "
            "use the newer pumpd, or another data directory"
        )
    for number in range(version + 1, newest + 1):
        # executescript commits before it starts, so the transaction is part of the script.
        try:
            db.executescript(f"BEGIN IMMEDIATE;\n{steps[number]}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    return newest
