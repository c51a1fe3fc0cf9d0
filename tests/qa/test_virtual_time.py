"""Time that jumps: the same order of events as real time, and none of its waiting."""

import asyncio
import contextlib
import random
import socket
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


@in_virtual_time
async def test_whoever_is_woken_finds_that_his_time_has_come():
    """Sums of odd waits are not exact in floats; a timer is never early by what they lose."""
    loop, chance = asyncio.get_running_loop(), random.Random(7)
    for _ in range(5_000):
        due_s = loop.time() + chance.choice([0.1, 1 / 3, 0.7, 1e-3, 1e-9, 2.5])
        await asyncio.sleep(due_s - loop.time())
        loop.call_at(due_s, lambda: None)
        woken = loop.create_future()
        loop.call_at(due_s + 0.1, woken.set_result, None)
        await woken
        assert loop.time() >= due_s + 0.1


@in_virtual_time
async def test_turns_taken_here_are_those_of_the_standard_loop():
    """Order of timers and of calls between them, cancelled ones left out, as the standard loop has them."""
    loop = asyncio.get_running_loop()
    seen: list[int] = []
    handles = [loop.call_later(n % 7, seen.append, n) for n in range(400)]
    for handle in handles[::3]:
        handle.cancel()
    for handle in handles[1::3]:
        handle.cancel()
    loop.call_soon(seen.append, -1)
    left = [n for n in range(400) if n % 3 == 2]
    await asyncio.sleep(10)
    assert seen[0] == -1
    assert [n % 7 for n in seen[1:]] == sorted(n % 7 for n in left)
    assert sorted(seen[1:]) == left


def test_what_is_watched_for_real_is_still_heard():
    """A socket that somebody registers is asked at every turn."""

    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        heard = loop.create_future()
        loop.add_reader(ours, lambda: heard.set_result(ours.recv(10)))
        theirs.send(b"hello")
        try:
            async with asyncio.timeout(5):
                return await heard
        finally:
            loop.remove_reader(ours)
            ours.close()
            theirs.close()

    assert run_virtual(main()) == b"hello"
