"""Journal before network, but never instead of it."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.contract.parts import HistoryPart
from pumpd.core.conditions import ConditionId
from pumpd.core.state import Acknowledge
from pumpd.daemon.publisher_state import online
from pumpd.store.base import WriterStatus
from tests.daemon.desk_scene import Scene, play

OVER = ConditionId.OVER_HARD
pytestmark = pytest.mark.requirement("INV-4")


def test_an_alarm_is_told_once_it_is_on_disk() -> None:
    """Neither event nor snapshot carries an alarm before the journal has confirmed it."""

    async def story(scene: Scene) -> None:
        scene.journal.commit_after_s = 0.3
        scene.read("50")
        scene.read("50")
        assert OVER in scene.live.state.alarms
        await asyncio.sleep(0.29)
        assert OVER not in scene.live.told.alarms
        assert scene.outlet.raised(OVER) == []
        await asyncio.sleep(0.02)
        assert scene.live.told.alarms[OVER].signal.value == "on"
        assert scene.live.told.unconfirmed == frozenset()
        ((_, event),) = scene.outlet.raised(OVER)
        assert (event.journalled, event.seq) == (True, 1)
        assert all(OVER not in alarms for at, _, alarms in scene.outlet.told if at < 0.3)

    play(story)


def test_what_the_journal_does_not_confirm_within_a_second_goes_out_marked() -> None:
    """A stuck disk delays an alarm by 1 s, no more; the mark goes once it is on disk, under the same id."""

    async def story(scene: Scene) -> None:
        scene.journal.commit_after_s = 4.0
        scene.read("50")
        scene.read("50")
        await asyncio.sleep(0.99)
        assert scene.outlet.events == []
        await asyncio.sleep(0.02)
        early = [e for _, e in scene.outlet.events if e.alarm and e.alarm.condition == OVER.value]
        assert [(e.journalled, e.seq) for e in early] == [(False, None)]
        assert scene.live.told.unconfirmed == {OVER}
        assert ConditionId.JOURNAL_LATE in scene.ward.site_state.alarms
        await asyncio.sleep(4)
        ((_, event),) = scene.outlet.raised(OVER)
        assert (event.id, event.journalled) == (early[0].id, True)
        assert scene.live.told.unconfirmed == frozenset()

    play(story)


def test_a_journal_that_refuses_is_an_alarm_that_ends_when_it_is_mended() -> None:
    """Refused lines go out marked at once, and get their numbers when the disk takes them again."""

    async def story(scene: Scene) -> None:
        scene.journal.fault = "no space left on device"
        scene.read("50")
        scene.read("50")
        await asyncio.sleep(0.1)
        assert OVER in scene.live.told.unconfirmed
        late = scene.ward.site_state.alarms[ConditionId.JOURNAL_LATE]
        assert "no space left" in late.measured
        scene.journal.fault = ""
        await asyncio.sleep(5)
        scene.pipeline.check_stores()
        await asyncio.sleep(1)
        assert scene.live.told.unconfirmed == frozenset()
        assert len(scene.outlet.raised(OVER)) == 1
        assert ConditionId.JOURNAL_LATE not in scene.ward.site_state.alarms
        assert ConditionId.JOURNAL_LATE not in scene.ward.told.alarms
        numbers = [e.seq for _, e in scene.outlet.events if e.journalled]
        assert len(numbers) == len(set(numbers)) == scene.ward.journal_seq

    play(story)


def test_a_pause_does_not_wait_for_the_disk() -> None:
    """The restraint begins in the same turn of the loop as the reading that confirms it."""

    async def story(scene: Scene) -> None:
        scene.journal.fault = "broken"
        assert scene.read("50") is True
        assert scene.read("50") is False
        assert [(at, pause.cause) for at, pause in scene.pauses] == [(0.0, OVER)]
        await asyncio.sleep(0.1)

    play(story)


def test_an_acknowledgement_ends_when_it_is_on_disk() -> None:
    """The future of an acknowledgement resolves with the transaction that holds the command's id."""

    async def story(scene: Scene) -> None:
        scene.read("50")
        scene.read("50")
        await asyncio.sleep(0.1)
        scene.journal.commit_after_s = 0.5
        kept = scene.pipeline.take(scene.live, Acknowledge(OVER, 1, "Ann"), "command-1")
        assert kept is not None
        await asyncio.sleep(0.4)
        assert not kept.done()
        assert scene.live.told.alarms[OVER].signal.value == "on"
        await kept
        assert scene.journal.command_seen("command-1")
        assert scene.live.told.alarms[OVER].acknowledged_by == "Ann"

    play(story)


def test_a_failing_history_is_an_alarm_of_the_node() -> None:
    """HISTORY_FAILING says why, and ends by itself."""

    async def story(scene: Scene) -> None:
        scene.history.failing = "disk full"
        scene.pipeline.check_stores()
        await asyncio.sleep(0.1)
        assert scene.ward.told.alarms[ConditionId.HISTORY_FAILING].measured == "disk full"
        scene.history.failing = ""
        scene.pipeline.check_stores()
        await asyncio.sleep(0.1)
        assert scene.ward.told.alarms == {}

    play(story)


@pytest.mark.requirement("INFLUX-2")
def test_the_nodes_status_says_how_long_readings_can_wait() -> None:
    """What waits, what was dropped and the whole hours left stand in it; null where there is no spool."""

    async def story(scene: Scene) -> None:
        assert online(scene.ward, scene.clock, "").history is None, "before anybody looked"
        scene.pipeline.check_stores()
        assert online(scene.ward, scene.clock, "").history == HistoryPart(waiting=0, dropped=0)
        scene.ward.history = WriterStatus(10, 2, 30, "", 41.99)
        assert online(scene.ward, scene.clock, "").history == HistoryPart(waiting=30, dropped=2, left_h=41)

    play(story)
