"""Time that jumps: the same order of events as real time, and none of its waiting."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from pumpd.qa.virtual_time import (
    START,
    NothingToWaitForError,
    VirtualClock,
    VirtualTimeLoop,
    in_virtual_time,
    run_virtual,
)


def test_a_year_of_sleep_takes_no_time():
    """Timers fire in order, at their times."""

    async def main():
        loop, seen = asyncio.get_running_loop(), []

        async def note(after_s):
            await asyncio.sleep(after_s)
            seen.append((after_s, loop.time()))

        year_s = 365 * 86_400
        async with asyncio.TaskGroup() as notes:
            for after_s in (year_s, 5, 0.25, 3600):
                notes.create_task(note(after_s), name=f"after {after_s}")
        return seen

    assert run_virtual(main()) == [(s, pytest.approx(s)) for s in (0.25, 5, 3600, 365 * 86_400)]


def test_waiting_for_nothing_is_an_error_and_not_for_ever():
    """A deadlock is told at once."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        never = runner.get_loop().create_future()

        async def main():
            await never

        with pytest.raises(NothingToWaitForError, match="no timer is set"):
            runner.run(main())
        never.cancel()
        runner.run(asyncio.sleep(0))


@in_virtual_time
async def test_the_clock_follows_the_loop_and_the_time_of_day_can_be_set():
    """Monotonic time never jumps with the time of day."""
    clock = VirtualClock(asyncio.get_running_loop())
    assert (clock.monotonic_ns(), clock.wall()) == (0, START)
    await asyncio.sleep(90.5)
    assert clock.monotonic_ns() == 90_500_000_000
    assert clock.wall() == START + timedelta(seconds=90.5)
    clock.wall_step = timedelta(hours=-1)
    assert clock.wall() == START + timedelta(seconds=90.5, hours=-1)
    assert clock.monotonic_ns() == 90_500_000_000


@in_virtual_time
async def test_a_time_out_is_exact():
    """asyncio's own time-outs run on virtual time too."""
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await asyncio.sleep(2)
    assert loop.time() == pytest.approx(1.5)


@in_virtual_time
async def test_tasks_that_find_it_too_early_by_turns_do_not_hold_time_up():
    """A timer that goes off early, within the loop's resolution, finds its time come; nobody waits again."""
    loop, turns = asyncio.get_running_loop(), [0, 0]
    await asyncio.sleep(4.999999999999998)
    assert loop.time() < 5.0

    async def wait(whose):
        for _ in range(whose):
            await asyncio.sleep(0)
        while loop.time() < 5.0 and turns[whose] < 10:
            turns[whose] += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(5.0):
                    await asyncio.Event().wait()

    async with asyncio.TaskGroup() as both:
        for whose in range(2):
            both.create_task(wait(whose), name=f"waits {whose}")
    assert max(turns) <= 3
    assert loop.time() == 5.0
