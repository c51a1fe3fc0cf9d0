"""A pump that may be slow: its answer is waited for beyond the time-out, and credited to nobody else."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from pumpd.errors import LinkTimeoutError
from pumpd.protocols.modbus import ReadRegisters, WriteRegister
from pumpd.protocols.modbus_serving import exception_reply, parse_request
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.outgoing import ControlPoint
from tests.transports.lines import line

STATUS = ReadRegisters(1, 3, 10, 2)
TIMEOUT_S, WAIT_S = 0.12, 0.42
"""100 ms and 400 ms of the pump, 20 ms of the way."""
RATE = ControlPoint(6, 20, 1, 1000, Permission.LOWER)
LOWER = WriteRegister(1, 20, 7, Permission.LOWER)
pytestmark = pytest.mark.requirement("LINK-10", "INV-2")


def _late(seconds: float, copy_s: float | None = None):
    """Return a way on which each answer is so late, and comes again later still."""
    copies = [] if copy_s is None else [copy_s]
    return lambda data: [(seconds + again, data) for again in (0.0, *copies)]


@pytest.mark.parametrize(("late_s", "answered"), [(0.11, True), (0.13, True), (0.41, True), (0.43, False)])
@in_virtual_time
async def test_it_is_waited_for_as_long_as_it_may_take(late_s, answered):
    """An answer at any moment up to then is the answer; from then on it is late, and dropped."""
    async with line("modbus-rtu") as on:
        on.wire.answering.on_the_way = _late(late_s)
        slow = []
        pump = on.bus.conversation(1, 100, slow_reply_ms=400)
        pump.when_slow(lambda: slow.append(asyncio.get_running_loop().time()))
        if answered:
            assert await pump.ask(STATUS) == (110, 111)
        else:
            with pytest.raises(LinkTimeoutError, match="within 420 ms"):
                await pump.ask(STATUS)
        assert bool(slow) is (answered and late_s > TIMEOUT_S), "told at once, and only of a slow one"
        assert pump.counters.answered == answered


@pytest.mark.parametrize("copy_s", [0.1, 0.35])
@in_virtual_time
async def test_a_second_copy_of_a_slow_answer_is_no_answer(copy_s):
    """It comes up to three time-outs after the first, which is beyond the usual horizon of the question."""
    tens = iter(range(10, 100, 10))

    def one_more(payload):
        asked = parse_request(payload)
        return bytes((asked.unit, asked.function, 4, 0, 0, 0, next(tens)))

    async with line("modbus-rtu", reply=one_more) as on:
        pump = on.bus.conversation(1, 100, slow_reply_ms=400)
        on.wire.answering.on_the_way = _late(0.41, copy_s)
        told = [await pump.ask(STATUS) for _ in range(4)]
        assert told == [(0, 10), (0, 20), (0, 30), (0, 40)], "each question its own answer"
        asked_at = on.device.asked_at
        rest_s = [round(after - before, 2) for before, after in pairwise(asked_at)]
        assert set(rest_s) == {round(0.41 + 3 * TIMEOUT_S, 2)}


@in_virtual_time
async def test_a_second_copy_of_a_slow_refusal_is_no_answer():
    """The same where the pump refuses: its refusal fits the next question as well."""
    async with line("modbus-rtu", reply=lambda payload: exception_reply(parse_request(payload), 2)) as on:
        pump = on.bus.conversation(1, 100, slow_reply_ms=400)
        on.wire.answering.on_the_way = _late(0.41)
        for question in (STATUS, ReadRegisters(1, 3, 10, 3)):
            with pytest.raises(Exception, match="illegal data address"):
                await pump.ask(question)
        first, second = on.device.asked_at
        assert second - first == pytest.approx(0.41 + 3 * TIMEOUT_S, abs=0.01)


@in_virtual_time
async def test_other_questions_go_on_at_once():
    """What can not be taken for another answer waits for nothing but its turn."""
    async with line("modbus-rtu") as on:
        pump = on.bus.conversation(1, 100, slow_reply_ms=400)
        on.wire.answering.on_the_way = _late(0.41)
        for count in (2, 3, 4):
            await pump.ask(ReadRegisters(1, 3, 10, count))
        first, second, third = on.device.asked_at
        assert (second - first, third - second) == pytest.approx((0.41, 0.41), abs=0.02)


@pytest.mark.requirement("INV-1", "RES-5")
@pytest.mark.parametrize(("late_s", "written"), [(0.11, True), (0.13, False)])
@in_virtual_time
async def test_no_rate_is_written_after_a_slow_reading(late_s, written):
    """What it tells is older than the window that the card states: a hand may have turned the pump down."""
    async with line("modbus-rtu") as on:
        pump = on.bus.conversation(1, 100, [RATE], slow_reply_ms=400)
        on.wire.answering.on_the_way = _late(late_s)
        if written:
            assert await pump.lower(STATUS, lambda _: LOWER, lambda: None)
        else:
            with pytest.raises(LinkTimeoutError, match="within 120 ms"):
                await pump.lower(STATUS, lambda _: LOWER, lambda: None)
        assert [asked[1] for asked in on.device.asked] == [3, 6] if written else [3]
