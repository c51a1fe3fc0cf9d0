"""A time of day that is wrong when the daemon starts: what patients got before is never forgotten by it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_H, NS_PER_S
from pumpd.core.total_dose import DoseAccount, Stretch
from pumpd.daemon.dose_times import DOUBTED, KEPT_NS, DoseTimes, aged
from pumpd.store.base import Durable
from pumpd.store.durables import durable_text, parse_durable
from tests.core.infusion_scene import LIBRARY, PATIENT, infusion
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("TOTAL-1", "INF-2")
DAY_NS = 24 * NS_PER_H
START = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN = PatientDose(
    PATIENT, "ketamine", DoseAccount(DAY_NS).plus(Stretch(NS_PER_H, 2 * NS_PER_H, 5_000_000), -1), 5_000_000
)
"""5 picograms in the second hour of the boot in which it was written."""


@dataclass
class SetClock:
    """A machine's clock in one boot of it: up for ``up_ns``, and what it takes for the time of day."""

    up_ns: int
    day: datetime
    host_boot_id: str = "second"
    boot_id: str = "run"

    def monotonic_ns(self) -> int:
        return self.up_ns

    def wall(self) -> datetime:
        return self.day


def _kept(**changes: object) -> Durable:
    """Return what was written at 02:00 by the clock, two hours after the machine was booted."""
    epoch_ns = int(START.timestamp()) * NS_PER_S
    made = Durable(None, None, {}, {}, doses=(GIVEN,), epoch_ns=epoch_ns, host_boot_id="first")
    return replace(made, **changes)  # type: ignore[arg-type]


def _held(times: DoseTimes, kept: Durable, window_ns: int = DAY_NS) -> int:
    """Return how many picograms the last ``window_ns`` hold after the start."""
    (dose,) = times.doses(kept).values()
    return int(dose.account.given(window_ns, times.clock.monotonic_ns()))


def _at(hours: float, up_h: float = 0.5, **changes: str) -> SetClock:
    return SetClock(round(up_h * NS_PER_H), START + timedelta(hours=hours), **changes)


@pytest.mark.parametrize(
    ("hours", "boot", "up_h", "follows", "held"),
    [
        (25, "second", 0.5, True, 5),  # given 23 to 24 h ago
        (27, "second", 0.5, True, 0),  # given 25 to 26 h ago
        (27, "second", 0.5, None, 0),
        (27, "second", 0.5, False, 5),  # nobody vouches for the 25 h
        (27, "first", 2.5, True, 5),  # half an hour ago, whatever the day
        (24 * 400, "first", 2.5, None, 5),
        (-5, "first", 2.5, False, 5),
        (-5, "second", 0.5, True, 5),  # set back: none lies ahead
        (24 * 400, "second", 0.5, None, 5),  # it can not be true
        (24 * 400, "second", 0.5, True, 0),
    ],
)
def test_a_wrong_day_does_not_empty_a_window(
    hours: float, boot: str, up_h: float, follows: bool | None, held: int
) -> None:
    """Within one boot no day is asked; after another one it is believed while somebody vouches for it."""
    assert _held(DoseTimes(_at(hours, up_h, host_boot_id=boot), follows), _kept()) == held


@pytest.mark.parametrize(("over_ns", "doubted"), [(0, False), (1, True)])
def test_a_day_that_can_not_be_true_is_told_where_nobody_will_ever_know(over_ns: int, doubted: bool) -> None:
    """Longer ago than anything is kept: it counts as given before this boot, and people are told."""
    clock = _at(0)
    clock.day = START + timedelta(microseconds=(2 * NS_PER_H + KEPT_NS) // 1000)
    times = DoseTimes(clock, None)
    kept = _kept()
    kept = replace(kept, epoch_ns=(kept.epoch_ns or 0) - over_ns)
    assert _held(times, kept, 2 * DAY_NS) == (5 if doubted else 0)
    assert (times.doubted, bool(times.held)) == (doubted, doubted)


def test_while_the_time_server_is_awaited_nobody_is_told_and_then_times_are_true() -> None:
    """Held back first; once the machine follows it, what was given before the boot moves back, no more."""
    clock = _at(27)
    times = DoseTimes(clock, False)
    (dose,) = times.doses(_kept()).values()
    assert dose.latest_ns == 0
    assert not times.doubted
    since = dose.plus(Stretch(clock.up_ns, clock.up_ns, 1_000_000), -1)
    ward = _Ward(since)
    clock.day -= timedelta(hours=2)  # the server says that it is 25:00
    times.release(ward)  # type: ignore[arg-type]
    (after,) = ward.doses.values()
    assert [(s.begun_ns, s.ended_ns) for s in after.account.stretches] == [
        (-23 * NS_PER_H + clock.up_ns - NS_PER_H, -23 * NS_PER_H + clock.up_ns),
        (clock.up_ns, clock.up_ns),
    ]
    times.release(ward)  # type: ignore[arg-type]
    assert ward.doses[after.key] is after


class _Ward:
    """As much of a ward as a release asks for."""

    def __init__(self, dose: PatientDose) -> None:
        self.pumps: Mapping[object, object] = {}
        self.doses = {dose.key: dose}


def test_what_is_aged_keeps_its_sums() -> None:
    """Only times move."""
    after = aged(GIVEN, 2 * NS_PER_H, -NS_PER_H)
    assert after.latest_ns == NS_PER_H
    assert after.account.total_e6_p == GIVEN.account.total_e6_p
    assert after.account.kept_e6_p == GIVEN.account.kept_e6_p
    assert aged(GIVEN, 2 * NS_PER_H - 1, -NS_PER_H).latest_ns == 2 * NS_PER_H


def test_what_should_be_looked_at_goes_by_the_time_of_day() -> None:
    """A look that may be overdue is asked for, while what the patient got still counts as just given."""
    watch = InfusionWatch(infusion(), NS_PER_H, GIVEN, taken_ns=2 * NS_PER_H, looked_ns=NS_PER_H)
    found = DoseTimes(_at(27), False).watch(_kept(doses=(), watch=watch))
    assert found is not None
    assert found.taken_ns == NS_PER_H // 2 - 25 * NS_PER_H
    assert found.dose.latest_ns == 0


def test_the_boot_of_the_machine_is_kept() -> None:
    """With what it is kept for; what an earlier pumpd kept has none."""
    kept = _kept()
    again = parse_durable(None, None, durable_text(kept))
    assert (again.host_boot_id, again.epoch_ns, again.doses) == ("first", kept.epoch_ns, kept.doses)
    text = durable_text(kept).replace('"host_boot_id":"first",', "")
    assert parse_durable(None, None, text).host_boot_id == ""


def test_the_daemon_tells_the_ward_of_a_day_that_can_not_be_true(tmp_path: Path) -> None:
    """As what is not known any more, for nurses, as long as it runs."""
    path = tmp_path / "journal.db"

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin()
        await asyncio.sleep(60)

    async def after(scene: WardScene) -> None:
        scene.clock.wall_step = timedelta(days=60)
        await scene.app.start()
        await asyncio.sleep(3)
        alarm = scene.app.ward.site_state.alarms[ConditionId.STATE_UNREADABLE]
        assert DOUBTED in alarm.title
        watch = scene.live().state.watch
        assert watch is not None
        assert watch.dose.account.given(DAY_NS, scene.clock.monotonic_ns()) > 0

    free: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
    play(story, [pump(1, **free)], drugs=LIBRARY, running="30", journal_path=path)
    play(after, [pump(1, **free)], drugs=LIBRARY, journal_path=path, boot_id="second-boot", start=False)
