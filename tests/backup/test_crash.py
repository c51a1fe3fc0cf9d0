"""kill -9 while a backup is written or put back: never half an archive, never a node that starts on half."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pumpd.backup import STAGE, make_backup
from pumpd.backup_archive import read_archive
from pumpd.clock import SystemClock
from pumpd.errors import StoreError
from pumpd.restore import restore_data
from pumpd.store.audit import verify_file
from pumpd.store.journal_file import JournalFile
from tests import proof
from tests.backup.scene import filled, rows, write_lines

pytestmark = [pytest.mark.real, pytest.mark.requirement("OPS-4")]
ROOT = Path(__file__).parents[2]


class Crew:
    """Carries out backups and restores in forks, and kills them when asked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.backup.crashing"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, what: str, config: Path, place: Path, kill_after_s: float | None) -> tuple[int, float]:
        """Return how it ended and how long after it began; killed after so long if it goes on."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, str(config), str(place)]) + "\n")
        self._process.stdin.flush()
        told = [self._line(), self._line()]
        (child,) = (int(word) for word in told if word != "begun")
        began_s = time.perf_counter()
        if kill_after_s is not None:
            time.sleep(kill_after_s)  # the moment of the kill, not a wait for anything
            with suppress(ProcessLookupError):  # it was quicker
                os.kill(child, signal.SIGKILL)
        status = int(self._line().removeprefix("ended "))
        return status, time.perf_counter() - began_s

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew()
    yield made
    made.close()


@pytest.mark.timeout(1200)
def test_a_backup_that_is_killed_leaves_no_archive_or_a_whole_one(tmp_path: Path, crew: Crew) -> None:
    """At seeded moments over its whole length; the next backup clears what was left."""
    kills = proof.count("backups killed with -9", small=15, full=300)
    chance = random.Random(proof.SEED)
    config = filled(tmp_path / "old", lines=400)
    status, took_s = crew.run("backup", config.file, tmp_path / "first", None)
    assert status == 0
    whole = cut = 0
    for number in range(kills):
        folder = tmp_path / f"kept-{number % 3}"
        folder.mkdir(exist_ok=True)  # one that was killed at once made none
        crew.run("backup", config.file, folder, chance.uniform(0, 1.1 * took_s))
        for archive in folder.glob("*.tar.gz"):
            whole += 1
            shutil.rmtree(tmp_path / "into", ignore_errors=True)
            (tmp_path / "into").mkdir()
            read_archive(archive, tmp_path / "into")
            archive.unlink()
        assert {file.name for file in folder.iterdir()} <= {STAGE}
        cut += (folder / STAGE).exists()
    print(f"{kills} kills: {whole} whole archives, {cut} cut short before there was one")
    made = make_backup(config, tmp_path / "kept-0", SystemClock())
    assert list((tmp_path / "kept-0").iterdir()) == [made.archive]
    assert cut > 0


@pytest.mark.timeout(1200)
def test_a_restore_that_is_killed_never_lets_pumpd_start_on_half_of_it(tmp_path: Path, crew: Crew) -> None:
    """The journal is the old one, the restored one, or refused; run again, it is the restored one."""
    kills = proof.count("restores killed with -9", small=15, full=300)
    chance = random.Random(proof.SEED)
    config = filled(tmp_path / "old", lines=400)
    made = make_backup(config, tmp_path / "kept", SystemClock())
    write_lines(config, 401, 500)
    newest = tmp_path / "newest"
    shutil.copytree(config.data_dir, newest)
    status, took_s = crew.run("restore", config.file, made.archive, None)
    assert status == 0
    ends = {"old": 0, "restored": 0, "refused": 0}
    for _ in range(kills):
        shutil.rmtree(config.data_dir)
        shutil.copytree(newest, config.data_dir)
        crew.run("restore", config.file, made.archive, chance.uniform(0, 1.1 * took_s))
        try:
            file = JournalFile.open(config.journal_file)
        except StoreError as error:
            assert "run pumpd restore again" in str(error)  # noqa: PT017 - one of three ends
            ends["refused"] += 1
        else:
            seq = file.head.seq
            file.close()
            ends["old" if seq == 500 else "restored"] += 1
            assert seq in {400, 500}
            assert rows(config.data_dir / "people.db", "person") == [("Ann",)]
        kept = [config.data_dir, *config.data_dir.glob("before-restore-*")]
        lines = [len(rows(f / "journal.db", "line")) for f in kept if (f / "journal.db").exists()]
        assert 500 in lines, "what was there is never lost"
        restore_data(config, made.archive, SystemClock(), replace=True)
        assert verify_file(config.journal_file, []).head == made.journal
    print(f"{kills} kills: {ends}")
    assert ends["old"] > 0
