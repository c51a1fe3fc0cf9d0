"""``pumpd simulate`` as a process of its own, for tests."""

import asyncio
import re
import signal
import sys
from contextlib import asynccontextmanager

from tests.simulator.stages import WARD, written

PROGRAM = (sys.executable, "-m", "pumpd.cli")


@asynccontextmanager
async def simulated(folder, text=WARD, before=(), control=()):
    """Run ``pumpd simulate``; hand over where each pump listens, and its control; end it with SIGINT."""
    process = await asyncio.create_subprocess_exec(
        *before,
        *PROGRAM,
        *("simulate", "-c", str(written(folder, text))),
        *control,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    places = {}
    try:
        async with asyncio.timeout(30):
            while not (said := (await process.stdout.readline()).decode()).startswith("ready"):
                assert said, "pumpd simulate ended before it was ready"
                if match := re.match(r"(\S+) listens on (\S+), unit (\d+)", said):
                    places[match[1]] = (match[2], match[3])
                elif match := re.match(r"control listens on http://(\S+)/", said):
                    places["control"] = (match[1], "")
        yield places
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0
