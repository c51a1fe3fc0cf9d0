"""What the line-protocol writer costs against bare encoding, and a day of one pump read from InfluxDB."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench_store import CHANNEL, DAY_S, PUMPS, START_MS, Figure, readings
from pumpd.core.telemetry import PumpId
from pumpd.store.base import HistoryRow
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_reader import InfluxHistoryReader
from pumpd.store.influx_sender import Door
from tests.store.influx import influx, missing

SECONDS = 30
NS_PER_MS = 1_000_000


class Nowhere:
    """A database that takes everything at once."""

    def write(self, lines: bytes) -> None:
        """Take lines."""

    def close(self) -> None:
        """Let go of nothing."""


def bare() -> float:
    """Return CPU microseconds per reading of writing lines alone: values ready, no roll-ups, no disk."""
    batches = [
        [
            (
                f"P-{pump}",
                12.5,
                12.5,
                second * 0.003,
                0.3,
                31.2,
                80.0,
                second,
                1,
                (START_MS + second * 1000 + pump % 1000) * NS_PER_MS,
            )
            for pump in range(PUMPS)
        ]
        for second in range(SECONDS)
    ]
    began = time.process_time()
    for batch in batches:
        "\n".join(
            [
                f"reading,site=clinic,ward=ward,pump={pump},channel=1,provenance=demo flow_ml_h={flow!r},"
                f"set_flow_ml_h={set_flow!r},volume_ml={volume!r},dose_mg_kg_h={dose!r},"
                f"pressure_kpa={pressure!r},battery_percent={battery!r},"
                f"sequence={sequence},status={code} {at}"
                for pump, flow, set_flow, volume, dose, pressure, battery, sequence, code, at in batch
            ]
        ).encode()
    return (time.process_time() - began) * 1e6 / (PUMPS * SECONDS)


async def written(directory: Path, rows: list[HistoryRow], door: Callable[[], Door]) -> float:
    """Return CPU microseconds per reading of the whole writer: times, roll-ups, spool."""
    writer = InfluxHistoryWriter(SpoolPlace(directory, 2**31), "clinic", door, buffer_rows=len(rows))
    began = time.process_time()
    for row in rows:
        writer.write(row)
    for _ in range(6000):
        if writer.status().written >= len(rows):
            break
        await asyncio.sleep(0.02)
    else:
        raise TimeoutError(str(writer.status()))
    spent = time.process_time() - began
    await writer.close()
    return spent * 1e6 / len(rows)


async def day(directory: Path) -> float:
    """Return the median of milliseconds in which a day of one pump comes back as 1,000 buckets."""
    (directory / "db").mkdir()
    with influx(directory / "db") as served:
        place = served.make()
        await written(directory, list(readings(1, DAY_S)), lambda: InfluxDoor(place))
        reader = InfluxHistoryReader(place, "clinic")
        took: list[float] = []
        for _ in range(9):
            began = time.perf_counter()
            trend = await reader.trend(
                PumpId("P-0"), CHANNEL, "flow_ml_h", START_MS, START_MS + DAY_S * 1000, 1000
            )
            took.append((time.perf_counter() - began) * 1000)
            if len(trend.buckets) != 1000 or sum(bucket.count for bucket in trend.buckets) != DAY_S:
                raise RuntimeError(f"{len(trend.buckets)} buckets")
        await reader.close()
    return statistics.median(took)


def run(say: Callable[[str], object]) -> list[Figure]:
    """Return what was measured."""
    say("measuring the line-protocol writer")
    bare_us = bare()
    with TemporaryDirectory(prefix="pumpd-bench-") as made:
        rows = list(readings(PUMPS, SECONDS))
        whole_us = asyncio.run(written(Path(made), rows, Nowhere))
    figures: list[Figure] = [
        ("InfluxDB: readings per CPU second through the writer", 1e6 / whole_us, "1/s"),
        ("InfluxDB: readings per CPU second, bare encoding", 1e6 / bare_us, "1/s"),
        ("InfluxDB: writer (times, roll-ups, spool) over bare encoding", bare_us / whole_us, "ratio"),
    ]
    if missing():
        say(missing())
        return figures
    with TemporaryDirectory(prefix="pumpd-bench-") as made:
        ms = asyncio.run(day(Path(made)))
    what = f"InfluxDB 1.6: a day of one pump ({DAY_S:,} readings) as 1,000 buckets, median"
    return [*figures, (what, ms, "ms")]


if __name__ == "__main__":
    for title, value, unit in run(print):
        print(f"{value:>12,.2f} {unit:<6} {title}")
