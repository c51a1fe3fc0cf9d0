"""The reader works beside a busy writer, after it, and without the right to write."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.core.telemetry import PumpId
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.journal import SqliteJournal
from pumpd.store.reader import SqliteHistoryReader
from tests.store.lines import CHANNEL, PUMP, T0, T0_MS, line
from tests.store.readings import row
from tests.store.waiting import until

NOBODY = 65534


def reader_of(directory: Path) -> SqliteHistoryReader:
    return SqliteHistoryReader(directory / "history.db", directory / "journal.db")


@pytest.mark.real
async def test_reading_while_writing(tmp_path: Path) -> None:
    """Each answer beside a busy writer is a whole, growing prefix of what was written."""
    writer = SqliteHistoryWriter(tmp_path / "history.db")
    reader = reader_of(tmp_path)
    seen = 0
    for n in range(40_000):
        writer.write(row(n))
        if n % 1000 == 999:
            await asyncio.sleep(0)
            trend = await reader.trend(PUMP, CHANNEL, "volume_ml", T0_MS, T0_MS + 40_000_000, 400)
            count = sum(bucket.count for bucket in trend.buckets)
            assert seen <= count <= n + 1
            if count:
                assert trend.buckets[-1].high == pytest.approx((count - 1) * 0.002778)
            seen = count
    await until(lambda: writer.status().written == 40_000)
    trend = await reader.trend(PUMP, CHANNEL, "volume_ml", T0_MS, T0_MS + 40_000_000, 400)
    assert sum(bucket.count for bucket in trend.buckets) == 40_000
    await writer.close()
    await reader.close()


async def test_journal_lines_come_newest_first_by_pump_and_time(tmp_path: Path) -> None:
    """Lines are read while the daemon writes, by pump or all, within a span and a limit."""
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    other = PumpId("P-2")
    await journal.append([line(n, at=T0 + timedelta(seconds=n)) for n in range(5)], [])
    await journal.append([line("x", other, at=T0 + timedelta(seconds=2)), line("n", None, kind="node")], [])
    reader = reader_of(tmp_path)
    everything = await reader.journal(None, T0_MS, T0_MS + 10_000, 100)
    assert [each.sequence for each in everything] == [7, 6, 5, 4, 3, 2, 1]
    assert (everything[0].kind, everything[0].pump, everything[0].at) == ("node", None, T0)
    assert everything[6].payload == line(0).payload
    assert [each.sequence for each in await reader.journal(PUMP, T0_MS + 1000, T0_MS + 4000, 100)] == [
        4,
        3,
        2,
    ]
    assert [each.sequence for each in await reader.journal(PUMP, T0_MS, T0_MS + 4000, 2)] == [4, 3]
    assert [each.pump for each in await reader.journal(other, 0, 2**50, 9)] == [other]
    await reader.close()
    await journal.close()


async def test_history_is_read_after_the_daemon_has_gone_and_come_back(tmp_path: Path) -> None:
    """One reader answers before the file is there, after a clean stop, and when the file was replaced."""
    reader = reader_of(tmp_path)

    async def count() -> int:
        trend = await reader.trend(PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + 60_000, 10)
        return sum(bucket.count for bucket in trend.buckets)

    assert await count() == 0
    for total in (3, 6):
        writer = SqliteHistoryWriter(tmp_path / "history.db")
        for n in range(total - 3, total):
            writer.write(row(n))
        await writer.close()
        assert await count() == total
    (tmp_path / "history.db").unlink()
    writer = SqliteHistoryWriter(tmp_path / "history.db")
    writer.write(row(0))
    await writer.close()
    assert await count() == 1
    await reader.close()


READ_AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.reader import SqliteHistoryReader

async def main(directory):
    reader = SqliteHistoryReader(directory / "history.db", directory / "journal.db")
    trend = await reader.trend(PumpId(sys.argv[2]), ChannelId("1"), "flow_ml_h", int(sys.argv[3]), 2**45, 10)
    lines = await reader.journal(None, 0, 2**45, 10)
    print(sum(bucket.count for bucket in trend.buckets), len(lines))
    await reader.close()

if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.real
def test_a_reader_without_the_right_to_write(tmp_path: Path) -> None:
    """After a clean stop a user who may only read the directory still gets history and journal."""
    data = tmp_path / "data"

    async def write() -> None:
        writer = SqliteHistoryWriter(data / "history.db")
        writer.write(row(0))
        await writer.close()
        journal = SqliteJournal.open(data / "journal.db", SystemClock())
        await journal.append([line(1)], [])
        await journal.close()

    asyncio.run(write())
    for file in data.iterdir():
        file.chmod(0o444)
    data.chmod(0o555)
    above = [parent for parent in data.parents if parent != Path("/") and parent.stat().st_uid == os.getuid()]
    modes = {parent: parent.stat().st_mode for parent in above}
    for parent in above:
        parent.chmod(modes[parent] | 0o011)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_NOBODY, str(data), PUMP, str(T0_MS)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        data.chmod(0o755)
        for parent, mode in modes.items():
            parent.chmod(mode)
    assert (done.stdout, done.stderr) == ("1 1\n", "")
