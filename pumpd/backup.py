"""``pumpd backup``: what a node must not lose, in one archive, taken while it runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pumpd.backup_archive import Manifest, member_of, write_archive
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.errors import StoreError, StoreTakenError
from pumpd.store.audit import verify_file
from pumpd.store.base import Head
from pumpd.store.journal_chain import Broken

STAGE = ".pumpd-backup.part"
"""Where the files gather, in the folder of the archive; whatever is there was cut short."""
KEEP_FREE_BYTES = 128 * 1024 * 1024
"""So much stays free on the disk of the archive, which may be the journal's."""
LEFT_OUT = frozenset({".key", ".lock", ".reserve", ".partial", ".anew", ".db-wal", ".db-shm", ".db-journal"})
BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class Made:
    """What ``make_backup`` made."""

    archive: Path
    manifest: Manifest
    journal: Head | None
    broken: Broken | None
    """Where the journal is not what was written: the archive keeps it as it is."""


def make_backup(config: Config, folder: Path, clock: Clock) -> Made:
    """Write an archive of the node into ``folder``, while its daemon and dashboard go on.

    Each database is as it was at one moment. StoreError when something can not be read or the disk has no
    room; then, and after a crash, there is no archive.
    """
    at = clock.wall()
    archive = folder / f"pumpd-{config.site}-{config.node}-{at:%Y%m%dT%H%M%SZ}.tar.gz"
    with _stage(folder) as stage:
        if archive.exists():
            raise StoreError(f"{archive}: it is there already; try again in a second")
        _check_room(config, folder)
        files = _gathered(config, stage)
        journal = stage / "journal.db"
        verdict = verify_file(journal, ()) if journal.is_file() else None
        manifest = Manifest(
            version("pumpd"),
            config.site,
            config.node,
            at.isoformat(timespec="seconds"),
            "" if verdict is None else str(verdict.head),
            f"config/{config.file.name}",
            tuple(member_of(name, file) for name, file in sorted(files.items())),
        )
        whole = stage / "whole"
        write_archive(whole, manifest, files)
        whole.rename(archive)
        sync(folder)
    broken = None if verdict is None else verdict.broken
    return Made(archive, manifest, None if verdict is None else verdict.head, broken)


def sync(folder: Path) -> None:
    """Let what was renamed in ``folder`` reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for one backup at a time; what an earlier one left is removed.

    A folder that was not there before is there afterwards only if something was put into it.
    """
    was_there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    stage = folder / STAGE
    stage.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreTakenError(f"{folder}: another backup is being written there; wait for it") from None
        try:
            for left in stage.iterdir():
                left.unlink()
            yield stage
        finally:  # also of one that fails: it is patients' data, and on a full disk it is in the way
            shutil.rmtree(stage, ignore_errors=True)
            if not was_there:
                with suppress(OSError):  # it holds the archive
                    folder.rmdir()
    finally:
        os.close(descriptor)


def kept_files(data_dir: Path) -> list[Path]:
    """Return the files of a data directory that a backup holds; recordings stay where they are.

    StoreError where there are none: a disk that is not mounted is no node without data.
    """
    if not data_dir.is_dir():
        raise StoreError(f"{data_dir}: there is no such data directory: no pumpd ran here")
    kept = sorted(
        file
        for file in data_dir.iterdir()
        if file.is_file()
        and not file.is_symlink()
        and not file.name.startswith(".")
        and not any(file.name.endswith(ending) for ending in LEFT_OUT)
    )
    if not kept:
        raise StoreError(
            f"{data_dir}: there is nothing to keep in it; see that data_dir is right and mounted"
        )
    return kept


def _check_room(config: Config, folder: Path) -> None:
    wanted = KEEP_FREE_BYTES
    for file in kept_files(config.data_dir):
        with suppress(FileNotFoundError):  # put aside by the daemon meanwhile
            wanted += 2 * file.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise StoreError(f"{folder}: {free >> 20} MiB are free, and a backup needs {wanted >> 20} MiB")


def _gathered(config: Config, stage: Path) -> dict[str, Path]:
    """Copy everything into ``stage``; return the members by name."""
    files: dict[str, Path] = {}
    for file in kept_files(config.data_dir):
        copy = stage / file.name
        if file.suffix == ".db":
            _copy_database(file, copy)
        else:
            try:
                shutil.copyfile(file, copy)
            except FileNotFoundError:  # put aside by the daemon meanwhile
                continue
        files[f"data/{file.name}"] = copy
    for file in filter(None, (config.file, config.library_file, config.fleet_file)):
        copy = stage / f"config-{file.name}"
        shutil.copyfile(file, copy)
        files[f"config/{file.name}"] = copy
    return files


def _copy_database(file: Path, copy: Path) -> None:
    """Copy a database as it is at one moment, also while others write it."""
    uri = f"{file.resolve().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)  # in one step: in several it would begin anew at every commit
    except sqlite3.Error as error:
        raise StoreError(f"{file}: it can not be copied: {error}") from error
