"""A backup of a node that runs: everything in it, each database as it was at one moment."""

from __future__ import annotations

import asyncio
import json
import stat
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.backup import STAGE, make_backup
from pumpd.cli import app
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.errors import StoreError, StoreTakenError
from pumpd.restore import restore_data
from pumpd.store.audit import verify_file
from pumpd.store.base import Head
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.journal import SqliteJournal
from pumpd.store.journal_file import JournalFile, lock_journal
from tests.backup.scene import configured, filled, rows, write_lines
from tests.store.lines import SetClock, durable, line
from tests.store.readings import row

pytestmark = pytest.mark.requirement("OPS-4")


def test_everything_of_a_node_comes_back(tmp_path: Path) -> None:
    """Journal, history, spool, refused points, people, settings, configuration and library, byte or row."""
    config = filled(tmp_path / "old")
    made = make_backup(config, tmp_path / "kept", SystemClock())
    assert stat.S_IMODE(made.archive.stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [made.archive.name]
    elsewhere = configured(tmp_path / "new")
    done = restore_data(elsewhere, made.archive, SystemClock(), replace=False)
    assert done.journal == made.journal
    assert done.put_aside is None
    for name, table in (
        ("journal.db", "line"),
        ("journal.db", "durable"),
        ("journal.db", "command"),
        ("history.db", "reading"),
        ("history.db", "rollup_10s"),
        ("spool.db", "batch"),
        ("spool.db", "read_count"),
        ("people.db", "person"),
    ):
        assert rows(elsewhere.data_dir / name, table) == rows(config.data_dir / name, table) != []
    for name in ("refused.lp", "settings.json"):
        assert (elsewhere.data_dir / name).read_bytes() == (config.data_dir / name).read_bytes()
    assert not (elsewhere.data_dir / "dashboard.key").exists(), "secrets stay where they are"
    restored = JournalFile.open(elsewhere.journal_file)
    assert restored.load().durables == (durable(20),)
    restored.close()


@pytest.mark.real
async def test_it_is_taken_while_journal_and_history_are_written(tmp_path: Path) -> None:
    """The copy is the journal up to one line, whose hash is the one that the journal itself has there."""
    config = configured(tmp_path / "old")
    journal = SqliteJournal.open(config.journal_file, SetClock())
    history = SqliteHistoryWriter(config.history_file)
    written: list[asyncio.Future[tuple[int, ...]]] = []

    async def go_on() -> None:
        for n in range(1, 1_000_000):
            written.append(journal.append([line(n)], [durable(n)]))
            history.write(row(n))
            await asyncio.sleep(0.0005)

    writing = asyncio.create_task(go_on(), name="test.writing")
    heads: list[Head] = []
    try:
        while not config.history_file.exists() or len(written) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for number in range(5):
            made = await asyncio.to_thread(make_backup, config, tmp_path / str(number), SystemClock())
            assert made.journal is not None
            heads.append(made.journal)
            while journal.head.seq <= made.journal.seq:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await asyncio.gather(*written)
        await journal.close()
        await history.close()
    assert [head.seq for head in heads] == sorted({head.seq for head in heads})
    assert verify_file(config.journal_file, heads).broken is None


def test_a_daemon_keeps_the_place(tmp_path: Path) -> None:
    """While one holds the journal nothing is restored, and its files are as they were."""
    config = filled(tmp_path / "old")
    made = make_backup(config, tmp_path / "kept", SystemClock())
    before = {file.name: file.read_bytes() for file in config.data_dir.iterdir()}
    with lock_journal(config.journal_file), pytest.raises(StoreTakenError, match="another pumpd"):
        restore_data(config, made.archive, SystemClock(), replace=True)
    assert {file.name: file.read_bytes() for file in config.data_dir.iterdir()} == before


def test_nothing_is_written_over_without_being_told(tmp_path: Path) -> None:
    """Without --replace it is refused; with it, what was there is kept aside, lines after the backup too."""
    config = filled(tmp_path / "old")
    kept = tmp_path / "kept"
    ran = CliRunner().invoke(app, ["backup", "-c", str(config.file), "--to", str(kept)])
    assert ran.exit_code == 0, ran.output
    (archive,) = kept.iterdir()
    write_lines(config, 21, 30)
    with pytest.raises(StoreError, match="--replace"):
        restore_data(config, archive, SystemClock(), replace=False)
    assert len(rows(config.journal_file, "line")) == 30
    put_back = CliRunner().invoke(app, ["restore", str(archive), "-c", str(config.file), "--replace"])
    assert put_back.exit_code == 0, put_back.output
    assert len(rows(config.journal_file, "line")) == 20
    (aside,) = config.data_dir.glob("before-restore-*")
    assert len(rows(aside / "journal.db", "line")) == 30
    verified = CliRunner().invoke(app, ["audit", "verify", str(config.journal_file)])
    assert "20 lines, all as they were written" in verified.output


def test_a_machine_that_has_nothing_gets_its_configuration_too(tmp_path: Path) -> None:
    """Configuration and library are put where the option says, and hold the same."""
    config = filled(tmp_path / "old")
    made = make_backup(config, tmp_path / "kept", SystemClock())
    anew = tmp_path / "new" / "pumpd.yaml"
    ran = CliRunner().invoke(app, ["restore", str(made.archive), "-c", str(anew)])
    assert ran.exit_code == 0, ran.output
    found = load(anew)
    assert (found.sha256, found.library.sha256) == (config.sha256, config.library.sha256)
    assert len(rows(found.journal_file, "line")) == 20


def test_a_broken_journal_is_kept_and_told(tmp_path: Path) -> None:
    """The archive holds it as evidence, the verb ends with 1, and it is not put back as if it were good."""
    import sqlite3
    from contextlib import closing

    config = filled(tmp_path / "old")
    with closing(sqlite3.connect(config.journal_file)) as db:
        db.execute("UPDATE line SET payload = '{}' WHERE seq = 7")
        db.commit()
    ran = CliRunner().invoke(app, ["backup", "-c", str(config.file), "--to", str(tmp_path / "kept")])
    assert ran.exit_code == 1
    assert "BROKEN at line 7" in ran.output
    (archive,) = (tmp_path / "kept").iterdir()
    with pytest.raises(StoreError, match="BROKEN at line 7"):
        restore_data(configured(tmp_path / "new"), archive, SystemClock(), replace=False)
    assert not (tmp_path / "new" / "data" / "journal.db").exists()


def test_another_node_s_backup_is_refused(tmp_path: Path) -> None:
    """A ward does not take up another ward's alarms."""
    made = make_backup(filled(tmp_path / "old"), tmp_path / "kept", SystemClock())
    other = configured(tmp_path / "new")
    other.file.write_text(other.file.read_text().replace("node: ward-a", "node: ward-b"))
    with pytest.raises(StoreError, match="of node ward-a"):
        restore_data(load(other.file), made.archive, SystemClock(), replace=True)


def test_what_an_earlier_backup_left_is_removed_and_two_do_not_mix(tmp_path: Path) -> None:
    """A part that was cut short goes with the next backup; one that is being written is left alone."""
    import fcntl
    import os

    config = filled(tmp_path / "old")
    stage = tmp_path / "kept" / STAGE
    stage.mkdir(parents=True)
    (stage / "whole").write_bytes(b"cut short")
    descriptor = os.open(stage, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(StoreTakenError, match="another backup"):
        make_backup(config, tmp_path / "kept", SystemClock())
    assert (stage / "whole").exists()
    os.close(descriptor)
    made = make_backup(config, tmp_path / "kept", SystemClock())
    assert list((tmp_path / "kept").iterdir()) == [made.archive]


def test_the_manifest_says_what_is_in_the_archive(tmp_path: Path) -> None:
    """Anybody can read it with tar: first the manifest, then each file that it names."""
    made = make_backup(filled(tmp_path / "old"), tmp_path / "kept", SystemClock())
    with tarfile.open(made.archive) as tar:
        names = tar.getnames()
        first = tar.extractfile(names[0])
        assert first is not None
        said = json.loads(first.read())
    assert names == ["manifest.json", *(member["name"] for member in said["members"])]
    assert (said["format"], said["site"], said["node"]) == (1, "clinic", "ward-a")
    assert said["journal_head"] == str(made.journal)


@pytest.mark.parametrize("left", [(), ("journal.lock", "journal.reserve")])
def test_a_data_directory_with_nothing_to_keep_is_told(tmp_path: Path, left: tuple[str, ...]) -> None:
    """A disk that is not mounted makes no archive that looks like a backup of the node."""
    config = configured(tmp_path / "node")
    config.data_dir.mkdir(parents=True)
    for name in left:
        (config.data_dir / name).touch()
    with pytest.raises(StoreError, match="nothing to keep"):
        make_backup(config, tmp_path / "kept", SystemClock())
    assert not (tmp_path / "kept").exists()


def test_a_backup_that_fails_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had gathered are patients' data, and on a full disk they would be in the way."""
    config, kept = filled(tmp_path / "old"), tmp_path / "kept"
    gathered: list[Path] = []

    def full(archive: Path, *_: object) -> None:
        gathered.extend(archive.parent.iterdir())
        raise OSError(28, "No space left on device", str(archive))

    monkeypatch.setattr("pumpd.backup.write_archive", full)
    for there in (False, True):
        if there:
            kept.mkdir()
        with pytest.raises(OSError, match="No space"):
            make_backup(config, kept, SystemClock())
        assert kept.exists() is there
        assert there is False or list(kept.iterdir()) == []
    assert gathered
