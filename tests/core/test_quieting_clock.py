"""Audio pause and shelf over restarts and steps of the clock: they end when they should, or at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Tick, WrongDevice
from tests.core.situations import Bedside, events
from tests.core.test_quieting import HARD, crashed, pause, shelve, too_fast, until_ns, why

pytestmark = pytest.mark.requirement("INV-4", "LIFE-1")


def restarted(bed: Bedside, after: timedelta, *, clock: timedelta = timedelta(0)) -> None:
    """Let ``after`` pass without a daemon, set the time of day by ``clock``, and begin a new run."""
    kept = {
        c: replace(a, inactivation=None if a.inactivation is None else replace(a.inactivation, until_ns=None))
        for c, a in bed.state.alarms.items()
    }
    bed.stepped += after + clock - timedelta(microseconds=(9 * NS_PER_S - bed.now_ns) // 1000)
    bed.now_ns = 9 * NS_PER_S
    bed.state = replace(bed.state, alarms=kept)
    bed.restart()


@pytest.mark.parametrize("make", [too_fast, crashed], ids=["pause", "shelf"])
def test_a_restart_keeps_the_end(make: Callable[[], Bedside]) -> None:
    """Neither told anew nor lengthened: it ends when it would have ended."""
    bed = make()
    (condition,) = bed.state.alarms
    asked = pause if condition is HARD else shelve
    asked(bed, 100, condition)
    restarted(bed, timedelta(seconds=30))
    assert events(bed.give(Tick())) == []
    assert until_ns(bed, condition) == bed.now_ns + 70 * NS_PER_S
    bed.now_ns += 70 * NS_PER_S - 1
    assert why(bed.give(Tick())) == []
    bed.now_ns += 1
    assert why(bed.give(Tick())) == ["its time is over"]


@pytest.mark.parametrize(
    ("after_s", "clock_s", "reason"),
    [
        (99.999, 0, []),
        (100, 0, ["its time is over"]),
        (3600, 0, ["its time is over"]),
        (0, -0.001, ["the clock can not be trusted"]),
        (0, -3600, ["the clock can not be trusted"]),
        (0, 0, []),
    ],
)
def test_after_a_restart_only_a_clock_that_makes_sense_keeps_it(
    after_s: float, clock_s: float, reason: list[str]
) -> None:
    """Before its beginning the clock must have gone back; then nobody knows its end, and it is over."""
    bed = crashed()
    shelve(bed, 100)
    restarted(bed, timedelta(seconds=after_s), clock=timedelta(seconds=clock_s))
    assert why(bed.give(Tick())) == reason


def test_a_label_in_the_future_says_that_the_clock_went_back() -> None:
    """The shelf's own times would do, but another alarm of the pump began later than now."""
    bed = crashed()
    shelve(bed, 1000)
    bed.now_ns += 500 * NS_PER_S
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    restarted(bed, timedelta(0), clock=timedelta(seconds=-300))
    assert why(bed.give(Tick())) == ["the clock can not be trusted"]


@pytest.mark.parametrize(
    ("step_s", "ends"), [(2.1, False), (-2.1, False), (2.101, True), (-2.101, True), (3600, True)]
)
def test_a_clock_that_steps_ends_it_at_once(step_s: float, ends: bool) -> None:
    """2 s and a thousandth of its length is what a clock under correction may differ; more is a step."""
    bed = crashed()
    shelve(bed, 100)
    bed.stepped += timedelta(seconds=step_s)
    assert why(bed.give(Tick())) == (["the clock can not be trusted"] if ends else [])
