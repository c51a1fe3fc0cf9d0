"""Two things at once: two nurses, a pump begun on while it is swapped to, a disk that hangs in an alarm."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.core.conditions import ConditionId
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.test_infusions import FREE
from tests.daemon.ward_scene import WardScene, play, pump

HANGS_S = 60.0


async def _both(*asked: object) -> list[str]:
    """Return what came of each, asked in the same turn of the loop: empty where it was done."""
    done = await asyncio.gather(*asked, return_exceptions=True)  # type: ignore[call-overload]
    assert all(one is None or isinstance(one, str | ValueError) for one in done), done
    return [str(one) if isinstance(one, ValueError) else "" for one in done]


@pytest.mark.requirement("INF-1")
def test_of_two_nurses_who_titrate_at_once_the_second_is_told() -> None:
    """Both saw 0.3 on the screen: the second one's dose is not set over the first one's, unseen."""

    async def story(scene: WardScene) -> None:
        one, other = Nurse(scene), Nurse(scene)
        other.count = 100
        await asyncio.sleep(3)
        await one.begin()
        await asyncio.sleep(3)
        said = await _both(one.change(dose="0.2"), other.change(dose="0.25"))
        assert said == ["", "somebody set the dose since, to 0.2 mg/kg/h: look again"]
        watch = scene.live().state.watch
        assert watch is not None
        assert watch.infusion.ordered.dose.digits() == "0.2"
        events = [event.event for _, event in scene.outlet.happened("infusion")]
        assert events.count("dose") == 1

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


@pytest.mark.requirement("INF-1")
@pytest.mark.parametrize("begun_first", [True, False])
def test_a_pump_that_is_being_swapped_to_takes_one_infusion(*, begun_first: bool) -> None:
    """Begun on and swapped to in one turn: one is refused in words, and nobody's dose is lost."""

    async def story(scene: WardScene) -> None:
        one, other = Nurse(scene, 1), Nurse(scene, 2)
        await asyncio.sleep(3)
        await one.begin()
        await asyncio.sleep(600)
        asked = [one.swap(2), other.begin(label="C.D.", identifier="5678")]
        said = await _both(*(reversed(asked) if begun_first else asked))
        assert said == ["", "PUMP-02 carries an infusion: end it first, or move it to another pump"]
        carried = [live.state.watch for live in (scene.live(1), scene.live(2))]
        labels = [w.infusion.patient.label for w in carried if w is not None and w.goes_on]
        assert labels == (["B.K.", "C.D."] if begun_first else ["B.K."])
        given = max(w.given_nl for w in carried if w is not None)
        assert given >= 10_500_000 // 6 - 200_000

    play(story, [pump(1, **FREE), pump(2, **FREE | {"bed": "2"})], drugs=LIBRARY)


@pytest.mark.requirement("INV-4")
def test_a_disk_that_hangs_for_a_minute_delays_no_alarm_and_no_pause() -> None:
    """HIGH goes out within a second more, marked; the pump is paused; then every line is on disk once."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        scene.journal.commit_after_s = HANGS_S
        scene.model().turn_rate(40_000_000)
        turned_s = asyncio.get_running_loop().time()
        await asyncio.sleep(5)
        ((paused_s, _),) = scene.wire().writes()
        assert paused_s - turned_s < 3
        raised = [(at, e) for at, e in scene.outlet.events if e.event == "raise" and not e.journalled]
        marked = {e.alarm.condition: at for at, e in raised if e.alarm is not None}
        assert marked["over-hard"] - turned_s < 4
        assert marked["restrained"] - paused_s < 2
        assert ConditionId.JOURNAL_LATE in scene.app.ward.told.alarms
        await asyncio.sleep(HANGS_S)
        scene.journal.commit_after_s = 0.0
        await asyncio.sleep(HANGS_S)
        assert ConditionId.JOURNAL_LATE not in scene.app.ward.told.alarms
        ids = [line.event_id for line in await scene.journal.recent(0)]
        assert len(ids) == len(set(ids))
        assert {e.id for _, e in scene.outlet.events} <= set(ids)

    play(story, [pump(1)])
