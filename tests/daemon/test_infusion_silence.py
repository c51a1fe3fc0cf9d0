"""Infusions whose pump nobody reads: what may have been given since, and what of it comes to light."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from pumpd.core.field_error import field_of
from pumpd.daemon.publisher_infusion import infusion_part
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, pump
from tests.daemon.ward_scene import play as play_at

FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
play = partial(play_at, drugs=LIBRARY, running="30")
"""60 mg/h: 5 mg in five minutes."""
pytestmark = pytest.mark.requirement("INF-2")


def _part(scene: WardScene, number: int = 1):
    part = infusion_part(scene.live(number), scene.clock, scene.app.ward.library)
    assert part is not None
    return part


def _ended(scene: WardScene) -> list[str]:
    return [event.detail for _, event in scene.outlet.happened("infusion") if event.event == "ended"]


def test_while_nobody_reads_the_pump_what_was_given_is_told_as_up_to():
    """At the highest rate seen; it may have stood as well, so what is left is told as at least."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(60)
        before = _part(scene)
        assert not before.given_up_to
        await scene.wire().served.unplug()
        await asyncio.sleep(600)
        lost = _part(scene)
        assert lost.given_up_to
        assert abs(Fraction(lost.given) - Fraction(before.given) - 10) < Fraction(1, 10)
        assert abs(Fraction(lost.given_ml) * 2 - Fraction(lost.given)) < Fraction(1, 100)
        assert Fraction(lost.given) + Fraction(lost.to_waste or 0) == 70
        scene.model().press_stop()  # at the pump, at the end of the gap
        await scene.wire().served.plug()
        await asyncio.sleep(10)
        back = _part(scene)
        assert not back.given_up_to
        assert abs(Fraction(back.given) - Fraction(lost.given)) < Fraction(1, 2)

    play(story, [pump(1, **FREE)])


def test_an_end_in_the_silence_says_up_to_and_asks_for_a_witness():
    """Also of a syringe that may be empty, since it may not be; the account waits for the pump's counter."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(60)
        await scene.wire().served.unplug()
        await asyncio.sleep(7200)
        with pytest.raises(ValueError, match="needs a witness") as refused:
            await Nurse(scene).end(witness="", id="nurse-end-0001")
        assert field_of(refused.value) == "witness"
        await Nurse(scene).end(id="nurse-end-0002")
        (words,) = _ended(scene)
        assert "given up to 12" in words
        assert words.endswith("to waste at least 0 mg (witness C. Second)")
        watch = scene.live().state.watch
        assert watch is not None
        assert watch.dose.account.total_e6_p < 2 * 10**15

    play(story, [pump(1, **FREE)])


def test_an_end_at_a_pump_that_stood_before_the_silence_is_exact():
    """What stood gives nothing while nobody looks, as far as anybody can tell before it is read again."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(60)
        scene.model().press_stop()
        await asyncio.sleep(5)
        before = _part(scene)
        await scene.wire().served.unplug()
        await asyncio.sleep(600)
        assert (_part(scene).given, _part(scene).given_up_to) == (before.given, False)
        await Nurse(scene).end(id="nurse-end-0001")
        assert "up to" not in _ended(scene)[0]

    play(story, [pump(1, **FREE)])


def test_what_a_pump_gave_after_the_infusion_left_it_is_of_the_infusion():
    """The dead pump is read again after the swap: its counter adds what it gave to where it goes on."""

    async def story(scene: WardScene) -> None:
        scene.model(2).press_stop()
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(60)
        before = Fraction(_part(scene).given)
        await scene.wire(1).served.unplug()
        await asyncio.sleep(300)
        await Nurse(scene).swap(2, id="nurse-swap-001")
        assert Fraction(_part(scene, 2).given) == before
        scene.model(1).press_stop()
        await scene.wire(1).served.plug()
        await asyncio.sleep(10)
        part = _part(scene, 2)
        assert abs(Fraction(part.given) - before - 5) < Fraction(1, 2)
        assert Fraction(part.given) == Fraction(next(t.given for t in part.totals if t.over == "window"))
        assert Fraction(part.given) == 2 * Fraction(part.given_ml)

    play(story, [pump(1, **FREE), pump(2, **FREE)])


def test_a_bed_is_the_same_however_it_is_typed():
    """Nobody else is moved into it; the patient who is there may get a second infusion."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene, 1).begin()
        await Nurse(scene, 2).begin(label="b.k.", identifier="1234")
        await Nurse(scene, 3).begin(label="C.D.", identifier="99")
        for to in ({"bed": "A 1"}, {"bed": "a  1", "ward": "Pain-Clinic"}):
            with pytest.raises(ValueError, match=r"has an infusion of another patient") as refused:
                await Nurse(scene, 3).transfer(**to, id=f"nurse-3-{len(to)}-move")
            assert field_of(refused.value) == "bed"

    play(story, [pump(1, **FREE | {"bed": "A 1"}), pump(2, **FREE | {"bed": "a 1"}), pump(3, **FREE)])
