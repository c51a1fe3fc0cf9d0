"""``pumpd restore``: puts back what a backup holds, after it was found whole and nobody uses the place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pumpd.backup import sync
from pumpd.backup_archive import Manifest, named, read_archive
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.errors import StoreError
from pumpd.store.audit import verify_file
from pumpd.store.base import Head
from pumpd.store.journal_file import RESTORING, lock_journal
from pumpd.store.migrate import schema_steps

STAGE = ".pumpd-restore.part"
SCHEMAS = ("journal", "history", "spool")


@dataclass(frozen=True, slots=True)
class Restored:
    """What ``restore_data`` put back."""

    manifest: Manifest
    files: tuple[str, ...]
    journal: Head | None
    put_aside: Path | None
    """Where what was there before is kept."""


def restore_data(config: Config, archive: Path, clock: Clock, *, replace: bool) -> Restored:
    """Put the data of ``archive`` into the data directory of ``config``.

    Everything is looked at before anything is touched: hashes, schemas, the journal's chain. With ``replace``
    files that are there are put aside, never removed; without it they are a StoreError, as is a daemon that
    runs there, and an archive of another node. When it is cut short, pumpd keeps from starting until it is
    run again.
    """
    data_dir = config.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    marker = data_dir / RESTORING
    with lock_journal(data_dir / "journal.db"):
        stage = data_dir / STAGE
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        try:
            manifest = read_archive(archive, stage)
            head = _looked_at(config, archive, manifest, stage / "data")
            files = tuple(named(manifest.members, "data"))
            present = _present(data_dir, files)
            if present and not (replace or marker.exists()):
                raise StoreError(
                    f"{data_dir}: {present[0].name} is there already; --replace puts what is there aside"
                )
            aside = data_dir / f"before-restore-{clock.wall():%Y%m%dT%H%M%S%f}" if present else None
            marker.touch()
            sync(data_dir)
            if aside is not None:
                aside.mkdir(mode=0o700)
                for file in present:
                    file.rename(aside / file.name)
            for name in files:
                (stage / "data" / name).rename(data_dir / name)
            sync(data_dir)
            marker.unlink()
            sync(data_dir)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Restored(manifest, files, head, aside)


def _present(data_dir: Path, files: Sequence[str]) -> list[Path]:
    """Return what is in the way: the files themselves, and what SQLite keeps beside each."""
    beside = [f"{name}{ending}" for name in files for ending in ("", "-wal", "-shm")]
    return [data_dir / name for name in beside if (data_dir / name).exists()]


def _looked_at(config: Config, archive: Path, manifest: Manifest, data: Path) -> Head | None:
    """Return the journal's head; StoreError unless this program on this node can go on from ``data``."""
    if (manifest.site, manifest.node) != (config.site, config.node):
        raise StoreError(
            f"{archive}: it is of node {manifest.node} of site {manifest.site}, "
            f"and {config.file} is of node {config.node} of site {config.site}"
        )
    for problem in _damage(archive, data):
        raise StoreError(problem)
    journal = data / "journal.db"
    if not journal.is_file():
        return None
    verdict = verify_file(journal, [])
    if verdict.broken is not None:
        raise StoreError(
            f"{archive}: its journal is BROKEN at line {verdict.broken.seq}: {verdict.broken.words}"
        )
    if str(verdict.head) != manifest.journal_head:
        raise StoreError(f"{archive}: its journal ends at {verdict.head}, not at {manifest.journal_head}")
    return verdict.head


def _damage(archive: Path, data: Path) -> Iterator[str]:
    for file in sorted(data.glob("*.db")):
        uri = f"{file.resolve().as_uri()}?immutable=1"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as db:
                (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
                (schema,) = db.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            found, schema = str(error), 0
        if found != "ok":
            yield f"{archive}: {file.name} is damaged: {found}"
        elif file.stem in SCHEMAS and schema > max(schema_steps(file.stem)):
            yield f"{archive}: {file.name} has schema {schema}, of a newer pumpd: use that to restore it"


def restore_config(archive: Path, file: Path) -> bool:
    """Put configuration and drug library of ``archive`` where ``file`` is to be; False when it is there.

    StoreError when the archive is damaged, or a file beside it is there already.
    """
    if file.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    stage = file.parent / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700)
    try:
        manifest = read_archive(archive, stage)
        own = manifest.config.partition("/")[2]
        places = {
            name: file if name == own else file.parent / name for name in named(manifest.members, "config")
        }
        taken = [place for place in places.values() if place.exists()]
        if taken:
            raise StoreError(f"{taken[0]}: it is there already, and nothing is written over")
        for name, place in sorted(places.items(), key=lambda each: each[0] == own):  # itself comes last
            (stage / "config" / name).rename(place)
        sync(file.parent)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return True
