"""Times of points: none meets an earlier one of its channel, whatever clock and restarts do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.rising import NS_PER_MS, STEP_BACK_MS, Rising
from tests import proof

A, B = ((PumpId(name), ChannelId("1")) for name in ("A", "B"))
STEPS = st.integers(-3 * STEP_BACK_MS, STEP_BACK_MS) | st.integers(-5, 5)


@pytest.mark.requirement("INFLUX-1")
@proof.examples("clocks that step while points are timed", small=200, full=50_000)
@given(steps=st.lists(st.tuples(st.sampled_from([A, B]), STEPS, st.booleans()), max_size=60))
def test_no_two_points_of_a_channel_share_a_time(
    steps: list[tuple[tuple[PumpId, ChannelId], int, bool]],
) -> None:
    """However the clock steps and whenever the program starts anew, every point has a time of its own."""
    rising, now_ms = Rising(), 10 * STEP_BACK_MS
    seen: set[tuple[tuple[PumpId, ChannelId], int]] = set()
    for channel, step_ms, restart in steps:
        now_ms = max(1, now_ms + step_ms)
        if restart:
            rising = Rising(*rising.mark)
        placed = (channel, rising.place(channel, now_ms))
        assert placed not in seen
        seen.add(placed)


@pytest.mark.requirement("INFLUX-1")
@pytest.mark.parametrize(
    ("back_ms", "held"), [(0, True), (1, True), (STEP_BACK_MS - 1, True), (STEP_BACK_MS, False)]
)
def test_a_small_step_back_is_held_and_a_large_one_is_taken(back_ms: int, *, held: bool) -> None:
    """Below ten minutes times go on rising by 1 ms; from there on the right time is taken, in a new era."""
    rising, at_ms = Rising(), 10 * STEP_BACK_MS
    first = rising.place(A, at_ms)
    assert first == at_ms * NS_PER_MS
    second = rising.place(A, at_ms - back_ms)
    assert second == (first + NS_PER_MS if held else (at_ms - back_ms) * NS_PER_MS + 1)
