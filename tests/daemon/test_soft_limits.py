"""Soft limits in a whole daemon: a raise asked for with a reason, and one accepted from its running alarm."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.acceptance import Accept
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpId
from pumpd.daemon.publisher_infusion import infusion_part
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import ORDER, Nurse
from tests.daemon.orders import CHANNEL
from tests.daemon.ward_scene import WardScene, play, pump

OVER = ConditionId.OVER_SOFT
HEAVIER: dict[str, Any] = {**ORDER, "weight_kg": "75", "dose": "0.5"}
WEIGHED = {"reason": "weighed again", "checked_by": "C. Second"}
FREE = pump(1, programme=None, bed="1", ward="pain-clinic")


async def _accept(scene: WardScene, revision: int, command_id: str = "accept-0001") -> None:
    said = Accept(OVER, revision, "Ada", "pain is severe")
    await scene.app.requests.say(PumpId("PUMP-01"), CHANNEL, said, command_id)


def _raises(scene: WardScene) -> int:
    raised = [e for _, e in scene.outlet.happened("alarm") if e.event == "raise" and e.alarm is not None]
    return sum(e.alarm is not None and e.alarm.condition == "over-soft" for e in raised)


@pytest.mark.requirement("ACCEPT-1")
def test_an_accepted_soft_limit_outlives_kill_9_and_is_journalled(tmp_path: Path) -> None:
    """The card says who, when and why; the next run is quiet at that value, and tells of a higher one."""
    path = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        scene.model().turn_rate(FlowRate.parse("18").nl_per_h)
        await asyncio.sleep(60)
        alarm = scene.live().state.alarms[OVER]
        await _accept(scene, alarm.revision)
        await _accept(scene, alarm.revision)
        assert OVER not in scene.live().state.alarms
        part = infusion_part(scene.live(), scene.clock, scene.app.ward.library)
        assert part is not None
        (one,) = part.accepted
        assert (one.condition, one.by, one.reason) == ("over-soft", "Ada", "pain is severe")
        ended = [e for _, e in scene.outlet.happened("alarm") if e.event == "clear"]
        assert [(e.by, e.detail) for e in ended if e.alarm and e.alarm.condition == "over-soft"] == [
            ("Ada", f"accepted, {one.words}: pain is severe")
        ]
        await asyncio.sleep(120)
        assert _raises(scene) == 1
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        scene.model().turn_rate(FlowRate.parse("18").nl_per_h)
        await asyncio.sleep(120)
        assert _raises(scene) == 0
        scene.model().turn_rate(FlowRate.parse("18.1").nl_per_h)
        await asyncio.sleep(60)
        assert OVER in scene.live().state.alarms

    play(before, [FREE], drugs=LIBRARY, journal_path=path)
    play(after, [FREE], drugs=LIBRARY, journal_path=path)


@pytest.mark.requirement("TITRATION-1")
def test_a_raise_asked_for_with_a_reason_is_not_told_when_it_is_made() -> None:
    """Without one it is refused; with one it stands on the card, and a higher rate at the pump is told."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        await nurse.begin()
        await asyncio.sleep(10)
        with pytest.raises(ValueError, match=r"by 0\.2 mg/kg/h is more than the library's largest step"):
            await nurse.change(dose="0.5")
        await nurse.change(dose="0.5", accepted="severe pain")
        note = scene.outlet.happened("infusion")[-1][1]
        assert note.detail.endswith("inside the order; severe pain")
        part = infusion_part(scene.live(), scene.clock, scene.app.ward.library)
        assert part is not None
        assert [(each.condition, each.by, each.reason) for each in part.accepted] == [
            ("titration", "A. Nurse", "severe pain")
        ]
        scene.model().turn_rate(FlowRate.parse("17.5").nl_per_h)
        await asyncio.sleep(60)
        assert dict(scene.live().state.alarms) == {}
        with pytest.raises(ValueError, match="sooner than the library's 15 min between raises"):
            await nurse.change(order=HEAVIER, **WEIGHED)
        await nurse.change(order=HEAVIER | {"dose": "0.4"}, **WEIGHED)
        part = infusion_part(scene.live(), scene.clock, scene.app.ward.library)
        assert part is not None
        assert (part.version, part.accepted) == (2, [])

    play(story, [FREE], drugs=LIBRARY)


@pytest.mark.requirement("ACCEPT-1")
def test_a_total_passed_at_the_order_stands_on_the_card_with_its_value() -> None:
    """It is accepted up to what the whole order comes to, and an order that passes no total ends that."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        more = {**ORDER, "volume_ml": "40", "duration_min": 150}

        def accepted() -> list[tuple[str, str, str]]:
            part = infusion_part(scene.live(), scene.clock, scene.app.ward.library)
            assert part is not None
            return [(each.condition, each.words, each.reason) for each in part.accepted]

        with pytest.raises(ValueError, match=r"80 mg in this infusion.*soft limit is 70 mg.*with a reason"):
            await nurse.begin(more)
        await nurse.begin(more, accepted="severe pain")
        words = "More than usual in all: 80 mg in this infusion, usual up to 70 mg"
        assert accepted() == [("total-dose-soft", words, "severe pain")]
        await nurse.change(order=ORDER, reason="eased", checked_by="C. Second")
        assert accepted() == []
        again = {"reason": "pain is back", "checked_by": "C. Second", "accepted": "pain is back"}
        await nurse.change(order=more, version=2, **again)
        assert accepted() == [("total-dose-soft", words, "pain is back")]

    play(story, [FREE], drugs=LIBRARY)
