"""What patients got, where it could be lost: a pump or a disk taken away, another library."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import Bounds, DrugLibrary, TotalLimit, TotalOver
from pumpd.daemon.publisher_infusion import infusion_part
from pumpd.errors import StoreError
from tests.core.infusion_scene import FULL_ENTRY, LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, pump
from tests.daemon.ward_scene import play as play_at

FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
LONG = {"volume_ml": None, "duration_min": 60}
ANOTHER: dict[str, Any] = {"label": "C.D.", "identifier": "99"}
play = partial(play_at, running="30")
"""60 mg/h: 5 mg in five minutes."""
pytestmark = pytest.mark.requirement("INF-2")


def _given(scene: WardScene, over: str, number: int = 1) -> Fraction:
    """Return what the card of a pump says that the patient got, in mg."""
    part = infusion_part(scene.live(number), scene.clock, scene.app.ward.library)
    assert part is not None
    return Fraction(next(total.given for total in part.totals if total.over == over))


def _with(*totals: TotalLimit) -> DrugLibrary:
    return replace(LIBRARY, entries=(replace(FULL_ENTRY, totals=totals),))


def test_what_a_pump_gave_counts_after_it_is_taken_out_of_the_configuration(tmp_path: Path):
    """The account goes to the patient's next pump; that nobody watches the infusion stands in the journal."""
    path = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(300)
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        scene.model(2).press_stop()
        await asyncio.sleep(3)
        told = [event.detail for _, event in scene.outlet.happened("node") if event.event == "unwatched"]
        assert told == ["PUMP-01/1 is configured no more: its infusion of ketamine goes on unwatched"]
        await Nurse(scene, 2).begin()
        assert _given(scene, "window", 2) > 4
        assert _given(scene, "infusion", 2) == 0
        scene.journal.crash()

    async def back(scene: WardScene) -> None:
        """The first pump is back, and its own account is the older one."""
        await asyncio.sleep(300)
        assert abs(_given(scene, "window", 1) - _given(scene, "window", 2)) < Fraction(1, 10)
        assert _given(scene, "window", 2) > 8

    play(before, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
    play(after, [pump(2, **FREE)], drugs=LIBRARY, journal_path=path, boot_id="second-boot")
    play(back, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY, journal_path=path, boot_id="third-boot")


def test_a_pump_that_stood_long_does_not_set_the_account_back_after_a_crash(tmp_path: Path):
    """Each pump's account is kept when that pump gives; after a crash the newest one holds on all of them."""
    path = tmp_path / "journal.db"
    pumps = [pump(1, **FREE), pump(2, **FREE)]

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene, 1).begin(LONG)
        await Nurse(scene, 2).begin(LONG)
        await asyncio.sleep(20)
        scene.model(1).press_stop()
        await asyncio.sleep(300)
        assert _given(scene, "window") > 4
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        scene.model(2).press_stop()  # so that the one that stood is the first to give
        await asyncio.sleep(30)
        for number in (1, 2):
            assert _given(scene, "window", number) > 4

    play(before, pumps, drugs=LIBRARY, journal_path=path)
    play(after, pumps, drugs=LIBRARY, journal_path=path)


def test_a_series_is_remembered_while_its_pump_carries_another_patient():
    """Also where the library has no window; so the second infusion of a series begins with the first."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(300)
        await Nurse(scene).end(id="nurse-end-0001")
        await Nurse(scene).begin(id="nurse-other-01", **ANOTHER)
        await asyncio.sleep(60)
        await Nurse(scene).end(id="nurse-end-0002")
        await Nurse(scene).begin(id="nurse-again-01")
        assert _given(scene, "series") > 4

    series = TotalLimit(TotalOver.SERIES, Bounds(soft_max=DrugAmount.parse("4 mg/kg")))
    play(story, [pump(1, **FREE)], drugs=_with(series))


def test_a_library_that_looks_back_finds_what_was_given_under_one_that_did_not(tmp_path: Path):
    """Replaced whole while a first infusion runs: its window of a day holds that infusion, on every pump."""
    path = tmp_path / "journal.db"
    pumps = [pump(1, **FREE), pump(2, **FREE)]

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin(LONG)
        await asyncio.sleep(300)
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene, 2).begin(LONG)
        assert _given(scene, "window", 2) > 4
        await asyncio.sleep(300)
        assert _given(scene, "window", 2) > 12

    play(before, pumps, drugs=_with(), journal_path=path)
    play(after, pumps, drugs=LIBRARY, journal_path=path)


@pytest.mark.parametrize("days", [1, 7])
def test_a_longer_window_holds_on_all_pumps_of_the_patient(days: int, tmp_path: Path):
    """What the pump under the older library gives is kept as long as the newer library looks back."""
    path = tmp_path / "journal.db"
    pumps = [pump(1, **FREE), pump(2, **FREE)]
    window = TotalLimit(
        TotalOver.WINDOW, Bounds(hard_max=DrugAmount.parse("9 mg/kg")), window_s=days * 86_400
    )

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin(LONG)
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene, 2).begin(LONG)
        await asyncio.sleep(30)
        for number in (1, 2):
            watch = scene.live(number).state.watch
            assert watch is not None
            assert watch.dose.account.keep_ns == days * 86_400 * 10**9

    play(before, pumps, drugs=_with(), journal_path=path)
    play(after, pumps, drugs=_with(window), journal_path=path)


def test_a_new_series_begins_for_the_patient_and_not_for_one_pump_alone():
    """Another pump that gives the same drug goes on in the new series, whichever of them gives first."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene, 1).begin(LONG)
        await asyncio.sleep(300)
        scene.model(2).press_stop()
        await asyncio.sleep(3)
        await Nurse(scene, 2).begin(LONG, new_series=True)
        await asyncio.sleep(5)
        for number in (1, 2):
            assert _given(scene, "series", number) < 1
            assert _given(scene, "window", number) > 4

    play(story, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY)


def test_what_was_given_before_a_journal_opens_late_is_added_to_what_it_kept(tmp_path: Path):
    """Begun while the disk was away, for somebody of whom only the disk knows: the day holds both."""
    path = tmp_path / "journal.db"

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(300)
        await Nurse(scene).end(id="nurse-end-0001")
        scene.journal.crash()

    away = [True]

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        with pytest.raises(StoreError):
            await Nurse(scene, 2).begin(LONG)
        assert _given(scene, "window", 2) == 0
        await asyncio.sleep(150)
        away[0] = False
        await asyncio.sleep(20)
        assert _given(scene, "window", 2) > 6

    def fails() -> str:
        return "no such device" if away[0] else ""

    play(before, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
    play(after, [pump(2, **FREE)], drugs=LIBRARY, journal_path=path, journal_fails=fails)
