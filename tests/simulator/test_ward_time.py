"""A ward's time: it may stand still, go on and pass at once; what falls into it happens at its moment."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from pumpd.core.quantities import NS_PER_S
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.ward_time import WardTime
from tests import proof

pytestmark = pytest.mark.requirement("SIM-6")


def begun(*seconds):
    """Return a time with something at each second, and what has happened as (name, at)."""
    time = WardTime()
    seen: list[tuple[int, float]] = []
    time.begin()
    for second in seconds:
        time.at(second, partial(_note, time, seen, second))
    return time, seen


def _note(time, seen, second):
    seen.append((second, round(time.ward_s, 6)))


@in_virtual_time
async def _as_the_loop():
    _, seen = begun(5, 1, 3)
    await asyncio.sleep(4)
    early = list(seen)
    await asyncio.sleep(4)
    return early, seen


def test_without_a_hand_on_it_time_is_the_loops():
    """Each thing happens at its second, in order."""
    early, seen = _as_the_loop()
    assert early == [(1, 1), (3, 3)]
    assert seen == [(1, 1), (3, 3), (5, 5)]


@in_virtual_time
async def _held():
    time, seen = begun(2, 6)
    await asyncio.sleep(4)
    time.hold()
    await asyncio.sleep(100)
    stood = (time.ward_s, list(seen), time.held)
    time.hold()
    time.go_on()
    time.go_on()
    await asyncio.sleep(1.9)
    before = list(seen)
    await asyncio.sleep(0.2)
    return stood, before, seen, time.ward_s


def test_held_time_stands_still_and_goes_on_where_it_stood():
    """100 s of the loop are none of the ward; what was due in 2 s is due in 2 s afterwards."""
    stood, before, seen, now_s = _held()
    assert stood == (4, [(2, 2)], True)
    assert before == [(2, 2)]
    assert seen == [(2, 2), (6, 6)]
    assert now_s == pytest.approx(6.1)


@in_virtual_time
async def _moved(held):
    time, seen = begun(10, 3600, 7200, 7300)
    if held:
        time.hold()
    time.move_on(7200)
    at_once = (round(time.ward_s, 6), list(seen), time.held)
    time.go_on()
    await asyncio.sleep(101)
    return at_once, seen


@pytest.mark.parametrize("held", [False, True])
def test_a_step_passes_at_once_with_all_that_falls_into_it(held):
    """Two hours in no time: what was due happened at its own second, the rest still comes."""
    at_once, seen = _moved(held)
    assert at_once == (7200, [(10, 10), (3600, 3600), (7200, 7200)], held)
    assert seen[-1] == (7300, 7300)


@in_virtual_time
async def _stopped():
    time, seen = begun(1)
    time.stop()
    await asyncio.sleep(5)
    return seen


def test_stopped_nothing_happens():
    """A ward that is closed leaves no timer."""
    assert _stopped() == []


@pytest.mark.parametrize("by_s", [0, -1, 3_000_000])
def test_a_step_that_is_none_is_refused(by_s):
    """Above 0, up to a month."""
    with pytest.raises(ValueError, match="allowed"):
        WardTime().move_on(by_s)


@in_virtual_time
async def _any(seeded, hands):
    time, seen = begun(*sorted({seeded.randrange(1, 500) for _ in range(20)}))
    last_ns = time.now_ns()
    for _ in range(hands):
        deed = seeded.choice([time.hold, time.go_on, lambda: time.move_on(seeded.randrange(1, 60))])
        deed()
        await asyncio.sleep(seeded.random() * 20)
        assert time.now_ns() >= last_ns
        last_ns = time.now_ns()
        assert [second for second, _ in seen] == sorted(second for second, _ in seen)
        assert all(at >= second - 1e-3 for second, at in seen)
    time.stop()
    return last_ns / NS_PER_S


def test_time_never_goes_back(seeded):
    """Whatever is done to it in any order; nothing happens early, twice or out of order."""
    for _ in range(proof.count("lives of a ward's time under any hand", small=50, full=2_000)):
        _any(seeded, 30)
