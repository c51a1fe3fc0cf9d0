"""Who is who: the pumps of one patient go to one bed, and a mistyped second mark makes nobody new."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.field_error import FieldError
from pumpd.daemon.dose_times import KEPT_NS
from pumpd.daemon.infusion_marks import check_known
from pumpd.daemon.publisher_infusion import infusion_part
from tests.core.infusion_scene import LIBRARY
from tests.core.infusion_scene import PATIENT as BK
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, play, pump

HOME: dict[str, Any] = {"programme": None, "ward": "pain-clinic"}
OTHER: dict[str, Any] = {"label": "C.D.", "identifier": "99"}
MISTYPED: dict[str, Any] = {"identifier": "1243"}


def _nurses(scene: WardScene) -> dict[int, Nurse]:
    return {number: Nurse(scene, number) for number in range(1, 5)}


def _beds(scene: WardScene) -> list[str]:
    return [live.place.bed for live in scene.app.ward.pumps.values()]


def _notes(scene: WardScene) -> list[tuple[str | None, str, str]]:
    return [(e.pump, e.event, e.detail) for _, e in scene.outlet.happened("infusion")]


@pytest.mark.requirement("INF-1")
def test_every_pump_of_the_patient_goes_to_the_other_bed(tmp_path: Path) -> None:
    """Nobody else's does, each says so in the journal, and a crash right after leaves no two beds."""
    path = tmp_path / "journal.db"
    pumps = [pump(1, bed="1", **HOME), pump(2, bed="1", **HOME), pump(3, bed="3", **HOME)]
    pumps.append(pump(4, bed="4", **HOME))

    async def story(scene: WardScene) -> None:
        nurse = _nurses(scene)
        await asyncio.sleep(3)
        await nurse[1].begin()
        await nurse[2].begin(label="b.k.")
        await nurse[3].begin(**OTHER)
        await nurse[4].begin()
        await nurse[4].end()
        with pytest.raises(ValueError, match="bed 3 has an infusion of another patient, on PUMP-03"):
            await nurse[1].transfer("3")
        assert _beds(scene) == ["1", "1", "3", "4"]
        said = await nurse[1].transfer("7")
        assert _beds(scene) == ["7", "7", "3", "4"]
        assert _notes(scene)[-2:] == [
            (
                "PUMP-01",
                "transferred",
                "from bed 1 to bed 7, pain-clinic: recovery; with the same patient's PUMP-02",
            ),
            ("PUMP-02", "went-along", "with PUMP-01 from bed 1 to bed 7: recovery"),
        ]
        assert said == "with the same patient's PUMP-02"
        carriers = scene.live(2).state.watch.infusion.carriers  # type: ignore[union-attr]
        assert [(c.pump, c.bed, c.until is None) for c in carriers] == [
            ("PUMP-02", "1", False),
            ("PUMP-02", "7", True),
        ]
        assert await nurse[2].transfer("8") == "with the same patient's PUMP-01"
        assert _beds(scene) == ["8", "8", "3", "4"]
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        assert _beds(scene) == ["8", "8", "3", "4"]

    play(story, pumps, drugs=LIBRARY, journal_path=path)
    play(after, pumps, drugs=LIBRARY, journal_path=path, boot_id="second-boot")


@pytest.mark.requirement("INF-1")
def test_a_pump_left_at_another_bed_is_fetched(tmp_path: Path) -> None:
    """The pump that stands elsewhere by the journal comes along; alone, nothing is said of others."""

    async def story(scene: WardScene) -> None:
        nurse = _nurses(scene)
        await asyncio.sleep(3)
        await nurse[1].begin()
        await nurse[1].transfer("7")
        assert _notes(scene)[-1] == ("PUMP-01", "transferred", "from bed 1 to bed 7, pain-clinic: recovery")
        await nurse[2].begin()
        assert _beds(scene) == ["7", "2"]
        await nurse[2].transfer("7")
        assert _beds(scene) == ["7", "7"]
        assert [event for _, event, _ in _notes(scene)].count("went-along") == 0

    play(story, [pump(1, bed="1", **HOME), pump(2, bed="2", **HOME)], drugs=LIBRARY)


@pytest.mark.requirement("TOTAL-1")
def test_a_label_that_is_known_by_another_second_mark_asks_before_it_begins() -> None:
    """While the infusion goes on, after its end, and when its pump carries another; the account is one."""

    async def story(scene: WardScene) -> None:
        nurse = _nurses(scene)

        async def asks() -> None:
            words = r"^b\.k\. is known here by the second mark 1234, not by 1243\. Correct it, or say why"
            with pytest.raises(FieldError, match=words) as refused:
                await nurse[2].begin(label="b.k.", **MISTYPED, accepted="pain", another_patient=" ")
            assert refused.value.field == "another_patient"

        scene.model(2).press_stop()
        await asyncio.sleep(3)
        await nurse[1].begin()
        await asyncio.sleep(600)
        await asks()
        scene.model(1).press_stop()
        await asyncio.sleep(3)
        await nurse[1].end()
        await asks()
        await nurse[1].begin(**OTHER)
        await asks()
        assert scene.live(2).state.watch is None
        await nurse[2].begin(label="b.k.", identifier=" 1234 ")
        part = infusion_part(scene.live(2), scene.clock, scene.app.ward.library)
        assert part is not None
        assert Fraction(next(total.given for total in part.totals if total.over == "window")) > 3

    play(story, [pump(1, bed="1", **HOME), pump(2, bed="2", **HOME)], drugs=LIBRARY)


@pytest.mark.requirement("TOTAL-1")
def test_another_patient_of_that_label_begins_with_a_reason() -> None:
    """The reason stands in the journal without a second mark, and both patients are known from then on."""

    async def story(scene: WardScene) -> None:
        nurse = _nurses(scene)
        await asyncio.sleep(3)
        await nurse[1].begin()
        await nurse[2].begin(**MISTYPED, another_patient="Berta, not Bert")
        detail = _notes(scene)[-1][2]
        assert detail.endswith("; another patient of that label: Berta, not Bert")
        assert "1234" not in detail
        assert "1243" not in detail
        await nurse[2].end()
        await nurse[2].begin(**MISTYPED)
        with pytest.raises(FieldError, match="by the second mark 1234 and 1243, not by 9"):
            await nurse[3].begin(identifier="9")
        await nurse[3].begin(**OTHER)

    pumps = [pump(1, bed="1", **HOME), pump(2, bed="2", **HOME), pump(3, bed="3", **HOME)]
    play(story, pumps, drugs=LIBRARY)


@pytest.mark.requirement("TOTAL-1")
def test_it_asks_as_long_as_the_account_is_kept() -> None:
    """To the nanosecond: at its end it asks, behind it nobody is known."""
    stranger = BK.__class__(BK.label, "1243")

    async def story(scene: WardScene) -> None:
        nurse = _nurses(scene)
        await asyncio.sleep(3)
        await nurse[1].begin()
        await asyncio.sleep(60)
        scene.model().press_stop()
        await asyncio.sleep(5)
        await nurse[1].end()
        ward, watch = scene.app.ward, scene.live().state.watch
        assert watch is not None
        check_known(ward, stranger, "", watch.latest_ns + KEPT_NS + 1)
        with pytest.raises(FieldError, match="known here"):
            check_known(ward, stranger, "", watch.latest_ns + KEPT_NS)
        await asyncio.sleep(5)
        await nurse[1].begin(**OTHER)
        dose = ward.doses["b.k.", "1234", "ketamine"]
        check_known(ward, stranger, "", dose.latest_ns + KEPT_NS + 1)
        with pytest.raises(FieldError, match="known here"):
            check_known(ward, stranger, "", dose.latest_ns + KEPT_NS)

    play(story, [pump(1, bed="1", **HOME)], drugs=LIBRARY)
