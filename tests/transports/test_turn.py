"""A fresh reading and the lower rate on its heels: nothing between, nothing unanswered, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pumpd.errors import DeviceRefusedError, ForbiddenFrameError, LinkTimeoutError, TransportError
from pumpd.protocols.modbus import ReadRegisters, WriteCoil, WriteRegister
from pumpd.protocols.modbus_serving import exception_reply, parse_request
from pumpd.protocols.wire import Permission, Request
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.outgoing import ControlPoint
from pumpd.transports.turn import WRITE_WITHIN_S
from tests.transports.devices import answer
from tests.transports.lines import Line, line

FRAMINGS = pytest.mark.parametrize("framing", ["modbus-tcp", "modbus-rtu"])
RATE = ControlPoint(6, 20, 1, 1000, Permission.LOWER)
STOP = ControlPoint(5, 0, 0xFF00, 0xFF00, Permission.PAUSE)
STATUS = ReadRegisters(1, 3, 10, 2)
PAUSE = WriteCoil(2, 0, on=True, permission=Permission.PAUSE)
LOWER = WriteRegister(1, 20, 7, Permission.LOWER)
pytestmark = pytest.mark.requirement("RES-5", "INV-1")


def _nothing() -> None:
    pass


def _always(reply: tuple[int, ...]) -> WriteRegister:
    assert reply == (110, 111)
    return LOWER


async def _turn(
    on: Line,
    decide: Callable[[tuple[int, ...]], Request[None] | None] = _always,
    written: Callable[[], None] = _nothing,
) -> bool:
    return await on.bus.conversation(1, 100, [RATE]).lower(STATUS, decide, written)


def _functions(on: Line) -> list[tuple[int, int]]:
    return [(asked[0], asked[1]) for asked in on.device.asked]


@FRAMINGS
@in_virtual_time
async def test_nothing_comes_between_the_reading_and_the_write(framing: str) -> None:
    """Other pumps' readings, and even a pause, wait until the turn is over."""
    async with line(framing, baud=9600) as on:
        other = on.bus.conversation(2, 100, [STOP])
        decided: list[float] = []

        def decide(_: tuple[int, ...]) -> WriteRegister:
            decided.append(asyncio.get_running_loop().time())
            for request in (ReadRegisters(2, 3, 1, 1), PAUSE):
                waiting.append(asyncio.ensure_future(other.ask(request)))
            return LOWER

        waiting: list[asyncio.Future[object]] = []
        written: list[float] = []
        assert await _turn(on, decide, lambda: written.append(asyncio.get_running_loop().time()))
        await asyncio.gather(*waiting)
        assert _functions(on) == [(1, 3), (1, 6), (2, 5), (2, 3)]
        assert 0 <= written[0] - decided[0] < WRITE_WITHIN_S


@FRAMINGS
@in_virtual_time
async def test_nothing_is_written_when_the_reading_speaks_against_it(framing: str) -> None:
    """A decision for nothing ends the turn, and the line goes on."""
    async with line(framing) as on:
        assert await _turn(on, lambda _: None) is False
        assert _functions(on) == [(1, 3)]
        assert await on.bus.conversation(1, 100).ask(ReadRegisters(1, 3, 1, 1)) == (101,)


@FRAMINGS
@in_virtual_time
async def test_a_turn_waits_until_nothing_unanswered_is_about(framing: str) -> None:
    """After a question of any pump that got no answer the turn begins when none can come any more."""
    async with line(framing) as on:
        loop = asyncio.get_running_loop()
        on.device.mute = True
        with pytest.raises(LinkTimeoutError):
            await on.bus.conversation(2, 100, [STOP]).ask(PAUSE)
        given_up = loop.time()
        on.device.mute = False
        assert await _turn(on)
        timeout_s = on.bus.timeout_s(PAUSE, 100)
        assert on.device.asked_at[-2] - given_up >= 3 * timeout_s


@FRAMINGS
@pytest.mark.parametrize("silent", [3, 6])
@in_virtual_time
async def test_neither_half_is_repeated(framing: str, silent: int) -> None:
    """Silence after the reading writes nothing; silence after the write leaves it at one."""
    async with line(framing, reply=lambda payload: None if payload[1] == silent else answer(payload)) as on:
        written: list[bool] = []
        with pytest.raises(LinkTimeoutError):
            await _turn(on, written=lambda: written.append(True))
        await asyncio.sleep(10)
        assert _functions(on) == [(1, 3), (1, 6)][: 1 if silent == 3 else 2]
        assert written == [True] * (silent == 6)


@FRAMINGS
@in_virtual_time
async def test_a_pump_that_says_no_is_told(framing: str) -> None:
    """Its refusal of the write reaches whoever asked."""

    def refuse(payload: bytes) -> bytes:
        return exception_reply(parse_request(payload), 3) if payload[1] == 6 else answer(payload)

    async with line(framing, reply=refuse) as on:
        with pytest.raises(DeviceRefusedError):
            await _turn(on)


@FRAMINGS
@in_virtual_time
async def test_a_rate_outside_a_turn_never_reaches_the_wire(framing: str) -> None:
    """``ask`` holds back every LOWER, declared or not, and says so."""
    async with line(framing) as on:
        with pytest.raises(ForbiddenFrameError, match="only in the turn of a fresh reading"):
            await on.bus.conversation(1, 100, [RATE]).ask(LOWER)
        assert on.device.asked == []
        assert len(on.blocked) == 1


@FRAMINGS
@pytest.mark.parametrize(
    "write", [WriteRegister(1, 21, 7, Permission.LOWER), WriteRegister(1, 20, 0, Permission.LOWER)]
)
@in_virtual_time
async def test_what_is_not_declared_is_held_back_in_a_turn_too(framing: str, write: WriteRegister) -> None:
    """Another register, or a value outside the declared ones: the last step before the wire drops it."""
    async with line(framing) as on:
        with pytest.raises(ForbiddenFrameError):
            await _turn(on, lambda _: write)
        assert _functions(on) == [(1, 3)]


@FRAMINGS
@in_virtual_time
async def test_a_turn_writes_nothing_but_a_lower(framing: str) -> None:
    """A pause has a way of its own, ahead of everything."""
    async with line(framing) as on:
        pause = WriteCoil(1, 0, on=True, permission=Permission.PAUSE)
        with pytest.raises(TypeError, match="no LOWER"):
            await _turn(on, lambda _: pause)
        assert _functions(on) == [(1, 3)]


@FRAMINGS
@in_virtual_time
async def test_who_decides_wrongly_is_told_and_the_line_goes_on(framing: str) -> None:
    """A mistake of a driver writes nothing and costs nobody else his answer."""

    def decide(_: tuple[int, ...]) -> None:
        raise RuntimeError("it could not decide")

    async with line(framing) as on:
        with pytest.raises(RuntimeError, match="could not decide"):
            await _turn(on, decide)
        assert await on.bus.conversation(1, 100).ask(ReadRegisters(1, 3, 1, 1)) == (101,)


@in_virtual_time
async def test_who_gave_up_has_nothing_written() -> None:
    """Cancelled between the reading and the write: the write does not go out any more."""
    async with line("modbus-rtu", baud=1200) as on:

        def decide(_: tuple[int, ...]) -> WriteRegister:
            asyncio.get_running_loop().call_soon(turn.cancel)
            return LOWER

        turn = asyncio.ensure_future(_turn(on, decide))
        with pytest.raises(asyncio.CancelledError):
            await turn
        await asyncio.sleep(5)
        assert _functions(on) == [(1, 3)]


@in_virtual_time
async def test_noise_after_the_reading_ends_the_turn() -> None:
    """The line must be free at once: where bytes keep coming, the rate that was read is no longer fresh."""
    async with line("modbus-rtu", baud=9600) as on:

        async def babble() -> None:
            for _ in range(40):
                on.bus.link.data_received(b"\x55")
                await asyncio.sleep(0.003)

        def decide(_: tuple[int, ...]) -> WriteRegister:
            noise.append(asyncio.ensure_future(babble()))
            return LOWER

        noise: list[asyncio.Future[None]] = []
        with pytest.raises(TransportError, match="nothing written"):
            await _turn(on, decide)
        await noise[0]
        assert _functions(on) == [(1, 3)]


@in_virtual_time
async def test_a_conversation_speaks_for_its_own_pump_only() -> None:
    """A turn for another pump is no question of this conversation."""
    async with line("modbus-tcp") as on:
        with pytest.raises(ValueError, match="can not ask unit 1"):
            await on.bus.conversation(2, 100, [RATE]).lower(STATUS, _always, _nothing)
