"""The simulated ward as a process of its own, on uvloop: ``python -m benchmarks.ward FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from benchmarks.world import go_first, many_files
from pumpd.simulator.run import run

if __name__ == "__main__":
    many_files()
    go_first()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(Path(sys.argv[1]), lambda line: print(line, flush=True)))
