"""What a real pseudo-terminal brings beside good answers: noise, halves, another master, nothing at all.

A pseudo-terminal carries neither speed nor parity. A pump that hears another speed says nothing or noise, and
a framing or parity error reaches a program as damaged bytes: that is what is done here.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable

import pytest

from pumpd.errors import LinkTimeoutError
from pumpd.probe import probe
from pumpd.protocols.framing_rtu import RtuServerFramer, frame_of
from pumpd.protocols.modbus import ReadRegisters
from pumpd.transports.bus import Bus, bus_for
from pumpd.transports.url import parse_url
from tests.transports.devices import answer
from tests.transports.terminals import terminal
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("LINK-9")]

Says = Callable[[bytes], bytes]
"""What the line brings instead of a pump's reply."""


@contextlib.asynccontextmanager
async def line(says: list[Says], latency_ms: int) -> AsyncIterator[tuple[Bus, int]]:
    """A bus on a pseudo-terminal; each question in turn meets the next of ``says``, and then the last one."""
    framer, loop = RtuServerFramer(), asyncio.get_running_loop()

    def hear() -> None:
        for question in framer.feed(os.read(device, 4096)):
            said = says.pop(0) if len(says) > 1 else says[0]
            os.write(device, said(framer.encode(question, answer(question.payload))))

    with terminal() as (device, path, _):
        loop.add_reader(device, hear)
        bus = bus_for(
            parse_url(f"modbus-rtu://{path}/1?baud=115200"),
            latency_ms=latency_ms,
            seeded=random.Random(1),
            on_blocked=lambda *_: None,
        )
        running = asyncio.create_task(bus.run(), name="bus under test")
        await bus.until_up()
        try:
            yield bus, device
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            loop.remove_reader(device)


def whole(reply: bytes) -> bytes:
    """Say what the pump says."""
    return reply


def half(reply: bytes) -> bytes:
    """Say the first half, and nothing more."""
    return reply[: len(reply) // 2]


def beside_another_master(reply: bytes) -> bytes:
    """Say what another master asks of another pump, what that pump answers, and then the reply."""
    asked = bytes((2, 3, 0, 5, 0, 2))
    return frame_of(asked) + frame_of(answer(asked)) + reply


def noisy(reply: bytes) -> bytes:
    """Say noise in front of it."""
    return b"\x00\xff\x01\x03\x55" + reply


async def test_readings_survive_what_stands_beside_them():
    """Noise, another master, half a reply: each value is right, what was not for us dropped and counted."""
    async with line([noisy, beside_another_master, half, whole], latency_ms=400) as (bus, device):
        pump = bus.conversation(1, 50)
        counted = pump.counters
        assert await pump.ask(ReadRegisters(1, 3, 5, 2)) == (105, 106)
        assert (counted.asked, counted.discarded_bytes, counted.marred) == (1, 5, 1)
        assert await pump.ask(ReadRegisters(1, 3, 5, 3)) == (105, 106, 107)
        assert (counted.asked, counted.discarded_bytes, counted.marred) == (2, 5 + 8 + 9, 2)
        assert await pump.ask(ReadRegisters(1, 3, 5, 4)) == (105, 106, 107, 108)
        assert (counted.asked, counted.answered, counted.timed_out) == (4, 3, 1)
        os.write(device, beside_another_master(b""))
        await until(lambda: counted.discarded_bytes >= 2 * (8 + 9) + 5)
        assert await pump.ask(ReadRegisters(1, 3, 9, 5)) == (109, 110, 111, 112, 113)


async def test_half_a_frame_and_no_more_is_no_reading():
    """Nothing is made of a half, however often it comes; the words name what to look at."""
    async with line([half], latency_ms=20) as (bus, _):
        with pytest.raises(LinkTimeoutError, match="check power, cable, address and baud rate"):
            await bus.conversation(1, 50).ask(ReadRegisters(1, 3, 5, 2))


@pytest.mark.parametrize(
    ("brings", "words"),
    [
        (
            b"",
            "nothing answers: check that the pump is on, its cable (are the two wires of RS-485 exch",
        ),
        (None, "only our own bytes came back: the adapter hears itself (echo), and nothing answers"),
        (
            b"\x80\xf8\x00\x78\xe6",
            "bytes came, but no reply to our question: baud rate, parity, another master",
        ),
    ],
    ids=["nothing", "an echo", "noise, as of another speed or parity"],
)
async def test_a_probe_says_what_a_wrong_speed_or_parity_looks_like(brings, words):
    """Silence, an echo and noise lead to different words."""
    told: list[str] = []
    loop = asyncio.get_running_loop()
    with terminal() as (device, path, _):

        def hear() -> None:
            heard = os.read(device, 4096)
            os.write(device, heard if brings is None else brings)

        loop.add_reader(device, hear)
        url = f"modbus-rtu://{path}/1?baud=115200"
        assert not await probe(url, "reference-pump", told.append, show_bytes=False)
        loop.remove_reader(device)
    assert words in told[-2]
