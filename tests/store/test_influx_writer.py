"""The writer's two threads: bounded memory and bounded requests, whatever disk and database do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pumpd.errors import StoreError
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_sender import LINES_PER_WRITE
from pumpd.store.spool_account import read_account
from tests.store.doors import MemoryDoor
from tests.store.readings import row
from tests.store.waiting import until

FOR_EVER = (0, 2**62)


class CountingDoor(MemoryDoor):
    """Knows its largest request, and can be made to hang."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0
        self.begun = threading.Event()
        """A request has come."""
        self.free = threading.Event()
        self.free.set()

    def write(self, lines: bytes) -> None:
        self.begun.set()
        self.free.wait()
        self.largest = max(self.largest, lines.count(b"\n") + 1)
        super().write(lines)


@pytest.mark.requirement("INFLUX-1")
async def test_a_flood_goes_out_in_requests_that_a_server_takes(tmp_path: Path) -> None:
    """20,000 readings that gathered at once are sent in parts of 5,000 lines or so, all of them, in order."""
    door = CountingDoor()
    writer = InfluxHistoryWriter(SpoolPlace(tmp_path, 2**28), "clinic", lambda: door)
    for n in range(20_000):
        writer.write(row(n))
    await until(lambda: writer.status().written == 20_000)
    await writer.close()
    (times,) = door.times().values()
    assert times == sorted(times)
    assert door.largest <= LINES_PER_WRITE
    assert door.closed


@pytest.mark.requirement("INFLUX-2")
async def test_a_database_that_hangs_holds_up_neither_the_disk_nor_the_end(tmp_path: Path) -> None:
    """While a request hangs readings go to disk, closing takes a second at most, the next run sends them."""
    door = CountingDoor()
    door.free.clear()
    writer = InfluxHistoryWriter(SpoolPlace(tmp_path, 2**28), "clinic", lambda: door)
    writer.write(row(0))
    await until(lambda: read_account_or_none(tmp_path) == 1)
    await until(door.begun.is_set)
    writer.write(row(1))
    await writer.close()
    assert read_account_or_none(tmp_path) == 2
    door.free.set()
    await until(lambda: door.closed)
    again = InfluxHistoryWriter(SpoolPlace(tmp_path, 2**28), "clinic", lambda: door)
    await until(lambda: door.count() == 2)
    await until(lambda: again.status().waiting == 0)
    await again.close()
    assert read_account(tmp_path / "spool.db", *FOR_EVER).spooled == 0


def read_account_or_none(directory: Path) -> int:
    """Return how many readings were read by the account; -1 before there is one."""
    try:
        return read_account(directory / "spool.db", *FOR_EVER).read
    except StoreError:  # it is being made
        return -1


@pytest.mark.requirement("INFLUX-2", "INFLUX-4")
async def test_a_disk_that_takes_nothing_costs_the_oldest_readings_counted(tmp_path: Path) -> None:
    """Memory is bounded; what it gave up and what it kept come to disk when it can be written again."""
    (tmp_path / "spool.db").mkdir()
    door = CountingDoor()
    writer = InfluxHistoryWriter(SpoolPlace(tmp_path, 2**28), "clinic", lambda: door, buffer_rows=100)
    await until(lambda: writer.status().failing)
    for n in range(250):
        writer.write(row(n))
    assert (writer.status().waiting, writer.status().dropped) == (100, 150)
    (tmp_path / "spool.db").rmdir()
    await writer.close()
    account = read_account(tmp_path / "spool.db", *FOR_EVER)
    assert (account.read, account.dropped) == (250, {"memory was full": 150})
    assert door.count() + account.spooled == 100
