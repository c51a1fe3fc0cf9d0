"""A disk that is full or refuses: it is told, nothing is lost, and it goes on when there is space again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.errors import StoreError
from pumpd.store.base import NewLine
from pumpd.store.history_file import HistoryFile, Retention
from pumpd.store.journal import SqliteJournal
from pumpd.store.journal_inline import InlineJournal
from pumpd.store.reserve import Reserve
from tests.store.lines import SetClock, durable, line
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = pytest.mark.requirement("INV-4")


def big(n: int) -> NewLine:
    """Return a line that needs pages of its own."""
    return NewLine(f"boot-{n}", line(n).at, "alarm", None, None, '{"pad":"' + "x" * 20_000 + '"}')


class FullDisk:
    """A place that can be made full: a small file system where one may be mounted, else a file size limit."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(directory)],
            capture_output=True,
            check=False,
        )
        self.kind = "small file system" if mounted.returncode == 0 else "limit on file size"
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        if self.kind == "limit on file size":
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, self._limit[1]))
            return
        with suppress(OSError), (self.directory / "ballast").open("ab", buffering=0) as ballast:
            while ballast.write(bytes(4096)):
                pass

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
        (self.directory / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        self.free()
        if self.kind == "small file system":
            subprocess.run(["umount", str(self.directory)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FullDisk]:
    directory = tmp_path / "disk"
    directory.mkdir()
    found = FullDisk(directory)
    print(f"the disk is full by: {found.kind}")
    yield found
    found.remove()


@pytest.mark.real
async def test_a_full_disk_is_told_and_nothing_is_lost(disk: FullDisk) -> None:
    """The kept space is used first; then StoreError; with space again all is written, in order, once."""
    path = disk.directory / "journal.db"
    journal = SqliteJournal.open(path, SystemClock())
    assert await journal.append([line(1)], []) == (1,)
    disk.fill()
    written = 1
    failed: str | None = None
    while failed is None:
        assert written < 2000, "the disk does not fill"
        try:
            await journal.append([big(written + 1)], [durable(written + 1)], f"c-{written + 1}")
            written += 1
        except StoreError as error:
            failed = str(error)
    if disk.kind == "small file system":
        assert written > 20, "the reserve carried some lines"
        assert not path.with_suffix(".reserve").exists()
    assert "journal can not be written" in failed
    later = journal.append([line(written + 2)], [durable(written + 2)])
    with pytest.raises(StoreError):
        await later
    assert journal.oldest_unconfirmed_ns() is not None
    disk.free()
    await until(lambda: journal.oldest_unconfirmed_ns() is None, 10)
    assert await journal.append([line(written + 2)], [durable(1)]) == (written + 2,)
    ids = [each.event_id for each in await journal.recent(0)]
    assert ids == [f"boot-{n}" for n in range(1, written + 3)]
    await journal.close()
    journal = SqliteJournal.open(path, SystemClock())
    assert journal.restored.durables == (durable(written + 2),)
    assert journal.command_seen(f"c-{written + 1}")
    await journal.close()


async def test_a_broken_disk_never_holds_up_the_loop_or_the_close(tmp_path: Path) -> None:
    """While a backup locks the file the loop turns, StoreError comes, and closing takes 1 s at most."""
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    await journal.append([line(1)], [])
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    future = journal.append([line(2)], [])
    longest_s, before = 0.0, loop.time()
    for _ in range(1000):
        if future.done():
            break
        await asyncio.sleep(0.005)
        longest_s, before = max(longest_s, loop.time() - before), loop.time()
    assert longest_s < 0.25
    with pytest.raises(StoreError, match="locked"):
        await future
    began = loop.time()
    await journal.close()
    assert loop.time() - began < 1.5
    other.execute("ROLLBACK")
    other.close()


async def test_the_inline_twin_fails_and_recovers_in_loop_time() -> None:
    """A fault set by a test gives StoreError, keeps the lines, and lets go of them when it ends."""
    journal = InlineJournal.open(None, SetClock())
    journal.fault = "disk full"
    futures = [journal.append([line(n)], []) for n in (1, 2)]
    for future in futures:
        with pytest.raises(StoreError, match="disk full"):
            await future
    assert journal.oldest_unconfirmed_ns() is not None
    journal.fault = ""
    assert await journal.append([line(3)], []) == (3,)
    assert await journal.append([line(1)], []) == (1,)
    assert journal.oldest_unconfirmed_ns() is None
    await journal.close()


async def test_the_inline_twin_can_be_slow(tmp_path: Path) -> None:
    """A slow disk confirms later, and all that has gathered at once."""
    journal = InlineJournal.open(tmp_path / "journal.db", SetClock())
    journal.commit_after_s = 0.05
    first = journal.append([line(1)], [])
    await asyncio.sleep(0)
    assert not first.done()
    assert journal.oldest_unconfirmed_ns() is not None
    second = journal.append([line(2)], [])
    assert (await first, second.done(), await second) == ((1,), True, (2,))
    await journal.close()


def test_the_reserve_holds_real_blocks(tmp_path: Path) -> None:
    """The space is really allocated, given up once, and taken again."""
    reserve = Reserve(tmp_path / "journal.reserve", 1 << 20)
    assert reserve.restore()
    assert (tmp_path / "journal.reserve").stat().st_blocks * 512 >= 1 << 20
    assert reserve.restore()
    assert reserve.release()
    assert not reserve.release()
    assert list(tmp_path.iterdir()) == []
    assert not Reserve(tmp_path / "r", 1 << 60).restore()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("HIST-2")
def test_the_history_leaves_space_for_the_journal(tmp_path: Path) -> None:
    """With little space left the history stops, and says why, before the journal feels it."""
    file = HistoryFile(tmp_path / "history.db", Retention(), keep_free_bytes=1 << 60)
    with pytest.raises(StoreError, match="kept for the journal"):
        file.write([row(1)])
    file.close()
