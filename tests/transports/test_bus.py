"""A line that comes and goes: pauses that grow, one log line each way, and everyone served in turn."""

import asyncio
import random

import pytest
from structlog.testing import capture_logs

from pumpd.errors import TransportError
from pumpd.protocols.modbus import ReadRegisters
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.base import Receiver
from pumpd.transports.bus import LONGEST_PAUSE_S, bus_for
from pumpd.transports.memory import MemoryEnd, MemoryWire
from pumpd.transports.url import parse_url
from tests import proof
from tests.transports.lines import line


@in_virtual_time
async def test_a_line_that_was_unplugged_is_used_again_and_told_once_each_way():
    """A minute without the wire is one line down and one line up, however often it was tried."""
    with capture_logs() as logs:
        async with line("modbus-tcp") as on:
            pump = on.bus.conversation(1, 100)
            await pump.ask(ReadRegisters(1, 3, 0, 1))
            on.wire.unplug()
            await asyncio.sleep(60)
            assert not on.bus.up
            on.wire.plug()
            await on.bus.until_up()
            assert await pump.ask(ReadRegisters(1, 3, 0, 1)) == (100,)
    assert [entry["event"] for entry in logs] == ["line up", "line down", "line up"]


@in_virtual_time
async def test_a_line_that_was_lost_a_moment_ago_is_not_taken_for_open():
    """Whoever waits for it in the very step that it breaks waits until it is open again."""
    async with line("modbus-tcp") as on:
        pump = on.bus.conversation(1, 100)
        on.wire.unplug()
        on.wire.plug()
        while on.bus.up:  # noqa: ASYNC110 - it is a matter of one turn
            await asyncio.sleep(0)
        await on.bus.until_up()
        assert on.bus.opening == 2
        assert await pump.ask(ReadRegisters(1, 3, 0, 1)) == (100,)


class NoWire(MemoryEnd):
    """Can never be opened, and notes when somebody tried."""

    def __init__(self) -> None:
        super().__init__(MemoryWire(), "no wire", None, 10)
        self.tried_at: list[float] = []

    async def open(self, receiver: Receiver) -> None:
        self.tried_at.append(asyncio.get_running_loop().time())
        raise TransportError("there is no wire")


@in_virtual_time
async def test_attempts_to_open_grow_apart_with_jitter_and_never_stop():
    """Pauses double up to half a minute; two lines that fail together do not knock together."""
    wires = [NoWire(), NoWire()]
    running = []
    for n, wire in enumerate(wires):
        bus = bus_for(
            parse_url("modbus-tcp://memory:502/1"),
            latency_ms=20,
            seeded=random.Random(proof.SEED + n),
            on_blocked=lambda *_: None,
            transport=wire,
        )
        running.append(asyncio.create_task(bus.run(), name=f"bus {n}"))
    await asyncio.sleep(300)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    pauses = [[b - a for a, b in zip(w.tried_at, w.tried_at[1:], strict=False)] for w in wires]
    assert pauses[0] != pauses[1]
    for of_one in pauses:
        assert 0.25 <= of_one[0] <= 0.5
        assert max(of_one) <= LONGEST_PAUSE_S
        assert min(of_one[7:]) >= LONGEST_PAUSE_S / 2
        assert len(of_one) >= 12


@in_virtual_time
async def test_a_line_that_breaks_right_after_opening_does_not_reset_the_pauses():
    """A port that opens and fails at once is not hammered."""
    with capture_logs() as logs:
        async with line("modbus-tcp") as on:
            for _ in range(4):
                await on.bus.until_up()
                on.wire.unplug()
                on.wire.plug()
                await asyncio.sleep(0)
            lost_at = asyncio.get_running_loop().time()
            await on.bus.until_up()
            assert asyncio.get_running_loop().time() - lost_at >= 2
            assert on.bus.opening == 5
            before = len(logs)
            await asyncio.sleep(9.9)
            assert len(logs) == before
            await asyncio.sleep(0.2)
    # What goes on breaking is told once more only when it has held for ten seconds.
    assert [entry["event"] for entry in logs] == ["line up", "line down"] * 2 + ["line up"]


@in_virtual_time
async def test_closing_a_bus_ends_its_questions():
    """Whoever waits while the program ends gets TransportError."""
    async with line("modbus-rtu") as on:
        on.device.mute = True
        asking = asyncio.create_task(
            on.bus.conversation(1, 100).ask(ReadRegisters(1, 3, 0, 1)), name="asking"
        )
        await asyncio.sleep(0.1)
    with pytest.raises(TransportError, match="closed"):
        await asking


@pytest.mark.parametrize("framing", ["modbus-tcp", "modbus-rtu"])
@in_virtual_time
async def test_everyone_on_a_line_is_served_in_turn(framing):
    """Eight pumps that ask as fast as they may get equal shares, one of them being slow to answer."""
    async with line(framing, baud=19200) as on:
        on.wire.answering.on_the_way = lambda data: [(0.02, data)]
        got = dict.fromkeys(range(1, 9), 0)

        async def poll(unit):
            pump = on.bus.conversation(unit, 50)
            while True:
                await pump.ask(ReadRegisters(unit, 3, 0, 10))
                got[unit] += 1

        polls = [asyncio.create_task(poll(unit), name=f"poll {unit}") for unit in got]
        await asyncio.sleep(60)
        for task in polls:
            task.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        assert min(got.values()) > 50
        assert max(got.values()) - min(got.values()) <= 1


def test_a_framed_dialect_is_no_modbus_bus():
    """bus_for says so instead of guessing a framing."""
    with pytest.raises(ValueError, match="framed dialect"):
        bus_for(
            parse_url("tcp://127.0.0.1:4001"),
            latency_ms=20,
            seeded=random.Random(1),
            on_blocked=lambda *_: None,
        )
