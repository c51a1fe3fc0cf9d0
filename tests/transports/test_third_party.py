"""A Modbus server that shares no code with ours, libmodbus, is read over TCP and over a serial line."""

import asyncio
import contextlib
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from pumpd.errors import DeviceRefusedError, TransportError
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil, WriteRegister
from pumpd.protocols.wire import Permission
from pumpd.transports.bus import bus_for
from pumpd.transports.outgoing import ControlPoint
from pumpd.transports.url import parse_url

pytestmark = pytest.mark.real

SOURCE = Path(__file__).with_name("third_party_server.c")
CONTROLS = (
    ControlPoint(5, 7, 0xFF00, 0xFF00, Permission.PAUSE),
    ControlPoint(6, 9, 0, 500, Permission.LOWER),
)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Compile the server."""
    missing = [tool for tool in ("gcc", "pkg-config") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if flags.returncode:
        pytest.skip("needs libmodbus-dev")
    built = tmp_path_factory.mktemp("third-party") / "server"
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", built, SOURCE, *flags.stdout.split()], check=True)
    return built


@contextlib.contextmanager
def running(*command):
    """Run a program until the test is over; give its first line of output."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.terminate()


async def _lowered(pump, reading, lower):
    """Write it in the turn of a reading; return how often a busy machine was too late and wrote nothing."""
    for late_count in range(20):
        try:
            assert await pump.lower(reading, lambda _reply: lower, lambda: None)
        except TransportError as error:
            if "nothing written" not in str(error):
                raise
        else:
            return late_count
    raise AssertionError("it was too late twenty times")


async def read_everything(url, unit):
    """Ask all functions a pump may be asked, twice the same so that the line's discipline shows."""
    bus = bus_for(
        parse_url(url),
        latency_ms=300,
        seeded=random.Random(1),
        on_blocked=lambda *told: pytest.fail(f"{told}"),
    )
    task = asyncio.create_task(bus.run(), name="bus under test")
    try:
        await bus.until_up()
        pump = bus.conversation(unit, 100, CONTROLS)
        for function in (3, 4):
            assert await pump.ask(ReadRegisters(unit, function, 10, 40)) == tuple(
                range(100 * unit + 10, 100 * unit + 50)
            )
        for function in (1, 2):
            assert await pump.ask(ReadBits(unit, function, 3, 10)) == (True, False) * 5
        assert await pump.ask(ReadRegisters(unit, 3, 20, 1)) == (100 * unit + 20,)
        await pump.ask(WriteCoil(unit, 7, on=True, permission=Permission.PAUSE))
        lower = WriteRegister(unit, 9, 120, Permission.LOWER)
        late_count = await _lowered(pump, ReadRegisters(unit, 3, 30, 2), lower)
        with pytest.raises(DeviceRefusedError, match="illegal data address") as refusal:
            await pump.ask(ReadRegisters(unit, 3, 1000, 2))
        assert refusal.value.code == 2
        counted = (pump.counters.answered, pump.counters.timed_out, pump.counters.discarded_bytes)
        assert counted == (8 + late_count, 0, 0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.requirement("LINK-4")
async def test_libmodbus_is_read_over_tcp(program):
    """Registers, inputs, coils, writes and a refusal of a foreign server over Modbus TCP."""
    with running(program, "tcp") as port:
        await read_everything(f"modbus-tcp://127.0.0.1:{port}/5", 5)


@pytest.mark.requirement("LINK-4")
async def test_libmodbus_is_read_over_a_serial_line(program, tmp_path):
    """The same over RTU on a pair of pseudo-terminals."""
    if shutil.which("socat") is None:
        pytest.skip("needs socat")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with running("socat", "-d", "-d", f"pty,raw,echo=0,link={ours}", f"pty,raw,echo=0,link={theirs}"):
        async with asyncio.timeout(5):
            while not (ours.exists() and theirs.exists()):  # noqa: ASYNC110 - another program makes them
                await asyncio.sleep(0.01)
        with running(program, "rtu", str(theirs), "5") as said:
            assert said == "ready"
            await read_everything(f"modbus-rtu://{ours}/5?baud=19200", 5)
