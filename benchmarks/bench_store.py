"""What the embedded history and the journal cost, against bare SQLite in the same run."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pumpd.clock import SystemClock
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry
from pumpd.store import history_sql
from pumpd.store.base import HistoryRow, NewLine
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.journal import SqliteJournal
from pumpd.store.migrate import schema_steps
from pumpd.store.reader import SqliteHistoryReader

PUMPS = 3000
SECONDS = 30
DAY_S = 86_400
START_MS = 1_772_352_000_000
CHANNEL = ChannelId("1")
Figure = tuple[str, float, str]
"""Name, value and unit."""


def readings(pumps: int, seconds: int) -> Iterator[HistoryRow]:
    """Give each second's readings of all pumps, with every series that a reference pump has."""
    ids = [PumpId(f"P-{n}") for n in range(pumps)]
    pressure, battery = Measured.valid(312), Measured.valid(80)
    flow = Measured.valid(FlowRate(12_500_000))
    for second in range(seconds):
        volume = Measured.valid(Volume(second * 3472))
        for phase, pump in enumerate(ids):
            reading = Telemetry(
                pump=pump,
                channel=CHANNEL,
                sequence=second + 1,
                taken_ns=second * 1_000_000_000,
                span_ns=20_000_000,
                provenance=Provenance.DEMO,
                status=PumpStatus.RUNNING,
                raw_status="2",
                flow=flow,
                volume=volume,
                set_flow=flow,
                pressure_kpa_e1=pressure,
                battery_percent=battery,
            )
            yield HistoryRow(START_MS + second * 1000 + phase % 1000, "ward", reading, 0.357, "mg/kg/h")


def bare(directory: Path) -> float:
    """Return CPU microseconds per reading of executemany alone: rows ready, no labels, no roll-ups."""
    db = sqlite3.connect(directory / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(schema_steps("history")[1])
    sql = history_sql.insert_readings(1)
    batches = [
        [
            (
                pump,
                START_MS + second * 1000 + pump % 1000,
                "running",
                12.5,
                12.5,
                second * 0.003,
                0.3,
                31.2,
                80.0,
            )
            for pump in range(PUMPS)
        ]
        for second in range(SECONDS)
    ]
    began = time.process_time()
    for batch in batches:
        db.execute("BEGIN")
        db.executemany(sql, batch)
        db.execute("COMMIT")
    spent = time.process_time() - began
    db.close()
    return spent * 1e6 / (PUMPS * SECONDS)


async def written(writer: SqliteHistoryWriter, rows: int) -> None:
    """Wait for the writer's thread, at most a minute."""
    for _ in range(3000):
        if writer.status().written >= rows:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(str(writer.status()))


async def through_writer(directory: Path) -> tuple[float, float]:
    """Return CPU microseconds per reading of the whole writer, and of ``write`` on the caller's side."""
    rows = list(readings(PUMPS, SECONDS))
    writer = SqliteHistoryWriter(directory / "history.db", buffer_rows=len(rows))
    began = time.process_time()
    called = time.thread_time()
    for row in rows:
        writer.write(row)
    called = time.thread_time() - called
    await written(writer, len(rows))
    spent = time.process_time() - began
    await writer.close()
    return spent * 1e6 / len(rows), called * 1e6 / len(rows)


async def loop_delay(directory: Path) -> float:
    """Return the loop's longest delay in ms while 3,000 readings a second are written for 5 s."""
    writer = SqliteHistoryWriter(directory / "delay.db")
    rows = readings(PUMPS, 5)
    loop = asyncio.get_running_loop()
    longest_s = 0.0
    began = loop.time()
    for part in range(500):
        for _ in range(PUMPS // 100):
            writer.write(next(rows))
        due = began + (part + 1) * 0.01
        await asyncio.sleep(max(0.0, due - loop.time()))
        longest_s = max(longest_s, loop.time() - due)
    await writer.close()
    return longest_s * 1000


async def a_day_back(directory: Path) -> float:
    """Return the median time in ms of reading one pump's day as 1,000 buckets."""
    writer = SqliteHistoryWriter(directory / "day.db", buffer_rows=DAY_S)
    for row in readings(1, DAY_S):
        writer.write(row)
    await written(writer, DAY_S)
    reader = SqliteHistoryReader(directory / "day.db", directory / "none.db")
    took = []
    for _ in range(9):
        began = time.perf_counter()
        trend = await reader.trend(
            PumpId("P-0"), CHANNEL, "flow_ml_h", START_MS, START_MS + DAY_S * 1000, 1000
        )
        took.append((time.perf_counter() - began) * 1000)
        assert len(trend.buckets) == 1000
    await reader.close()
    await writer.close()
    return statistics.median(took)


async def journal(directory: Path) -> tuple[float, float]:
    """Return the p99 in ms from append to confirmed, one at a time, and appends per second in a storm."""
    clock = SystemClock()
    opened = SqliteJournal.open(directory / "journal.db", clock)

    def line(n: int) -> NewLine:
        return NewLine(
            f"bench-{n}", clock.wall(), "alarm", PumpId("P-1"), CHANNEL, '{"pad":"' + "x" * 700 + '"}'
        )

    took = []
    for n in range(200):
        began = time.perf_counter()
        await opened.append([line(n)], [])
        took.append((time.perf_counter() - began) * 1000)
    began = time.perf_counter()
    await asyncio.gather(*[opened.append([line(n)], []) for n in range(1000, 6000)])
    storm = 5000 / (time.perf_counter() - began)
    await opened.close()
    return statistics.quantiles(took, n=100)[98], storm


def run(say: Callable[[str], object] = lambda _: None) -> list[Figure]:
    """Return the store's figures; ``say`` is told what is measured."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        say("bare executemany")
        bare_us = bare(directory)
        say("history writer")
        whole_us, call_us = asyncio.run(through_writer(directory))
        delay_ms = asyncio.run(loop_delay(directory))
        say("a day read back")
        day_ms = asyncio.run(a_day_back(directory))
        say("journal")
        confirmed_ms, storm = asyncio.run(journal(directory))
    return [
        ("history: readings per CPU second through the writer", 1e6 / whole_us, "1/s"),
        ("history: readings per CPU second, bare executemany", 1e6 / bare_us, "1/s"),
        ("history: writer (labels, roll-ups, own thread) over bare executemany", bare_us / whole_us, "ratio"),
        ("history: one call of write() on the loop", call_us, "us"),
        ("history: longest delay of the loop beside 3,000 readings a second", delay_ms, "ms"),
        ("history: a day of one pump (86,400 readings) as 1,000 buckets, median", day_ms, "ms"),
        ("journal: from append to confirmed on disk, p99", confirmed_ms, "ms"),
        ("journal: appends per second in a storm", storm, "1/s"),
    ]


if __name__ == "__main__":
    for title, value, unit in run(print):
        print(f"{value:>12,.2f} {unit:<6} {title}")
