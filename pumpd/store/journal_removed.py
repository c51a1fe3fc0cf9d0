"""A journal whose file is removed while it is open: what it held is still readable, and is put back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pumpd.errors import StoreError


def is_at(path: Path, opened: os.stat_result) -> bool:
    """Return whether what stands at ``path`` is the file ``opened``; nobody finds what any other is told."""
    try:
        return os.path.samestat(path.stat(), opened)
    except FileNotFoundError:
        return False


def put_back(db: sqlite3.Connection, path: Path) -> None:
    """Write everything that ``db`` holds, whose file was removed, to a new file at ``path``.

    The kernel keeps a removed file for as long as it is open. StoreError when another file stands there.
    """
    if path.exists():
        raise StoreError(
            f"{path}: another file was put in the journal's place; move it away, or restart pumpd to use it"
        )
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as new:
        db.backup(new)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    for rest in ("-wal", "-shm"):  # they belong to the removed file, and would be read into the new one
        path.with_name(path.name + rest).unlink(missing_ok=True)
    partial.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
