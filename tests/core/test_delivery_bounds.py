"""Each bound of the bands, hit to the last grain: what is just allowed is never told."""

from __future__ import annotations

from typing import Any

import pytest

from pumpd.core.delivery_bands import NONE, SLOW_FOR_NS, Excess, Floors, Told, off

FLOORS = Floors(tick_grains=10, margin_grains=100, total_grains=1_000, quiet_ns=50)
NOW_NS = 10 * SLOW_FOR_NS
TOLD = Excess(peak_grains=5, peak_ns=NOW_NS, told=Told.SLOW)


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize("left", ["fast_grains", "slow_grains", "total_grains"])
def test_an_excess_that_is_taken_back_to_nought_is_over(left: str) -> None:
    """What was too much is made good exactly: the episode is forgotten, and what was told with it."""
    due = {"fast_grains": 125, "slow_grains": 110, "total_grains": 100}[left]
    just: dict[str, Any] = {left: due}
    more: dict[str, Any] = {left: due + 1}
    assert off(TOLD._replace(**just), 0, 1, FLOORS, NOW_NS, too_much=True) == NONE
    still = off(TOLD._replace(**more), 0, 1, FLOORS, NOW_NS, too_much=True)
    assert (getattr(still, left), still.told) == (1, Told.SLOW)


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize(
    ("was", "moved", "due", "told"),
    [
        (Excess(fast_grains=110, marked_grains=101), 126, 1, Told.NOTHING),
        (Excess(fast_grains=111, marked_grains=101), 126, 1, Told.FAST),
        (Excess(fast_grains=99), 126, 1, Told.NOTHING),
        (Excess(slow_grains=99, slow_since_ns=1), 111, 1, Told.NOTHING),
        (Excess(slow_grains=100, slow_since_ns=1), 111, 1, Told.SLOW),
        (Excess(slow_grains=100, slow_since_ns=NOW_NS - SLOW_FOR_NS + 1), 111, 1, Told.NOTHING),
        (Excess(slow_grains=100, slow_since_ns=NOW_NS - SLOW_FOR_NS), 111, 1, Told.SLOW),
        (Excess(total_grains=999), 101, 1, Told.NOTHING),
        (Excess(total_grains=1_000), 101, 1, Told.TOTAL),
        (Excess(total_grains=1_000), 1, 0, Told.TOTAL),
        (Excess(fast_grains=110, marked_grains=101), 1, 0, Told.NOTHING),
        (Excess(fast_grains=111, marked_grains=101), 1, 0, Told.FREE),
        (Excess(slow_grains=100, slow_since_ns=1), 1, 0, Told.FREE),
    ],
)
def test_what_is_just_allowed_is_not_told(was: Excess, moved: int, due: int, told: Told) -> None:
    """A grain beyond each floor is told by its rule, and the floor itself is not."""
    assert off(was, moved, due, FLOORS, NOW_NS, too_much=True).told is told


@pytest.mark.requirement("DELIVERY-5")
def test_a_fast_excess_is_marked_above_its_floor_only() -> None:
    """At the floor itself nothing is marked; a grain above, it is."""
    at = off(Excess(fast_grains=99), 126, 1, FLOORS, NOW_NS, too_much=True)
    above = off(Excess(fast_grains=100), 126, 1, FLOORS, NOW_NS, too_much=True)
    assert (at.fast_grains, at.marked_grains) == (100, 0)
    assert (above.fast_grains, above.marked_grains) == (101, 101)


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize(("moved", "peak"), [(110, (100, 1)), (111, (111, NOW_NS))])
def test_a_peak_rises_by_more_than_a_step_of_the_counter(moved: int, peak: tuple[int, int]) -> None:
    """One step up and down is no new peak, so it does not keep an episode alive."""
    after = off(Excess(peak_grains=100, peak_ns=1), moved, 0, FLOORS, NOW_NS, too_much=True)
    assert (after.peak_grains, after.peak_ns) == peak


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize(("ago_ns", "over"), [(49, False), (50, True)])
def test_an_episode_ends_after_its_quiet_time(ago_ns: int, over: bool) -> None:
    """What was told is over when nothing was added for the whole quiet time, and not sooner."""
    was = Excess(total_grains=105, peak_grains=200, peak_ns=NOW_NS - ago_ns, told=Told.TOTAL)
    after = off(was, 0, 1, FLOORS, NOW_NS, too_much=True)
    assert (after == NONE) is over
