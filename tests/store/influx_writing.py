"""A program that writes readings of many pumps through the whole store, in real time, until it is killed.

``python -m tests.store.influx_writing DIRECTORY URL BUCKET PUMPS SECONDS FIRST`` says each second how many it
wrote, then waits until nothing waits any more.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pumpd.clock import SystemClock
from pumpd.core.telemetry import PumpId
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from tests.store.influx_named import place_at
from tests.store.readings import row


async def main(directory: str, url: str, bucket: str, pumps: int, seconds: int, first: int) -> None:
    """Write a reading of each pump a second."""
    place = place_at(url, bucket)
    writer = InfluxHistoryWriter(SpoolPlace(Path(directory), 2**28), "clinic", lambda: InfluxDoor(place))
    clock, loop = SystemClock(), asyncio.get_running_loop()
    began_s = loop.time()
    for second in range(seconds):
        at_ms = int(clock.wall().timestamp() * 1000)
        for pump in range(pumps):
            writer.write(row(first + second, at_ms=at_ms, pump=PumpId(f"P-{pump}")))
        print(second + 1, flush=True)
        await asyncio.sleep(began_s + second + 1 - loop.time())
    while writer.status().waiting:  # noqa: ASYNC110 - its threads tell nobody
        await asyncio.sleep(0.05)
    await writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], *(int(word) for word in sys.argv[4:])))
