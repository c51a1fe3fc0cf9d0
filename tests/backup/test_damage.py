"""An archive that is not byte for byte what was written is refused, and nothing is touched."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pumpd.backup import make_backup
from pumpd.backup_archive import read_archive
from pumpd.clock import SystemClock
from pumpd.config import Config
from pumpd.errors import StoreError
from pumpd.restore import restore_data
from tests import proof
from tests.backup.scene import configured, filled

pytestmark = pytest.mark.requirement("OPS-4")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return make_backup(filled(tmp_path / "old"), tmp_path / "kept", SystemClock()).archive


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_damage_is_told_or_harmless(tmp_path: Path, archive: Path) -> None:
    """One byte changed, or the end cut off, anywhere: a StoreError, or every file is what it was."""
    tries = proof.count("archives with one byte changed or the end cut off", small=200, full=20_000)
    chance = random.Random(proof.SEED)
    whole = archive.read_bytes()
    (tmp_path / "whole").mkdir()
    read_archive(archive, tmp_path / "whole")
    wanted, refused = contents(tmp_path / "whole"), 0
    torn = tmp_path / "torn"
    for number in range(tries):
        at = chance.randrange(len(whole))
        changed = bytes([whole[at] ^ (1 << chance.randrange(8))])
        torn.write_bytes(whole[:at] if number % 4 == 0 else whole[:at] + changed + whole[at + 1 :])
        into = tmp_path / "into"
        into.mkdir()
        try:
            read_archive(torn, into)
        except StoreError:
            refused += 1
        else:
            assert contents(into) == wanted
        for file in sorted(into.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        into.rmdir()
    assert refused > tries * 0.95


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    """It is named, so that whoever typed the folder of backups sees what to add."""
    with pytest.raises(StoreError, match=f"{tmp_path}: it is a folder"):
        read_archive(tmp_path, tmp_path)


def changed(archive: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """Return a copy of ``archive`` with its manifest and files as ``change`` leaves them."""
    with tarfile.open(archive) as tar:
        files = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    said = json.loads(files.pop("manifest.json"))
    change(said, files)
    forged = archive.with_name("forged.tar.gz")
    with tarfile.open(forged, "w:gz") as tar:
        for name, data in {"manifest.json": json.dumps(said).encode(), **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return forged


def _escape(said: dict[str, Any], files: dict[str, bytes]) -> None:
    said["members"][0]["name"] = "data/../../evil"
    files["data/../../evil"] = files.pop("config/drug-library.yaml")


def _hash(said: dict[str, Any], _files: dict[str, bytes]) -> None:
    said["members"][-1]["sha256"] = "0" * 64


def _newer(said: dict[str, Any], _files: dict[str, bytes]) -> None:
    said |= {"format": 99, "version": "9.9.9"}


def _more(_said: dict[str, Any], files: dict[str, bytes]) -> None:
    files["data/more"] = b"more"


def _fewer(_said: dict[str, Any], files: dict[str, bytes]) -> None:
    del files["data/spool.db"]


def _twice(said: dict[str, Any], _files: dict[str, bytes]) -> None:
    said["members"].append(said["members"][0])


def _nothing(said: dict[str, Any], _files: dict[str, bytes]) -> None:
    said.clear()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_escape, "names what no backup holds"),
        (_hash, "its hash is another"),
        (_newer, "made by pumpd 9.9.9, a newer one"),
        (_more, "more in it than its manifest says"),
        (_fewer, "is missing"),
        (_twice, "names what no backup holds"),
        (_nothing, "can not be read"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_forged_archive_is_refused_in_words(
    tmp_path: Path, archive: Path, change: Callable[..., None], words: str
) -> None:
    """Each way of not being what pumpd wrote is named, and the data directory stays empty."""
    config = configured(tmp_path / "new")
    with pytest.raises(StoreError, match=words):
        restore_data(config, changed(archive, change), SystemClock(), replace=True)
    assert {file.name for file in config.data_dir.iterdir()} == {"journal.lock"}
    assert not (tmp_path / "evil").exists()


def _schema(config: Config) -> None:
    with closing(sqlite3.connect(config.journal_file)) as db:
        db.execute("PRAGMA user_version = 99")


def _page(config: Config) -> None:
    history = config.data_dir / "history.db"
    data = bytearray(history.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    history.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("harm", "words"), [(_schema, "schema 99, of a newer pumpd"), (_page, "history.db is damaged")]
)
def test_a_database_that_can_not_be_gone_on_with_is_refused(
    tmp_path: Path, harm: Callable[[Config], None], words: str
) -> None:
    """Of a newer pumpd, or damaged before it was backed up: told before anything is touched."""
    config = filled(tmp_path / "old")
    harm(config)
    made = make_backup(config, tmp_path / "kept", SystemClock())
    with pytest.raises(StoreError, match=words):
        restore_data(configured(tmp_path / "new"), made.archive, SystemClock(), replace=True)


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\x1f\x8b" + bytes(100)])
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes) -> None:
    """An empty file, a text, a torn header."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(StoreError, match="x: it is no"):
        read_archive(tmp_path / "x", tmp_path)
    with pytest.raises(StoreError, match="no such file"):
        read_archive(tmp_path / "y", tmp_path)
