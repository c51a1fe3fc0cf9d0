"""One question at a time: time-outs, quarantine, retries, priority, and what is counted."""

import asyncio
from typing import Any

import pytest

from pumpd.errors import DeviceRefusedError, ForbiddenFrameError, LinkTimeoutError, TransportError, WireError
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil
from pumpd.protocols.modbus_serving import IncomingCoils, exception_reply, parse_request
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.outgoing import ControlPoint
from tests.transports.devices import answer
from tests.transports.lines import line

FRAMINGS = pytest.mark.parametrize("framing", ["modbus-tcp", "modbus-rtu"])
STOP = ControlPoint(5, 0, 0xFF00, 0xFF00, Permission.PAUSE)
PAUSE = WriteCoil(1, 0, on=True, permission=Permission.PAUSE)
STATUS = ReadRegisters(1, 3, 10, 2)


@FRAMINGS
@in_virtual_time
async def test_a_question_is_answered(framing):
    """A read comes back as typed values, and is counted."""
    async with line(framing) as on:
        pump = on.bus.conversation(3, 100)
        assert await pump.ask(ReadRegisters(3, 3, 10, 2)) == (310, 311)
        assert await pump.ask(ReadBits(3, 1, 0, 3)) == (False, True, False)
        assert (pump.counters.asked, pump.counters.answered, pump.counters.timed_out) == (2, 2, 0)


@pytest.mark.requirement("LINK-5")
@FRAMINGS
@in_virtual_time
async def test_silence_repeats_a_read_once_and_a_pause_never(framing):
    """A read is sent twice before LinkTimeoutError, a write once."""
    async with line(framing) as on:
        on.device.mute = True
        pump = on.bus.conversation(1, 100, [STOP])
        with pytest.raises(LinkTimeoutError, match="within 120 ms"):
            await pump.ask(STATUS)
        assert len(on.device.asked) == 2
        with pytest.raises(LinkTimeoutError):
            await pump.ask(PAUSE)
        assert len(on.device.asked) == 3
        assert (pump.counters.asked, pump.counters.timed_out) == (3, 3)


@pytest.mark.requirement("LINK-1")
@pytest.mark.parametrize(
    ("framing", "baud", "timeout_ms"),
    [
        ("modbus-tcp", None, 100 + 20),
        ("modbus-rtu", None, 100 + 20),
        ("modbus-rtu", 9600, 100 + 20 + (8 + 9) * 10 / 9.6),
    ],
)
@in_virtual_time
async def test_the_time_out_is_wire_time_and_reply_time_and_latency(framing, baud, timeout_ms):
    """A write that nobody answers fails after the bytes at the baud rate, the pump's time and the way."""
    async with line(framing, baud=baud) as on:
        pump = on.bus.conversation(1, 100, [STOP])
        assert on.bus.timeout_s(STATUS, 100) * 1000 == pytest.approx(timeout_ms)
        on.device.mute = True
        loop = asyncio.get_running_loop()
        with pytest.raises(LinkTimeoutError):
            await pump.ask(STATUS)
        elapsed_s = loop.time()
        least_s = 2 * timeout_ms / 1000 if framing == "modbus-tcp" else (4 + 4 + 1) * timeout_ms / 1000
        assert elapsed_s == pytest.approx(least_s, abs=0.01)


@pytest.mark.requirement("LINK-2")
@in_virtual_time
async def test_after_connecting_an_rtu_line_is_left_alone_for_four_time_outs():
    """Replies to another life's questions, which serial servers keep, are here before the first question."""
    async with line("modbus-rtu") as on:
        loop = asyncio.get_running_loop()
        asked = asyncio.create_task(on.bus.conversation(1, 100).ask(STATUS), name="first question")
        on.wire.answering.write(bytes.fromhex("01 03 04 0001 0002 2A32"))
        assert await asked == (110, 111)
        assert loop.time() == pytest.approx(4 * 0.120, abs=0.01)
        assert on.bus.conversation(1, 100).counters.asked == 1


@pytest.mark.requirement("LINK-2")
@in_virtual_time
async def test_an_rtu_shape_is_asked_again_only_after_its_horizon_and_other_shapes_at_once():
    """Equal shapes are four time-outs apart; another unit and another length do not wait."""
    async with line("modbus-rtu") as on:
        loop = asyncio.get_running_loop()
        first, second = on.bus.conversation(1, 100), on.bus.conversation(2, 100)
        await first.ask(STATUS)
        started_at = loop.time()
        await first.ask(ReadRegisters(1, 3, 10, 3))
        await second.ask(ReadRegisters(2, 3, 10, 2))
        assert loop.time() - started_at < 0.01
        await first.ask(ReadRegisters(1, 3, 50, 2))
        assert loop.time() - started_at == pytest.approx(0.48, abs=0.01)


@pytest.mark.requirement("LINK-2")
@in_virtual_time
async def test_an_rtu_unit_that_was_silent_is_quarantined_and_the_others_go_on():
    """After a time-out no read goes to that unit for the horizon, and another unit is served meanwhile."""
    async with line("modbus-rtu", reply=lambda payload: None if payload[0] == 1 else answer(payload)) as on:
        loop = asyncio.get_running_loop()
        silent, well = on.bus.conversation(1, 100), on.bus.conversation(2, 100)
        on.bus.link.lane_of(1).answered()  # of one that never answered the second try is a probe
        with pytest.raises(LinkTimeoutError):
            await silent.ask(STATUS)
        failed_at = loop.time()
        again = asyncio.create_task(silent.ask(ReadRegisters(1, 3, 10, 7)), name="again")
        await well.ask(ReadRegisters(2, 3, 10, 2))
        assert loop.time() - failed_at < 0.01
        with pytest.raises(LinkTimeoutError):
            await again
        third = [
            at for at, payload in zip(on.device.asked_at, on.device.asked, strict=True) if payload[0] == 1
        ][2]
        assert third - failed_at == pytest.approx(3 * 0.120, abs=0.01)


@pytest.mark.requirement("LINK-2")
@in_virtual_time
async def test_a_pause_does_not_wait_for_a_silent_read_but_for_another_silent_pause():
    """A stop goes out right after the read that nobody answered; the same stop only after its own horizon."""
    async with line("modbus-rtu") as on:
        on.device.mute = True
        loop = asyncio.get_running_loop()
        pump = on.bus.conversation(1, 100, [STOP])
        with pytest.raises(LinkTimeoutError):
            await pump.ask(STATUS)
        silent_at = loop.time()
        for waited_s in (0, 4 * 0.120):
            with pytest.raises(LinkTimeoutError):
                await pump.ask(PAUSE)
            assert on.device.asked_at[-1] - silent_at == pytest.approx(waited_s, abs=0.01)


class OtherDialect:
    """A question of a protocol that no Modbus framer knows."""

    permission = Permission.READ
    address = 1
    shape = refusal_shape = ("other",)

    def to_bytes(self) -> bytes:
        return b"?"

    def parse_reply(self, frame: bytes) -> bytes:
        return frame


@in_virtual_time
async def test_a_mistake_in_a_dialect_is_told_and_harms_nobody_else():
    """A reply that breaks its reader, or a question the framer can not carry, ends that question alone."""

    class Broken(ReadRegisters):
        def parse_reply(self, frame):
            raise IndexError("a mistake")

    async with line("modbus-rtu") as on:
        pump = on.bus.conversation(1, 100)
        with pytest.raises(IndexError):
            await pump.ask(Broken(1, 3, 0, 5))
        assert await pump.ask(ReadRegisters(1, 3, 0, 1)) == (100,)
        with pytest.raises(TypeError, match="RTU carries Modbus requests"):
            await pump.ask(OtherDialect())
        assert await pump.ask(ReadRegisters(1, 3, 0, 3)) == (100, 101, 102)


@pytest.mark.requirement("LINK-2")
@in_virtual_time
async def test_a_late_rtu_reply_is_dropped_and_counted():
    """A reply two time-outs late answers nothing, neither the question it belongs to nor the repeated one."""
    async with line("modbus-rtu") as on:
        on.wire.answering.on_the_way = lambda data: [(0.3, data)]
        pump = on.bus.conversation(1, 100)
        with pytest.raises(LinkTimeoutError):
            await pump.ask(STATUS)
        await asyncio.sleep(1)
        assert (pump.counters.late, pump.counters.answered) == (2, 0)


@FRAMINGS
@in_virtual_time
async def test_a_refusal_is_told_with_its_code_and_not_repeated(framing):
    """DeviceRefusedError carries the device's code; the question went out once."""
    async with line(framing, reply=lambda payload: exception_reply(parse_request(payload), 2)) as on:
        pump = on.bus.conversation(1, 100)
        with pytest.raises(DeviceRefusedError, match="illegal data address") as refusal:
            await pump.ask(STATUS)
        assert refusal.value.code == 2
        assert (len(on.device.asked), pump.counters.refused) == (1, 1)


@pytest.mark.requirement("LINK-4")
@in_virtual_time
async def test_a_reply_with_fewer_registers_is_no_reading():
    """Over Modbus TCP the frame names its question, so a short one is told at once as unusable."""
    async with line("modbus-tcp", reply=lambda payload: bytes((payload[0], 3, 2, 0, 1))) as on:
        pump = on.bus.conversation(1, 100)
        with pytest.raises(WireError, match="a good reply has 7"):
            await pump.ask(STATUS)
        assert pump.counters.unusable == 1


@FRAMINGS
@in_virtual_time
async def test_a_pause_overtakes_waiting_reads_but_not_the_one_in_progress(framing):
    """Of many questions in the queue the pause goes out second, behind the one already on the wire."""
    async with line(framing) as on:
        on.wire.answering.on_the_way = lambda data: [(0.05, data)]
        await asyncio.sleep(1)
        pumps = {unit: on.bus.conversation(unit, 100, [STOP]) for unit in range(1, 7)}
        reads = [
            asyncio.create_task(pumps[unit].ask(ReadRegisters(unit, 3, 0, 2)), name=f"read {unit}")
            for unit in range(2, 7)
        ]
        await asyncio.sleep(0.01)
        await pumps[1].ask(PAUSE)
        assert isinstance(parse_request(on.device.asked[1]), IncomingCoils)
        await asyncio.gather(*reads)
        assert [payload[0] for payload in on.device.asked] == [2, 1, 3, 4, 5, 6]


@pytest.mark.requirement("INV-1")
@FRAMINGS
@in_virtual_time
async def test_what_is_not_declared_never_reaches_the_wire(framing):
    """An undeclared write raises ForbiddenFrameError and tells who must know; the line goes on."""
    async with line(framing) as on:
        pump = on.bus.conversation(1, 100, [STOP])
        start = WriteCoil(1, 1, on=True, permission=Permission.PAUSE)
        with pytest.raises(ForbiddenFrameError, match="not a declared control point"):
            await pump.ask(start)
        [(unit, frame, reason)] = on.blocked
        assert (unit, bytes.fromhex("01 05 0001 FF00") in frame, "function 5" in reason) == (1, True, True)
        await pump.ask(PAUSE)
        assert [payload.hex() for payload in on.device.asked] == ["01050000ff00"]


@pytest.mark.requirement("INV-1")
@in_virtual_time
async def test_what_has_no_permission_is_refused_at_run_time():
    """A message that a simulator understands can not be asked, whatever its type says."""
    async with line("modbus-tcp") as on:
        start: Any = IncomingCoils(1, 5, 1, (True,))
        with pytest.raises(ForbiddenFrameError, match="no permission"):
            await on.bus.link.ask(start, reply_time_ms=100)
        assert on.device.asked == []
        assert len(on.blocked) == 1


@in_virtual_time
async def test_a_conversation_asks_only_its_own_pump():
    """A driver's question to another unit is a mistake in the program."""
    async with line("modbus-tcp") as on:
        with pytest.raises(ValueError, match="can not ask unit 2"):
            await on.bus.conversation(1, 100).ask(ReadRegisters(2, 3, 0, 1))


@FRAMINGS
@in_virtual_time
async def test_an_abandoned_question_costs_nobody_an_answer(framing):
    """Who stops waiting leaves the exchange to end by itself, and the next one gets its own reply."""
    async with line(framing) as on:
        on.wire.answering.on_the_way = lambda data: [(0.05, data)]
        await asyncio.sleep(1)
        pump = on.bus.conversation(1, 100)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await pump.ask(STATUS)
        assert await pump.ask(ReadRegisters(1, 3, 50, 3)) == (150, 151, 152)


@FRAMINGS
@in_virtual_time
async def test_unplugging_ends_every_question_at_once(framing):
    """The question on the wire and those waiting get TransportError, as does who asks while it is down."""
    async with line(framing) as on:
        on.device.mute = True
        await asyncio.sleep(1)
        pumps = [on.bus.conversation(unit, 100) for unit in (1, 2, 3)]
        asked = [
            asyncio.create_task(pump.ask(ReadRegisters(unit, 3, 0, 1)), name=f"unit {unit}")
            for unit, pump in enumerate(pumps, 1)
        ]
        await asyncio.sleep(0.01)
        on.wire.unplug()
        assert all(
            isinstance(e, TransportError) for e in await asyncio.gather(*asked, return_exceptions=True)
        )
        with pytest.raises(TransportError, match="down"):
            await pumps[0].ask(STATUS)
