"""Tasks that are kept running, and pumps that are looked at once a second."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.state import Now
from pumpd.daemon.backoff import Backoff
from pumpd.daemon.seams import LivePump
from pumpd.daemon.supervisor import Supervisor
from pumpd.daemon.watchdog import Watchdog
from pumpd.qa.virtual_time import run_virtual
from tests.daemon.desk_scene import Scene, play
from tests.daemon.orders import live_pump


@pytest.mark.requirement("DAE-2")
def test_waits_double_to_a_bound_and_are_spread() -> None:
    """Between half and all of 0.5, 1, 2 ... 15 s; what failed together does not come back together."""
    first = [Backoff(random.Random(seed)).next_s() for seed in range(50)]
    assert all(0.25 <= wait <= 0.5 for wait in first)
    assert len(set(first)) == 50
    backoff = Backoff(random.Random(1))
    spans = [backoff.next_s() for _ in range(10)]
    for wait, span in zip(spans, [0.5, 1, 2, 4, 8, 15, 15, 15, 15, 15], strict=True):
        assert span / 2 <= wait <= span
    backoff.reset()
    assert backoff.next_s() <= 0.5


@pytest.mark.requirement("DAE-1")
def test_a_task_that_ends_is_told_of_and_started_again() -> None:
    """Crashing or returning: both are told with a reason, and the next run comes after the wait."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        began: list[float] = []
        told: list[str] = []

        async def work() -> None:
            began.append(loop.time())
            if len(began) == 1:
                raise RuntimeError("broken")
            if len(began) == 3:
                await loop.create_future()

        supervisor = Supervisor(random.Random(1))
        supervisor.start("pumpd.work", work, told.append)
        await asyncio.sleep(10)
        assert told == ["RuntimeError: broken", "it ended by itself"]
        assert len(began) == 3
        assert 0.25 <= began[1] - began[0] <= 0.5
        assert 0.5 <= began[2] - began[1] <= 1.0
        assert "pumpd.work" in {task.get_name() for task in asyncio.all_tasks()}
        await supervisor.stop(1)
        assert len(asyncio.all_tasks()) == 1

    run_virtual(story())


@pytest.mark.requirement("DAE-5", "INV-3")
def test_only_fresh_readings_feed_the_watchdog() -> None:
    """A loop that turns while no pump is read grows old; each silent pump has its alarm within a second."""

    async def story(scene: Scene) -> None:
        now = Now(scene.clock.monotonic_ns(), scene.clock.wall())
        lives = [live_pump(now, f"PUMP-{number:02}") for number in range(1, 31)]
        scene.ward.pumps = {(live.pump, live.channel): live for live in lives}
        watchdog = Watchdog(lives, scene.pipeline, scene.clock)
        assert watchdog.last_fresh_age_ns() is None
        task = asyncio.create_task(watchdog.run(), name="pumpd.watchdog")
        scene.live = lives[0]
        for _ in range(8):
            scene.read("10.5")
            await asyncio.sleep(1)
        assert watchdog.last_fresh_age_ns() == 1_000_000_000
        assert ConditionId.LINK_LOST not in lives[0].state.alarms
        for live in lives[1:]:
            steps = [at for at, e in scene.outlet.raised(ConditionId.LINK_LOST) if e.pump == live.pump]
            assert 3 < steps[0] <= 4.2
            assert 5 < steps[1] <= 6.2
        await asyncio.sleep(5)
        assert watchdog.last_fresh_age_ns() == 6_000_000_000
        assert ConditionId.LINK_LOST in lives[0].state.alarms
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    play(story)


@pytest.mark.requirement("DAE-5")
def test_a_small_ward_is_looked_at_as_often_as_a_large_one_and_no_oftener() -> None:
    """One pump costs one look a second, and its alarm comes within a second all the same."""

    async def story(scene: Scene) -> None:
        looks: list[float] = []
        loop = asyncio.get_running_loop()

        class Watched(Watchdog):
            def _look_at(self, pumps: Sequence[LivePump]) -> None:
                looks.append(loop.time())
                super()._look_at(pumps)

        watchdog = Watched([scene.live], scene.pipeline, scene.clock)
        task = asyncio.create_task(watchdog.run(), name="pumpd.watchdog")
        await asyncio.sleep(10.5)
        assert looks == pytest.approx(list(range(1, 11)))
        (stale, *_) = [at for at, _ in scene.outlet.raised(ConditionId.LINK_LOST)]
        assert 3 < stale <= 4.2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    play(story)
