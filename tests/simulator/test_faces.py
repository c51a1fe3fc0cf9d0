"""Each dialect over each kind of wire: the same pump behind all of them, stable names, wire time kept."""

from __future__ import annotations

import asyncio
import os
import tty
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from pumpd.drivers.registry import shipped
from pumpd.probe import probe
from pumpd.protocols.checksums import crc16_modbus
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.maps import shipped_map, shipped_names
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.line import Answering, SimulatedLine
from pumpd.simulator.stage import make_pump
from pumpd.simulator.ward import load_ward
from tests.simulator.stages import WARD, open_stage, written

pytestmark = pytest.mark.requirement("SIM-2")
MAPS = {spec.card.register_map: name for name, spec in shipped().items() if spec.register_map}
READ_14 = bytes.fromhex("01 04 0000 000e 71ce")
"""Unit 1: 14 input registers from 0; the reply has 33 bytes."""

ONE_PUMP = """\
seed: 5
lines:
  - listen: LISTEN
    pumps:
      - {id: PUMP, unit: 7, map: MAP, serial_number: SIM-0007, channels: {CHANNELS}}
"""


def test_every_shipped_map_has_a_driver_that_these_tests_ask():
    """A dialect that is added is served over every wire here, or this says so."""
    assert set(MAPS) == set(shipped_names())


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(MAPS))
@pytest.mark.parametrize(
    ("listen", "scheme", "options"),
    [
        ("modbus-tcp://127.0.0.1:0", "modbus-tcp", ""),
        ("modbus-rtu://127.0.0.1:0", "modbus-rtu", ""),
        ("modbus-rtu://PATH?baud=57600&parity=E", "modbus-rtu", "?baud=57600&parity=E"),
    ],
    ids=["tcp", "rtu over tcp", "pseudo-terminal"],
)
async def test_each_dialect_is_served_on_each_wire(tmp_path, name, listen, scheme, options):
    """Its own driver reads serial number, rate and status, as far as the pump tells them."""
    register_map = shipped_map(name)
    channels = ", ".join(f'"{channel}": {{rate: 10.5 mL/h}}' for channel in register_map.channels)
    text = ONE_PUMP.replace("LISTEN", listen).replace("MAP", name).replace("CHANNELS", channels)
    async with open_stage(tmp_path, text) as stage:
        said: list[str] = []
        where = stage.pumps["PUMP"].served.where
        assert await probe(f"{scheme}://{where}/7{options}", MAPS[name], said.append, readings=1), said
    told = "\n".join(said)
    known = register_map.identity.serial_number is not None
    assert ("serial number SIM-0007" in told) is known
    for channel, spec in register_map.channels.items():
        _, _, of_it = told.partition(f"channel {channel}:")
        rate = "10.5 mL/h" if spec.set_flow else "MISSING"
        assert f"set flow: {rate}" in of_it.partition("channel ")[0]


@asynccontextmanager
async def opened(path):
    """Open a serial port as a client does; hand over what sends one question and returns the reply."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    try:
        tty.setraw(port)
        loop.add_reader(port, lambda: heard.put_nowait(os.read(port, 300)))

        async def ask(request=READ_14, reply_bytes=33):
            os.write(port, request)
            reply = b""
            async with asyncio.timeout(10):
                while len(reply) < reply_bytes:
                    reply += await heard.get()
            return reply

        yield ask
    finally:
        loop.remove_reader(port)
        os.close(port)


@pytest.mark.real
async def test_the_name_of_a_serial_line_outlasts_the_simulator(tmp_path):
    """Stopped and started, or killed so that its link dangles: the same path leads to the pump again."""
    path = tmp_path / "line-a"
    for _ in range(2):
        async with open_stage(tmp_path), opened(path) as ask:
            assert (await ask())[:3] == b"\x01\x04\x1c"
        assert not path.is_symlink()
    path.symlink_to("/dev/pts/99999")
    async with open_stage(tmp_path), opened(path) as ask:
        assert (await ask())[:3] == b"\x01\x04\x1c"
        assert path.readlink().parent == Path("/dev/pts")


@pytest.mark.real
async def test_a_serial_line_outlasts_its_clients(tmp_path):
    """One client closes the port and another opens it: the same name, and it answers."""
    async with open_stage(tmp_path):
        for _ in range(3):
            async with opened(tmp_path / "line-a") as ask:
                assert len(await ask()) == 33


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "bits"),
    [("baud=9600", 10), ("baud=9600&parity=E", 11), ("baud=9600&parity=E&stop=2", 12), ("baud=2400", 10)],
)
async def test_a_reply_takes_its_time_at_the_baud_rate(tmp_path, options, bits):
    """8 bytes of question and 33 of reply, each with start, data, parity and stop bits; never sooner."""
    text = WARD.replace("baud=19200", options)
    async with open_stage(tmp_path, text), opened(tmp_path / "line-a") as ask:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await ask()
        baud = int(options.partition("&")[0].removeprefix("baud="))
        assert loop.time() - begun_s >= (8 + 33) * bits / baud


@in_virtual_time
async def _arrivals(ward, baud, bits):
    """Ask twice at once on one line; return when each reply was there, in seconds."""
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    pumps = [make_pump(section, "", {}) for section in ward.lines[1].pumps]
    for pump in pumps:
        pump.reply_time_s = 0.0
    line = SimulatedLine(pumps, Random(1))
    answering = Answering(line, RtuServerFramer(), lambda _: seen.append(loop.time()), baud, bits)
    answering.data_received(READ_14)
    answering.data_received(READ_14)
    await asyncio.sleep(10)
    return seen


@pytest.mark.parametrize(("baud", "bits"), [(9600, 10), (9600, 11), (300, 12), (115_200, 10)])
def test_wire_time_is_exact(tmp_path, baud, bits):
    """Question and reply take bytes x bits / baud, to the microsecond; a second reply waits for the first."""
    first, second = _arrivals(load_ward(written(tmp_path)), baud, bits)
    assert first == pytest.approx((8 + 33) * bits / baud, abs=1e-6)
    assert second == pytest.approx(first + 33 * bits / baud, abs=1e-6)


@in_virtual_time
async def test_a_late_reply_holds_nobody_up_before_it_comes(tmp_path):
    """One pump answers 200 ms late; what the other is asked meanwhile is answered in its own time."""
    loop = asyncio.get_running_loop()
    seen: list[tuple[int, float]] = []
    pumps = [make_pump(section, "", {}) for section in load_ward(written(tmp_path)).lines[1].pumps]
    for pump in pumps:
        pump.reply_time_s = 0.0
    line = SimulatedLine(pumps, Random(1))
    line.faults.add(1, Fault(FaultKind.DELAY, delay_s=0.2))
    other = bytes((2,)) + READ_14[1:6]
    answering = Answering(
        line, RtuServerFramer(), lambda frame: seen.append((frame[0], loop.time())), 9600, 10
    )
    answering.data_received(READ_14)
    answering.data_received(other + crc16_modbus(other).to_bytes(2, "little"))
    await asyncio.sleep(1)
    carried_s = (8 + 33) * 10 / 9600
    assert [unit for unit, _ in seen] == [2, 1]
    assert seen[0][1] == pytest.approx(carried_s, abs=1e-6)
    assert seen[1][1] == pytest.approx(0.2 + carried_s, abs=1e-6)
