"""Many pumps on one line: the well ones keep their age, the dead ones cost little, restraints go first."""

import asyncio
import xml.etree.ElementTree as ET

import pytest
from structlog.testing import capture_logs

from pumpd.errors import LinkTimeoutError
from pumpd.protocols.modbus import ReadRegisters, WriteCoil
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import in_virtual_time, run_virtual
from pumpd.transports.fairness import PROBE_SHARE
from pumpd.transports.outgoing import ControlPoint
from tests import proof
from tests.transports import fair_page
from tests.transports.devices import answer
from tests.transports.fair_line import EXCHANGE_S, INTERVAL_S, PUMPS, polled
from tests.transports.lines import line

PROVED_S = proof.count("seconds of each fair line of 32 pumps", small=int(fair_page.FOR_S), full=1800)


@pytest.mark.requirement("BUS-1")
@pytest.mark.parametrize("case", fair_page.CASES)
def test_pumps_that_are_well_keep_their_age_beside_dead_ones(case):
    """p99 of their age is under twice the interval, and the line carries within 10 % of what it could."""
    seen = fair_page.ours(case, float(PROVED_S))
    assert seen.p99_s() < 2 * INTERVAL_S
    assert seen.used() >= 0.9 * fair_page.possible(case, float(PROVED_S))
    well = [unit for unit in seen.answered if unit not in fair_page.CASES[case]]
    assert max(seen.answered[u] for u in well) - min(seen.answered[u] for u in well) <= 2


@pytest.mark.requirement("BUS-1")
@pytest.mark.parametrize("case", [case for case in fair_page.CASES if "return" in case])
def test_who_comes_back_is_read_soon(case):
    """All that returned are read again within 10 s, even 31 at once."""
    seen = fair_page.ours(case, float(PROVED_S))
    assert len(seen.rejoined_s) == len(fair_page.CASES[case])
    assert max(seen.rejoined_s.values()) < 10


@pytest.mark.requirement("BUS-1")
def test_stock_pymodbus_shows_what_it_is_about():
    """The same line without any of this: one dead pump, and all others are many intervals old."""
    assert fair_page.stock("all well").p99_s() < 2 * INTERVAL_S, "the comparison is fair"
    assert fair_page.stock("1 dead from the start").p99_s() > 5 * INTERVAL_S


@pytest.mark.requirement("BUS-1")
@pytest.mark.parametrize("more", [2, 3])
def test_a_line_that_is_too_slow_slows_evenly_and_says_so_once(more):
    """Asked for ``more`` times 80 %: every pump as often, the line full, one line in the log."""
    with capture_logs() as logs:
        seen, _ = run_virtual(polled({}, 120.0, lambda _unit: INTERVAL_S / more))
    assert max(seen.answered.values()) - min(seen.answered.values()) <= 1
    assert seen.used() > 0.95
    assert seen.p99_s() < 1.05 * 2 * PUMPS * EXCHANGE_S
    slow = [entry for entry in logs if entry["event"].startswith("line too slow")]
    assert len(slow) == 1
    assert slow[0]["longest_wait_s"] > INTERVAL_S / more


@pytest.mark.requirement("BUS-1")
def test_pumps_with_different_intervals_are_slowed_in_proportion():
    """Half of them want to be read three times as often: each gets a like share of what it asked for."""
    seen, _ = run_virtual(polled({}, 120.0, lambda unit: INTERVAL_S / 3 if unit % 2 else INTERVAL_S))
    shares = [got * (INTERVAL_S / 3 if unit % 2 else INTERVAL_S) / 120 for unit, got in seen.answered.items()]
    assert min(shares) > 0.5
    assert max(shares) < 0.75


STATUS = ReadRegisters(2, 3, 0, 12)
STOP = ControlPoint(5, 0, 0xFF00, 0xFF00, Permission.PAUSE)


@pytest.mark.requirement("BUS-2")
@in_virtual_time
async def test_a_restraint_and_its_reading_go_ahead_of_every_poll_and_cut_none_off():
    """Ten polls wait: the exchange under way ends, then come the reading it needs and the pause."""
    async with line("modbus-rtu", baud=9600) as on:
        pump = on.bus.conversation(2, 50, [STOP])
        polls = [
            asyncio.create_task(on.bus.conversation(unit, 50).ask(ReadRegisters(unit, 3, 0, 12)), name="poll")
            for unit in range(10, 20)
        ]
        while not on.device.asked:  # noqa: ASYNC110 - the line rests after it was opened
            await asyncio.sleep(0.01)
        before = len(on.device.asked)
        with pump.urgently():
            await pump.ask(STATUS)
            await pump.ask(WriteCoil(2, 0, on=True, permission=Permission.PAUSE))
        asked = [payload[:2].hex() for payload in on.device.asked[before - 1 :]]
        assert asked[1:3] == ["0203", "0205"]
        assert len(await asyncio.gather(*polls)) == 10


@pytest.mark.requirement("BUS-2")
@in_virtual_time
async def test_a_dead_pump_is_restrained_at_once_all_the_same():
    """What its breaker holds back goes as soon as a restraint needs it."""
    silent = {2}
    async with line("modbus-rtu", reply=lambda p: None if p[0] in silent else answer(p)) as on:
        loop = asyncio.get_running_loop()
        well, dead = on.bus.conversation(1, 100), on.bus.conversation(2, 100, [STOP])
        await well.ask(ReadRegisters(1, 3, 0, 12))
        for _ in range(2):
            with pytest.raises(LinkTimeoutError):
                await dead.ask(STATUS)
        waiting = asyncio.create_task(dead.ask(ReadRegisters(2, 3, 0, 5)), name="probe that waits")
        await asyncio.sleep(0.5)
        assert not waiting.done()
        silent.clear()
        began = loop.time()
        with dead.urgently():
            await dead.ask(WriteCoil(2, 0, on=True, permission=Permission.PAUSE))
            await waiting
        assert loop.time() - began < 0.1


@pytest.mark.requirement("BUS-3")
@in_virtual_time
async def test_probes_that_stay_unanswered_have_their_share_and_no_more():
    """Of a minute beside a pump that answers, the time lost to a dead one is a tenth."""
    async with line("modbus-rtu", reply=lambda p: None if p[0] == 2 else answer(p)) as on:
        well, dead = on.bus.conversation(1, 100), on.bus.conversation(2, 100)
        await well.ask(ReadRegisters(1, 3, 0, 12))

        async def knock():
            while True:
                with pytest.raises(LinkTimeoutError):
                    await dead.ask(STATUS)

        knocking = asyncio.create_task(knock(), name="knocking")
        await asyncio.sleep(60)
        knocking.cancel()
        await asyncio.gather(knocking, return_exceptions=True)
        lost_s = dead.counters.timed_out * on.bus.timeout_s(STATUS, 100)
        assert lost_s == pytest.approx(60 * PROBE_SHARE, rel=0.1)


@pytest.mark.requirement("BUS-3")
@in_virtual_time
async def test_a_pump_alone_on_its_line_is_probed_as_often_as_its_session_likes():
    """Nobody waits for it, so there is nothing to share."""
    async with line("modbus-rtu", reply=lambda _: None) as on:
        dead, began = on.bus.conversation(1, 100), asyncio.get_running_loop().time()
        for n in range(10):
            with pytest.raises(LinkTimeoutError):
                await dead.ask(ReadRegisters(1, 3, 0, 12 + n))
        assert asyncio.get_running_loop().time() - began < 11 * 4 * 0.13


@pytest.mark.requirement("BUS-1")
def test_the_page_and_its_picture_are_computed():
    """``python -m tests.transports.fair_page`` would change nothing."""
    text = fair_page.PAGE.read_text(encoding="utf-8")
    assert fair_page.page(text) == text
    drawn = fair_page.PICTURE.read_text(encoding="utf-8")
    assert drawn == fair_page.drawn()
    assert sum(element.tag.endswith("polyline") for element in ET.fromstring(drawn).iter()) == 4
