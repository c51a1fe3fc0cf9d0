"""A dead line is one alarm that names all its pumps; a pump that is silent alone speaks for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.state import Acknowledge
from tests.daemon.ward_scene import WardScene, play, pump

LINK_LOST, LINE_LOST = ConditionId.LINK_LOST, ConditionId.LINE_LOST
SHARED = "10.0.0.9:502"
THREE = [pump(number, line=SHARED, unit=number, bed=str(number)) for number in (1, 2, 3)]
"""Three pumps on one line."""

pytestmark = pytest.mark.requirement("LIFE-2")


def sounding(scene: WardScene) -> list[str]:
    """Return who sounds: every alarm that is on or latched and that no other speaks for."""
    loud = {AlarmSignal.ON, AlarmSignal.LATCHED}
    own = [
        f"{live.pump} {c.value}"
        for live in scene.app.ward.pumps.values()
        for c, a in live.told.alarms.items()
        if a.signal in loud and not a.suppressed_by
    ]
    return own + [c.value for c, a in scene.app.ward.told.alarms.items() if a.signal in loud]


def events(scene: WardScene, name: str) -> list[str]:
    told = [event for _, event in scene.outlet.events if event.event == name]
    return [f"{e.pump or 'node'} {e.alarm.condition}" for e in told if e.alarm is not None]


def test_a_dead_line_is_one_alarm_that_names_its_pumps() -> None:
    """Unplugged: one alarm sounds, each pump's own is shown and silent; it worsens as they do."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        await scene.wires[SHARED].served.unplug()
        await asyncio.sleep(20)
        assert sounding(scene) == ["line-lost"]
        line = scene.app.ward.told.alarms[LINE_LOST]
        assert line.measured == "bed 1 (PUMP-01), bed 2 (PUMP-02), bed 3 (PUMP-03)"
        assert line.priority is AlarmPriority.HIGH
        for number in (1, 2, 3):
            own = scene.live(number).told.alarms[LINK_LOST]
            assert (own.signal, own.suppressed_by) == (AlarmSignal.ON, line.allowed)

    play(story, THREE)


def test_a_line_that_comes_back_leaves_one_alarm_to_be_seen() -> None:
    """The line's own alarm latches for all of them; the pumps' alarms are off, and nothing sounds anew."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        await scene.wires[SHARED].served.unplug()
        await asyncio.sleep(20)
        await scene.wires[SHARED].served.plug()
        await asyncio.sleep(20)
        assert sounding(scene) == ["line-lost"]
        assert scene.app.ward.told.alarms[LINE_LOST].signal is AlarmSignal.LATCHED
        assert events(scene, "unsuppress") == []
        revision = scene.app.ward.told.alarms[LINE_LOST].revision
        scene.app.pipeline.take_site(Acknowledge(LINE_LOST, revision, "Ada"))
        await asyncio.sleep(2)
        assert sounding(scene) == []

    play(story, THREE)


def test_a_pump_that_is_silent_alone_speaks_for_itself() -> None:
    """One of three is switched off: its own alarm, and none of the line."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        scene.wires[SHARED].simulated.pumps.pop(2)
        await asyncio.sleep(20)
        assert sounding(scene) == ["PUMP-02 link-lost"]
        assert LINE_LOST not in scene.app.ward.site_state.alarms

    play(story, THREE)


def test_a_line_with_one_pump_has_no_alarm_of_its_own() -> None:
    """There is nothing to gather."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        await scene.wire().served.unplug()
        await asyncio.sleep(20)
        assert sounding(scene) == ["PUMP-01 link-lost"]

    play(story)


def test_who_stays_silent_when_the_line_is_back_is_heard() -> None:
    """The line answers again but one pump does not: its alarm is no longer told by another."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        await scene.wires[SHARED].served.unplug()
        await asyncio.sleep(20)
        scene.wires[SHARED].simulated.pumps.pop(3)
        await scene.wires[SHARED].served.plug()
        await asyncio.sleep(20)
        assert sounding(scene) == ["PUMP-03 link-lost", "line-lost"]
        assert events(scene, "unsuppress")[-1] == "PUMP-03 link-lost"
        assert events(scene, "clear").count("PUMP-03 link-lost") == 0

    play(story, THREE)


def test_a_restart_while_the_line_is_dead_sounds_nothing_anew(tmp_path: Path) -> None:
    """One alarm before, the same after: same revision, same suppression, no event."""
    journal = tmp_path / "journal.db"
    before: list[int] = []

    async def first(scene: WardScene) -> None:
        await asyncio.sleep(20)
        before.append(scene.app.ward.told.alarms[LINE_LOST].revision)

    async def second(scene: WardScene) -> None:
        await asyncio.sleep(20)
        assert sounding(scene) == ["line-lost"]
        assert scene.app.ward.told.alarms[LINE_LOST].revision == before[0]
        for name in ("raise", "worsen", "suppress", "unsuppress"):
            assert events(scene, name) == []

    play(first, THREE, plugged=False, journal_path=journal)
    play(second, THREE, plugged=False, journal_path=journal)
