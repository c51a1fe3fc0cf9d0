"""Serial ports, as pseudo-terminals show them, on the standard loop and on uvloop."""

import asyncio
import contextlib
import os
import random

import pytest
from structlog.testing import capture_logs

from pumpd.errors import TransportError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.modbus import ReadRegisters
from pumpd.transports.bus import bus_for
from pumpd.transports.serial_line import SerialSettings, SerialTransport
from pumpd.transports.url import parse_url
from tests.transports.devices import answer
from tests.transports.loops import LOOPS, Heard, run
from tests.transports.terminals import terminal

pytestmark = pytest.mark.real


@LOOPS
def test_pumps_are_asked_over_a_serial_line(new_loop):
    """A whole RTU bus on a port: two units in turn."""

    async def main():
        with terminal() as (device, path, _):
            framer = RtuServerFramer()

            def hear():
                for question in framer.feed(os.read(device, 4096)):
                    os.write(device, framer.encode(question, answer(question.payload)))

            asyncio.get_running_loop().add_reader(device, hear)
            bus = bus_for(
                parse_url(f"modbus-rtu://{path}/1?baud=115200"),
                latency_ms=300,
                seeded=random.Random(1),
                on_blocked=lambda *_: None,
            )
            running = asyncio.create_task(bus.run(), name="bus under test")
            await bus.until_up()
            for unit in (3, 4):
                pump = bus.conversation(unit, 50)
                registers = await pump.ask(ReadRegisters(unit, 3, 5, 30))
                assert registers == tuple(range(100 * unit + 5, 100 * unit + 35))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            asyncio.get_running_loop().remove_reader(device)

    run(new_loop, main)


@LOOPS
@pytest.mark.requirement("LINK-9")
def test_unplugging_is_told_once(new_loop):
    """The port's end is an error with the reason; then writing fails, and closing is quiet."""

    async def main():
        with terminal() as (device, path, unplug):
            transport, heard = SerialTransport("port", path, SerialSettings(9600)), Heard()
            await transport.open(heard)
            os.write(device, b"\x01\x02\xff")
            await heard.happened.wait()
            assert heard.data == b"\x01\x02\xff"
            heard.happened.clear()
            unplug()
            await heard.happened.wait()
            assert [str(error) for error in heard.errors] == ["port: the port was unplugged"]
            with pytest.raises(TransportError, match="not open"):
                transport.write(b"x")
            await transport.close()
            with pytest.raises(TransportError, match="no such port"):
                await transport.open(heard)

    run(new_loop, main)


@LOOPS
@pytest.mark.requirement("LINK-9")
def test_a_port_has_one_user(new_loop):
    """A second program, or a second line of the configuration, is told to go away."""

    async def main():
        with terminal() as (_, path, _):
            first = SerialTransport("first", path, SerialSettings(9600))
            second = SerialTransport("second", path, SerialSettings(9600))
            await first.open(Heard())
            with pytest.raises(TransportError, match="another program has the port open"):
                await second.open(Heard())
            await first.close()
            await second.open(Heard())
            await second.close()

    run(new_loop, main)


@LOOPS
def test_a_pseudo_terminal_that_refuses_parity_is_opened_as_8n1_and_that_is_said(new_loop):
    """7E1 can not be had there: the log says so once, and bytes pass whole."""

    async def main():
        with terminal() as (device, path, _), capture_logs() as logs:
            transport, heard = SerialTransport("port", path, SerialSettings(9600, "E", 7)), Heard()
            for _ in range(2):
                await transport.open(heard)
                os.write(device, b"\xaa\x55")
                await heard.happened.wait()
                assert heard.data == b"\xaa\x55"
                heard.data, heard.happened = b"", asyncio.Event()
                await transport.close()
            assert [(entry["event"], entry["wanted"]) for entry in logs] == [
                ("pseudo-terminal opened as 8N1", "9600 7E1")
            ]

    run(new_loop, main)


@LOOPS
def test_a_port_that_takes_nothing_costs_bounded_memory(new_loop):
    """Writing goes on while the port is full, up to a bound, and everything written arrives in order."""

    async def main():
        with terminal() as (device, path, _):
            transport = SerialTransport("port", path, SerialSettings(9600))
            await transport.open(Heard())
            written = b""
            with contextlib.suppress(TransportError):
                for n in range(10_000):
                    piece = n.to_bytes(2) * 100
                    transport.write(piece)
                    written += piece
            assert len(written) < 100_000
            got = b""
            async with asyncio.timeout(5):
                while len(got) < len(written):
                    with contextlib.suppress(BlockingIOError):
                        got += os.read(device, 4096)
                    await asyncio.sleep(0)
            assert got == written
            await transport.close()

    run(new_loop, main)


def test_settings_read_like_the_label_of_a_pump():
    """9600 7E1 has ten bits a byte: start, seven, parity and stop."""
    assert str(SerialSettings(9600, "E", 7)) == "9600 7E1"
    assert SerialSettings(9600, "E", 7).bits_per_byte == 10
    assert SerialSettings(19200, "E").bits_per_byte == 11
