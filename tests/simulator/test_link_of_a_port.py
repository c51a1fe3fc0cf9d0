"""The path that names a simulated serial port: it never takes the place of what somebody else uses."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.errors import TransportError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import PtyLine
from pumpd.transports.serial_line import SerialSettings

pytestmark = pytest.mark.real
ANOTHER = """
import asyncio, random, sys
from pathlib import Path
from tests.simulator.test_link_of_a_port import port

async def main():
    await port(Path(sys.argv[1])).plug()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def port(path: Path) -> PtyLine:
    """Return a serial line without pumps, unplugged."""
    line = SimulatedLine([], random.Random(0))
    return PtyLine(line, path, RtuServerFramer, SerialSettings(19200, "N", 8, 1))


@pytest.mark.requirement("SIM-2")
async def test_a_second_simulator_does_not_take_the_port_of_a_first(tmp_path: Path) -> None:
    """While the other process lives its link stays; what it left behind when it was killed is replaced."""
    path = tmp_path / "line"
    command = [sys.executable, "-c", ANOTHER, str(path)]
    other = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"ready\n"
        its_own = path.readlink()
        with pytest.raises(TransportError, match="something else is there"):
            await port(path).plug()
        assert path.readlink() == its_own
    finally:
        other.kill()
        await other.communicate()
    ours = port(path)
    await ours.plug()
    assert path.exists()
    await ours.unplug()
    assert not path.is_symlink()


@pytest.mark.parametrize("target", ["/dev/null", "/etc/passwd"])
async def test_a_link_to_a_device_or_a_file_stays(tmp_path: Path, target: str) -> None:
    """Names of real ports are links, too: a simulated pump never stands where a real one was."""
    path = tmp_path / "ttyPUMP"
    path.symlink_to(target)
    with pytest.raises(TransportError, match="something else is there"):
        await port(path).plug()
    assert str(path.readlink()) == target
