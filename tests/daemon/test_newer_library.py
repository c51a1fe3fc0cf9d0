"""A tighter drug library in a whole daemon: the nurse is asked, and nothing is taken over without her."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DoseLimits, DrugLibrary, TotalLimit, TotalOver
from pumpd.core.field_error import field_of
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpStatus
from pumpd.daemon.publisher_infusion import infusion_part
from tests.core.infusion_scene import FULL_ENTRY, LIBRARY, dose
from tests.daemon.infusion_asks import ORDER, Nurse
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("INF-4")
FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
TIGHT = replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("0.4")))
SHA = "cd" * 32
STRICT = replace(LIBRARY, version="test-2", sha256=SHA, entries=(TIGHT,))
WEEK_S = 7 * 24 * 3600
ASKED = ConditionId.LIBRARY_TIGHTER
LESS = ORDER | {"dose_max": "0.4"}
SO = {"library_sha256": SHA, "reason": "asked the pharmacy", "checked_by": "C. Second"}


def part(scene: WardScene):
    """Return what the card shows."""
    found = infusion_part(scene.live(), scene.clock, scene.app.ward.library)
    assert found is not None
    return found


def said(scene: WardScene) -> tuple[AlarmSignal, str] | None:
    """Return the signal and the words of the condition; None while it is off."""
    alarm = scene.live().state.alarms.get(ASKED)
    return None if alarm is None else (alarm.signal, alarm.measured)


def two_runs(path: Path, library: DrugLibrary, story: Any) -> WardScene:
    """Begin an infusion under one library, and go on under ``library``."""

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(5)
        assert said(scene) is None
        assert part(scene).newer_library is None

    play(before, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
    return play(story, [pump(1, **FREE)], drugs=library, journal_path=path)


def test_the_nurse_is_asked_and_the_limits_stay_until_she_takes_them_over(tmp_path: Path):
    """On the card and by an alarm; she takes them over by name and with a reason, as a new version."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        words = "dose rate, hard limit 0.4 mg/kg/h, was 1 mg/kg/h"
        assert said(scene) == (AlarmSignal.ON, f"{words}; library test-2")
        newer = part(scene).newer_library
        assert newer is not None
        assert (newer.version, newer.sha256, newer.tighter) == ("test-2", SHA, [words])
        assert newer.problem == "0.5 mg/kg/h is above the library's hard limit of 0.4 mg/kg/h"
        limits = scene.live().state.limits
        assert limits is not None
        assert limits.hard_max == FlowRate.parse(35)
        nurse = Nurse(scene)
        nurse.count = 1
        for asked, field in (
            (SO, "dose_max"),
            ({**SO, "reason": " ", "order": LESS}, "reason"),
            ({**SO, "library_sha256": "ef" * 32, "order": LESS}, "library_sha256"),
            ({**SO, "checked_by": "", "order": LESS}, "checked_by"),
        ):
            with pytest.raises(ValueError, match=r".+") as refused:
                await nurse.change(**asked)
            assert field_of(refused.value) == field
        assert part(scene).library_version == "test-1"
        await nurse.change(**SO, order=LESS)
        await asyncio.sleep(1)
        assert said(scene) is None
        told = part(scene)
        assert (told.library_version, told.library_sha256, told.newer_library) == ("test-2", SHA, None)
        assert (told.version, told.versions[-1].reason, told.versions[-1].by) == (
            2,
            "asked the pharmacy",
            "A. Nurse",
        )
        limits = scene.live().state.limits
        assert limits is not None
        assert limits.hard_max == FlowRate.parse(14)
        with pytest.raises(ValueError, match="no tighter"):
            await nurse.change(**SO, version=2)

    scene = two_runs(tmp_path / "journal.db", STRICT, story)
    told = [event for _, event in scene.outlet.events]
    events = [event for event in told if (event.kind, event.event) == ("infusion", "library")]
    assert [(event.by, event.detail.split(";")[0]) for event in events] == [
        ("A. Nurse", "library test-1 -> test-2")
    ]


def test_the_present_order_is_taken_over_as_it_stands_where_it_may_stand(tmp_path: Path):
    """Without an order in it the present one is held against the tighter limits, and is the next version."""
    library = replace(STRICT, entries=(replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("0.5"))),))

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        newer = part(scene).newer_library
        assert newer is not None
        assert newer.problem == ""
        await Nurse(scene).change(**SO, id="nurse-takes-over")
        told = part(scene)
        assert (told.version, told.library_version) == (2, "test-2")
        assert [told.versions[-1].dose_min, told.versions[-1].dose_max, told.dose] == ["0.1", "0.5", "0.3"]

    two_runs(tmp_path / "journal.db", library, story)


def test_limits_that_would_pause_the_pump_at_once_are_not_taken_over(tmp_path: Path):
    """The pump gives 10.5 mL/h and the tighter limit is 8.75: first somebody turns it down, at the pump."""
    library = replace(STRICT, entries=(replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("0.25"))),))
    less = ORDER | {"dose": "0.2", "dose_max": "0.25"}

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        nurse = Nurse(scene)
        nurse.count = 1
        with pytest.raises(ValueError, match=r"gives 10\.5 mL/h, and the tighter hard limit is 8\.75 mL/h"):
            await nurse.change(**SO, order=less)
        scene.model().turn_rate(FlowRate.parse(7).nl_per_h)
        await asyncio.sleep(3)
        await nurse.change(**SO, order=less)
        await asyncio.sleep(3)
        assert part(scene).library_version == "test-2"
        assert scene.model().status is PumpStatus.RUNNING

    two_runs(tmp_path / "journal.db", library, story)


def test_no_tighter_library_asks_nothing_and_the_end_of_the_infusion_ends_the_asking(tmp_path: Path):
    """Another hash alone is nothing to ask; after the end nobody is asked any more."""

    async def quiet(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert (said(scene), part(scene).newer_library) == (None, None)

    async def ends(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert said(scene) is not None
        await Nurse(scene).end(id="nurse-ends-it")
        await asyncio.sleep(1)
        assert said(scene) is None
        assert part(scene).newer_library is None

    two_runs(tmp_path / "a.db", replace(STRICT, entries=LIBRARY.entries), quiet)
    two_runs(tmp_path / "b.db", STRICT, ends)


def test_a_window_of_the_tighter_library_counts_what_was_given_before_on_every_pump(tmp_path: Path):
    """A longer window begins with what this infusion gave; another pump of the patient counts on from it."""
    week = TotalLimit(TotalOver.WINDOW, FULL_ENTRY.totals[0].amount, WEEK_S)
    library = replace(STRICT, entries=(replace(FULL_ENTRY, totals=(*FULL_ENTRY.totals, week)),))
    both = [pump(1, **FREE), pump(2, **FREE)]
    path = tmp_path / "journal.db"
    short = {"volume_ml": None, "duration_min": 60}

    async def before(scene: WardScene) -> None:
        await asyncio.sleep(3)
        for number in (1, 2):
            await Nurse(scene, number).begin(short)
        await asyncio.sleep(120)

    async def after(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).change(**SO, accepted="seen", id="nurse-takes-over")
        await asyncio.sleep(5)
        watches = [scene.live(number).state.watch for number in (1, 2)]
        accounts = [watch.dose.account for watch in watches if watch is not None]
        assert [account.keep_ns for account in accounts] == [WEEK_S * 1_000_000_000] * 2
        assert accounts[0].kept_e6_p == accounts[0].total_e6_p > 0

    play(before, both, drugs=LIBRARY, journal_path=path)
    play(after, both, drugs=library, journal_path=path)
