"""The simulated ward as a process of its own, on uvloop: ``python -m benchmarks.ward FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from benchmarks.world import go_first, many_files
from pumpd.daemon.service import settle_memory
from pumpd.simulator.run import run


async def serve(ward: Path) -> None:
    """Serve until told to end; its whole collections, long at 3,000 pumps, are not to be what is measured."""
    settling = asyncio.create_task(settle_memory(), name="memory")
    try:
        await run(ward, lambda line: print(line, flush=True))
    finally:
        settling.cancel()


if __name__ == "__main__":
    many_files()
    go_first()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1])))
