"""Infusions at their edges, in a whole daemon: who may begin where, which limits hold, what is counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.drug_library import DoseLimits
from pumpd.core.field_error import field_of
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import Provenance
from pumpd.daemon.publisher_infusion import infusion_part
from pumpd.drivers.registry import DriverSpec, find
from tests.core.infusion_scene import FULL_ENTRY, LIBRARY, dose
from tests.daemon.infusion_asks import ANSWERS, ORDER, Nurse
from tests.daemon.ward_scene import WardScene, play, pump

FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
STRICT = replace(
    LIBRARY,
    version="test-2",
    sha256="cd" * 32,
    entries=(replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("0.4"))),),
)
"""A later library with a tighter limit."""
pytestmark = pytest.mark.requirement("INF-2")


def _part(scene: WardScene, number: int = 1):
    part = infusion_part(scene.live(number), scene.clock, scene.app.ward.library)
    assert part is not None
    return part


@pytest.mark.requirement("INF-1", "DASH-9")
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"checked_by": ""}, "checked_by"),
        ({"checked_by": "a. nurse"}, "checked_by"),
        ({"order": {"weight_kg": None}}, "weight_kg"),
        ({"order": {"weight_kg": "0"}}, "weight_kg"),
        ({"order": {"weight_kg": "34"}}, "weight_kg"),
        ({"order": {"weight_kg": "161"}}, "weight_kg"),
        ({"order": {"dose": "0.6"}}, "dose"),
        ({"order": {"dose_min": "0.6"}}, "dose_min"),
        ({"order": {"dose_min": "0.04"}, "accepted": "pain"}, "dose_min"),
        ({"order": {"dose_max": "1.1"}}, "dose_max"),
        ({"order": {"dose_max": "0.6"}}, "accepted"),
        ({"order": {"volume_ml": "0"}}, "volume_ml"),
        ({"order": {"volume_ml": "61"}}, "volume_ml"),
        ({"order": {"duration_min": 241}}, "duration_min"),
        ({"order": {"volume_ml": None, "duration_min": None}}, "volume_ml"),
        ({"order": {"volume_ml": "60", "duration_min": 240}, "accepted": "pain"}, "volume_ml"),
        ({"order": {"volume_ml": None, "duration_min": 200}, "accepted": "pain"}, "duration_min"),
        ({"answers": [*ANSWERS, {"ask": "Tall?", "yes": True}]}, "answers"),
        ({"order": {"concentration": "5 mg/mL"}}, ""),
    ],
    ids=str,
)
def test_a_refused_beginning_names_its_field(wrong, field):
    """The page puts the words beside the field that the daemon names; it never reads them."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        with pytest.raises(ValueError, match=r".+") as refused:
            await Nurse(scene).begin(**wrong)
        assert field_of(refused.value) == field

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


@pytest.mark.requirement("INF-1", "DASH-9")
def test_a_refused_change_end_and_move_name_their_field():
    """Reason, witness, dose, answers, pump and bed; and the same again when it is asked a second time."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        await nurse.begin()
        await asyncio.sleep(10)
        for asked, field in (
            (lambda: nurse.change(dose="0.6"), "dose"),
            (lambda: nurse.change(order=ORDER, checked_by="C. Second"), "reason"),
            (lambda: nurse.change(dose="0.45"), "accepted"),
            (lambda: nurse.change(answers=ANSWERS), "answers"),
            (lambda: nurse.end(witness=""), "witness"),
            (lambda: nurse.end(witness="a. nurse"), "witness"),
            (lambda: nurse.swap(1), "to_pump"),
        ):
            for _ in range(2):
                with pytest.raises(ValueError, match=r".+") as refused:
                    await asked()
                assert field_of(refused.value) == field
                nurse.count -= 1  # the same command once more
            nurse.count += 1

    play(story, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY)


@pytest.mark.parametrize("human_use", [True, False])
def test_a_real_laboratory_pump_carries_no_infusion(human_use: bool, monkeypatch: pytest.MonkeyPatch):
    """A card with ``human_use: no`` refuses it on a real pump, in words; with yes it begins."""

    def found(name: str) -> DriverSpec:
        spec = find(name)
        return replace(spec, card=spec.card.model_copy(update={"human_use": human_use}))

    monkeypatch.setattr("pumpd.daemon.wiring.find", found)

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        live = scene.live()  # the scene's pumps are simulated: what is known of this one says otherwise
        live.state = replace(live.state, setup=replace(live.state.setup, provenance=Provenance.REAL))
        if human_use:
            await Nurse(scene).begin()
            assert scene.live().state.watch is not None
            return
        with pytest.raises(ValueError, match="PUMP-01 is a laboratory pump: it is not for people"):
            await Nurse(scene).begin()
        assert scene.live().state.watch is None

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_a_running_infusion_keeps_its_library_when_another_one_is_put_in_its_place(tmp_path: Path):
    """Replaced whole by a tighter one: what runs keeps its limits, and what begins gets the new ones."""
    path = tmp_path / "journal.db"
    both = [pump(1, **FREE), pump(2, **FREE | {"bed": "2"})]

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert _part(scene).library_version == "test-1"
        limits = scene.live().state.limits
        assert limits is not None
        assert limits.hard_max == FlowRate.parse(35)
        await Nurse(scene).change(dose="0.4")
        with pytest.raises(ValueError, match=r"hard limit of 0\.4"):
            await Nurse(scene, 2).begin(label="C.D.", identifier="99")
        await Nurse(scene, 2).begin({"dose_max": "0.4"}, label="C.D.", identifier="99", id="nurse-2-begin")
        assert _part(scene, 2).library_version == "test-2"

    play(before, both, drugs=LIBRARY, journal_path=path)
    play(after, both, drugs=STRICT, journal_path=path)


def test_two_pumps_of_one_patient_share_one_account_of_the_drug():
    """Each card says what its own infusion gave, and both the same for the day; a third order counts both."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        short = {"volume_ml": None, "duration_min": 60}
        await Nurse(scene, 1).begin(short)
        await Nurse(scene, 2).begin(short)
        await asyncio.sleep(1200)
        one, two = _part(scene, 1), _part(scene, 2)
        assert abs(Fraction(one.given) - 7) < Fraction(1, 10)
        days = [next(t.given for t in part.totals if t.over == "window") for part in (one, two)]
        assert abs(Fraction(days[0]) - 14) < Fraction(1, 5)
        assert abs(Fraction(days[0]) - Fraction(days[1])) < Fraction(1, 10)
        with pytest.raises(ValueError, match="within 24 h, with what was given before"):
            await Nurse(scene, 3).begin({"volume_ml": None, "duration_min": 180}, accepted="pain")
        await Nurse(scene, 1).end(witness="")
        assert _part(scene, 2).state == "running"

    play(story, [pump(1, **FREE), pump(2, **FREE), pump(3, **FREE)], drugs=LIBRARY)


def test_a_counter_that_began_anew_while_nobody_looked_is_reckoned_as_up_to(tmp_path: Path):
    """At the highest rate for the gap; the card and the end say ``up to``."""
    path = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(600)
        assert not _part(scene).given_up_to
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(10)
        assert _part(scene).given_up_to
        await Nurse(scene).end(id="nurse-1-the-end")
        (ended,) = [e for _, e in scene.outlet.happened("infusion") if e.event == "ended"]
        assert "given up to " in ended.detail

    play(before, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
    play(after, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
