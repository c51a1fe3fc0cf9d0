"""What an earlier run kept and this one can not read: people are told, until one has seen it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.state import Acknowledge
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, play, pump

LOST = ConditionId.STATE_UNREADABLE
FREE = pump(1, programme=None, bed="1", ward="pain-clinic")
pytestmark = pytest.mark.requirement("NODE-1")


async def _infuses(scene: WardScene) -> None:
    await asyncio.sleep(3)
    await Nurse(scene).begin()
    await asyncio.sleep(60)
    scene.journal.crash()


def _spoil(path: Path, body: str) -> None:
    """Write something else in the place of what was kept of every pump."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE durable SET body = ? WHERE pump <> ''", (body,))
    db.close()


def _signal(scene: WardScene) -> AlarmSignal:
    alarm = scene.app.ward.site_state.alarms.get(LOST)
    return AlarmSignal.OFF if alarm is None else alarm.signal


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "{}", '{"alarms": [], "restraints": {}}', '{"alarms": 1}']
)
def test_an_infusion_that_can_not_be_read_is_told_until_somebody_has_seen_it(
    tmp_path: Path, body: str
) -> None:
    """The daemon starts, names the pump, writes it down, and a restart does not forget it."""
    path = tmp_path / "journal.db"

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.live().state.watch is None
        alarm = scene.app.ward.site_state.alarms[LOST]
        assert alarm.signal is AlarmSignal.ON
        assert alarm.title == ("Not known any more since pumpd started: alarms and infusion of PUMP-01/1")
        raised = [e for _, e in scene.outlet.happened("alarm") if e.event == "raise" and e.alarm is not None]
        assert [e.alarm.condition for e in raised if e.pump is None and e.alarm] == ["state-unreadable"]
        await asyncio.sleep(600)
        assert _signal(scene) is AlarmSignal.ON
        scene.journal.crash()

    async def later(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert _signal(scene) is AlarmSignal.LATCHED
        revision = scene.app.ward.site_state.alarms[LOST].revision
        await scene.app.requests.say(None, None, Acknowledge(LOST, revision, "Ada"), "seen-0001")
        assert _signal(scene) is AlarmSignal.OFF

    play(_infuses, [FREE], drugs=LIBRARY, journal_path=path)
    _spoil(path, body)
    play(after, [FREE], drugs=LIBRARY, journal_path=path, boot_id="second-boot")
    play(later, [FREE], drugs=LIBRARY, journal_path=path, boot_id="third-boot")


def test_a_journal_that_opens_late_tells_of_it_then(tmp_path: Path) -> None:
    """What can not be read is known only when the file can be opened."""
    path = tmp_path / "journal.db"
    problem = ["the disk is away"]

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert _signal(scene) is AlarmSignal.OFF
        problem[0] = ""
        await asyncio.sleep(10)
        assert _signal(scene) is AlarmSignal.ON

    play(_infuses, [FREE], drugs=LIBRARY, journal_path=path)
    _spoil(path, "spoiled")
    play(after, [FREE], drugs=LIBRARY, journal_path=path, journal_fails=lambda: problem[0])


def test_what_can_be_read_is_not_told(tmp_path: Path) -> None:
    """The usual start is quiet."""
    path = tmp_path / "journal.db"

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.live().state.watch is not None
        assert _signal(scene) is AlarmSignal.OFF

    play(_infuses, [FREE], drugs=LIBRARY, journal_path=path)
    play(after, [FREE], drugs=LIBRARY, journal_path=path)
