"""What a protocol owes the pump for what arrived: sent at once or at its moment, and never more than LINK."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from pumpd.errors import TransportError, WireError
from pumpd.protocols import alaris
from pumpd.protocols.alaris_frame import frame_of
from pumpd.protocols.wire import Dialect, Permission
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.bus import bus_for
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import parse_url

ACK, BEAT = b"\x06", b"\x05"
READ = alaris.ReadRate(1)
READ_FRAME, RATE = frame_of(b"INF_RATE"), frame_of(b"INF_RATE^3.50^ml/h")


class Framer(alaris.AlarisFramer):
    """One that owes an acknowledgement of every message, and of a beat half a second later."""

    def __init__(self) -> None:
        super().__init__()
        self._owed: list[tuple[float, bytes]] = []

    def feed(self, data):
        self._owed += [(0.5, ACK)] * data.count(BEAT) + [(0.0, ACK)] * data.count(b"\r")
        return super().feed(data)

    def take_owed(self):
        owed, self._owed = self._owed, []
        return owed


def judge(frame):
    """Read an acknowledgement as the upkeep of a session."""
    return (None, Permission.LINK) if frame == ACK else alaris.judge(frame)


class Pump:
    """Keeps what arrives, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []

    def data_received(self, data):
        self.heard.append((asyncio.get_running_loop().time(), data))

    def connection_lost(self, error):
        pass


@asynccontextmanager
async def line(controls=(Permission.LINK,)):
    """Give the line, the pump's end of its wire, what the pump heard, and what was held back."""
    wire, pump, blocked = MemoryWire(), Pump(), []
    await wire.answering.open(pump)
    dialect = Dialect("acknowledged", Framer, judge, (), (), (), range(1, 2))
    bus = bus_for(
        parse_url("tcp://memory:1"),
        latency_ms=0,
        seeded=random.Random(1),
        on_blocked=lambda _unit, frame, _reason: blocked.append(frame),
        transport=wire.asking,
        dialect=dialect,
    )
    await bus.link.open()
    yield bus, bus.conversation(1, 100, controls), wire, pump, blocked
    await bus.link.close(TransportError("put away"))


@pytest.mark.requirement("LINK-7")
@in_virtual_time
async def test_what_arrives_unasked_is_acknowledged_at_once():
    """Nobody has asked anything, and none waits."""
    async with line() as (_, _, wire, pump, blocked):
        wire.answering.write(RATE)
        await asyncio.sleep(0.01)
        assert [data for _, data in pump.heard] == [ACK]
        assert blocked == []


@pytest.mark.requirement("LINK-7")
@in_virtual_time
async def test_an_acknowledgement_goes_before_the_next_question():
    """A pump that waits for it says nothing more."""
    async with line() as (_, talk, wire, pump, _):
        await asyncio.sleep(1)
        both = asyncio.gather(talk.ask(READ), talk.ask(alaris.ReadSerial(1)), return_exceptions=True)
        await asyncio.sleep(0.01)
        wire.answering.write(RATE)
        assert (await both)[0] == "3.50"
        heard = [data for _, data in pump.heard]
        assert heard[:2] == [READ_FRAME, ACK]
        assert alaris.judge(heard[2]) == (1, Permission.READ)


@pytest.mark.requirement("LINK-7")
@in_virtual_time
async def test_one_that_is_owed_later_goes_at_its_moment():
    """Also when meanwhile the line is lost: then it is needed no more, and nothing breaks."""
    async with line() as (bus, _, wire, pump, blocked):
        wire.answering.write(BEAT)
        await asyncio.sleep(0.01)
        assert pump.heard == []
        await asyncio.sleep(0.6)
        assert [(round(at, 2), data) for at, data in pump.heard] == [(0.5, ACK)]
        wire.answering.write(BEAT)
        await asyncio.sleep(0.01)
        await bus.link.close(TransportError("unplugged"))
        await asyncio.sleep(1)
        assert (len(pump.heard), blocked) == (1, [])


@pytest.mark.requirement("LINK-7", "INV-1")
@in_virtual_time
async def test_none_leaves_that_is_not_declared():
    """It passes the same filter as every other frame."""
    async with line(controls=()) as (_, _, wire, pump, blocked):
        wire.answering.write(RATE)
        await asyncio.sleep(0.01)
        assert (pump.heard, blocked) == ([], [ACK])
    with pytest.raises(WireError):
        judge(ACK + ACK)
