"""A journal held against its chain of hashes, also while the daemon writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from pumpd.errors import StoreError
from pumpd.store.base import Head
from pumpd.store.journal_chain import COLUMNS, ChainedLine, Verdict, verify

TELL_EVERY = 1_000
JOURNAL_TABLES = frozenset({"line", "durable", "outbox"})
"""By any of these a journal is known, also one that was tampered with."""


def verify_file(
    journal: Path, known: Sequence[Head], tell: Callable[[int, int], None] = lambda _done, _of: None
) -> Verdict:
    """Return what a look at every line of ``journal`` found; see ``verify``.

    ``tell`` hears how many lines of how many are done. StoreError when the file can not be read.
    """
    if not journal.is_file():
        raise StoreError(f"{journal}: there is no such journal; name the journal.db of a data directory")
    uri = f"file:{quote(str(journal))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1.0)) as db:
            db.execute("BEGIN")  # one moment, while the daemon goes on writing
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if tables and not tables & JOURNAL_TABLES:
                raise StoreError(f"{journal}: this is no journal; name the journal.db of a data directory")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version < 2 and known:
                return verify((), known)  # it had a chain when that head was noted
            if version == 0:
                raise StoreError(f"{journal}: it is empty: nothing was ever written to it, or all was cut")
            if version < 2:
                raise StoreError(
                    f"{journal}: it was written before journals had a chain; start this pumpd on it once"
                )
            (count,) = db.execute("SELECT count(*) FROM line").fetchone()
            rows = db.execute(f"SELECT {COLUMNS} FROM line ORDER BY seq")  # noqa: S608 - names of our own
            lines = (ChainedLine(*row) for row in rows)
            return verify(lines, known, lambda done: None if done % TELL_EVERY else tell(done, count))
    except sqlite3.Error as error:
        raise StoreError(f"{journal}: it can not be read: {error}") from error
