"""``pumpd simulate``: serve a ward until somebody ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from pumpd.simulator.stage import Stage
from pumpd.simulator.ward import load_ward


async def run(path: Path, tell: Callable[[str], None]) -> None:
    """Serve the ward in ``path`` until SIGINT or SIGTERM; ``tell`` gets a line for each pump, then "ready".

    ConfigError when the file is wrong, TransportError when a place is taken. Ports and links are removed.
    """
    ward = load_ward(path)
    stage = Stage(ward)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await stage.open()
        for name, placed in stage.pumps.items():
            tell(f"{name} listens on {placed.served.where}, unit {placed.pump.unit}")
        tell(f"ready: {len(stage.pumps)} simulated pumps on {len(stage.lines)} lines; Ctrl-C ends them")
        await ended.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await stage.close()
