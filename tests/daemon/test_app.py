"""The daemon as a whole: restarts, stores that come late, and stopping."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import FlowRate
from pumpd.core.state import Acknowledge
from pumpd.core.telemetry import PumpStatus
from pumpd.errors import StoreTakenError
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.store.journal_inline import InlineJournal
from tests.daemon.ward_scene import DeafModel, WardScene, play, pump

OVER, LATE = ConditionId.OVER_HARD, ConditionId.JOURNAL_LATE
TOO_FAST = FlowRate.parse("40").nl_per_h


@pytest.mark.requirement("INV-4", "RES-3")
def test_alarms_acknowledgements_and_restraints_outlive_a_restart(tmp_path: Path) -> None:
    """What stood before stands again before the first reading; a paused pump is not paused again."""
    journal = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model().turn_rate(TOO_FAST)
        await asyncio.sleep(6)
        assert scene.commands is not None
        live = scene.live()
        restrained = live.told.alarms[ConditionId.RESTRAINED]
        said = Acknowledge(restrained.condition, restrained.revision, "Ann")
        await scene.commands.say(live.pump, live.channel, said, "command-1")

    async def after(scene: WardScene) -> None:
        told = scene.live().told.alarms
        assert scene.live().state.last is None
        assert told[OVER].signal.value == "latched"
        assert told[ConditionId.RESTRAINED].acknowledged_by == "Ann"
        assert scene.commands is not None
        await scene.commands.say(None, None, Acknowledge(OVER, 99, "Ann"), "command-1")
        await asyncio.sleep(30)
        assert scene.model().status is PumpStatus.RUNNING
        assert scene.live().told.alarms[OVER].signal.value == "on"
        assert scene.wire().writes() == []

    play(before, journal_path=journal)
    play(after, journal_path=journal, running="40")


@pytest.mark.requirement("RES-2")
def test_a_pause_cut_short_by_a_crash_is_tried_again(tmp_path: Path) -> None:
    """A restraint without an outcome is not remembered as done: the next run pauses the pump."""
    journal = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model().turn_rate(TOO_FAST)
        await scene.wire().wrote.wait()
        await asyncio.sleep(0.5)

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(5)
        assert scene.model().status is PumpStatus.PAUSED

    play(before, journal_path=journal, model=DeafModel)
    play(after, journal_path=journal, running="40")


@pytest.mark.requirement("DAE-3", "INV-4")
def test_a_journal_that_can_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    """Pumps are watched and restrained without it; once it opens, nothing that happened is missing."""
    path = tmp_path / "journal.db"
    problem = ["the disk is not there"]

    async def first(scene: WardScene) -> None:
        await asyncio.sleep(1)
        await scene.wire().served.unplug()
        await asyncio.sleep(10)

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model().turn_rate(TOO_FAST)
        await asyncio.sleep(4)
        live = scene.live()
        assert scene.model().status is PumpStatus.PAUSED
        assert OVER in live.told.unconfirmed
        assert "not there" in scene.app.ward.told.alarms[LATE].measured
        problem[0] = ""
        await asyncio.sleep(12)
        assert live.told.unconfirmed == frozenset()
        assert LATE not in scene.app.ward.told.alarms
        assert ConditionId.LINK_LOST in live.told.alarms, "known from the run before"
        numbers = [e.seq for _, e in scene.outlet.events if e.journalled]
        assert len(set(numbers)) == len(numbers)
        early = {e.id for _, e in scene.outlet.events if not e.journalled}
        assert early <= {e.id for _, e in scene.outlet.events if e.journalled}

    play(first, journal_path=path)
    play(story, journal_path=path, journal_fails=lambda: problem[0])


@pytest.mark.requirement("DAE-3")
def test_a_second_daemon_on_the_same_journal_does_not_start(tmp_path: Path) -> None:
    """Two of them must not speak to the same pumps."""
    path = tmp_path / "journal.db"

    async def story(scene: WardScene) -> None:
        taken = InlineJournal.open(path, scene.clock)
        try:
            with pytest.raises(StoreTakenError, match="another pumpd"):
                await scene.app.start()
        finally:
            await taken.close()

    play(story, journal_path=path, start=False)


@pytest.mark.requirement("DAE-3")
def test_it_stops_within_two_seconds_whatever_hangs() -> None:
    """Silent pumps, a pause under way, a broker that takes nothing and a disk that does not answer."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model(1).turn_rate(TOO_FAST)
        await scene.wire(1).wrote.wait()
        for number in (1, 2):
            scene.wire(number).simulated.faults.add(1, Fault(FaultKind.SILENCE))
        scene.journal.commit_after_s = 3600
        scene.outlet.hangs = True
        await asyncio.sleep(0.3)
        began_s = scene.clock.loop.time()
        await scene.app.stop()
        assert scene.clock.loop.time() - began_s < 2
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    play(story, [pump(1), pump(2)], model=DeafModel)


@pytest.mark.requirement("DAE-3")
def test_starting_and_stopping_are_in_the_journal() -> None:
    """The node's own lines say when it watched."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(1)

    scene = play(story)
    assert [e.event for _, e in scene.outlet.happened("node")] == ["started", "stopped"]
    assert scene.outlet.closed
