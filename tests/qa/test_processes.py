"""Real processes and ports of a scenario: begun, interrupted, ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path

import pytest

from pumpd.child import spawn
from pumpd.qa.processes import Child, HeldPort, ProcessError

pytestmark = pytest.mark.real
SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")


async def test_a_start_that_is_cancelled_at_any_step_ends_and_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C may come at any turn of the loop; the fixture of every test looks for what is left."""
    with (tmp_path / "log").open("wb") as output:
        for turns in range(12):
            starting = asyncio.create_task(spawn(SLEEPS, output, signal.SIGKILL), name="tested.spawn")
            for _ in range(turns):
                await asyncio.sleep(0)
            starting.cancel()
            async with asyncio.timeout(10):
                with contextlib.suppress(asyncio.CancelledError):
                    process = await starting
                    process.kill()
                    await process.wait()


async def test_a_program_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Nobody waits for a program that is gone."""
    child = Child("talker", (sys.executable, "-c", "print('no such disk')"), tmp_path / "log")
    with pytest.raises(ProcessError, match="talker ended by itself with status 0:\n    no such disk"):
        await child.start(lambda _: False)
    await child.kill()
    assert not child.running


async def test_a_held_port_is_refused_until_somebody_listens_and_again_afterwards() -> None:
    """Unplugged is "connection refused", and the port is still ours when the plug goes in again."""
    held = HeldPort()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", held.port)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", held.port, family=socket.AF_INET)
        server.close()
        await server.wait_closed()
    held.close()
