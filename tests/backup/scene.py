"""A node's files, with something in each of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pumpd.config import Config, load
from pumpd.store.history_file import HistoryFile, Retention
from pumpd.store.journal_entry import Entry
from pumpd.store.journal_file import JournalFile
from pumpd.store.spool import Gathered, Spool
from tests.store.lines import T0_MS, durable, line
from tests.store.readings import row

EXAMPLE = Path(__file__).parents[2] / "config" / "pumpd.yaml"


def configured(folder: Path, data_dir: str = "data") -> Config:
    """Write the shipped example and its library into ``folder``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = EXAMPLE.read_text().replace("data_dir: ../var/ward-a", f"data_dir: {data_dir}")
    (folder / "pumpd.yaml").write_text(text)
    (folder / "drug-library.yaml").write_bytes(EXAMPLE.with_name("drug-library.yaml").read_bytes())
    return load(folder / "pumpd.yaml")


def write_lines(config: Config, first: int, last: int) -> None:
    """Append lines ``first`` to ``last`` to the journal, with the state that belongs to the last."""
    file = JournalFile.open(config.journal_file)
    entry = Entry.of([line(n) for n in range(first, last + 1)], [durable(last)], f"command-{last}", 0)
    file.write([entry], 0, T0_MS)
    file.close()


def filled(folder: Path, lines: int = 20) -> Config:
    """Return the configuration of a node that has run: journal, history, spool, people, refused points."""
    config = configured(folder)
    write_lines(config, 1, lines)
    history = HistoryFile(config.history_file, Retention())
    history.write([row(n) for n in range(1, 200)])
    history._db.close()
    spool = Spool(config.data_dir / "spool.db", 2**20, keep_free_bytes=0)
    spool.add(Gathered(b"reading value=1 1\n", 1, {T0_MS: 1}))
    spool.close()
    with closing(sqlite3.connect(config.data_dir / "people.db")) as people:
        people.execute("CREATE TABLE person (name TEXT)")
        people.execute("INSERT INTO person VALUES ('Ann')")
        people.commit()
    (config.data_dir / "refused.lp").write_bytes(b"# too large\nreading value=9 9\n")
    (config.data_dir / "settings.json").write_text("{}")
    (config.data_dir / "dashboard.key").write_text("a secret")
    return config


def rows(file: Path, table: str) -> list[tuple[object, ...]]:
    """Return a table, read without pumpd."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT * FROM {table}").fetchall()
