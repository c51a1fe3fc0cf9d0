"""The age rule: clocks may differ, delays may not hide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.contract.age import WINDOW_MS, Transit


@pytest.mark.requirement("INV-3")
@given(
    offset_ms=st.integers(-(10**12), 10**12),
    delays_ms=st.lists(st.integers(0, 100_000), min_size=1, max_size=30),
    age_ms=st.integers(0, 10_000),
)
def test_a_delay_beyond_the_fastest_message_is_in_the_age(offset_ms, delays_ms, age_ms):
    """Whatever the clocks, the age is the true age less only the smallest delay seen."""
    transit = Transit()
    sent = 0
    for delay in delays_ms:
        sent += 1000
        transit.observe(sent, sent + delay + offset_ms)
    now = sent + delays_ms[-1] + offset_ms
    assert transit.age_ms(age_ms, sent, now) == age_ms + delays_ms[-1] - min(delays_ms)


@pytest.mark.requirement("INV-3")
def test_a_frozen_broker_does_not_make_old_readings_new():
    """Messages released by a broker after 45 s of freeze carry those 45 s, also the first of them."""
    transit = Transit()
    for second in range(60):
        assert transit.observe(second * 1000, second * 1000 + 5) == 0
    assert transit.observe(60_000, 105_005) == 45_000
    assert transit.age_ms(200, 60_000, 105_005) == 45_200


@pytest.mark.requirement("INV-3")
def test_a_freeze_longer_than_the_window_still_shows():
    """After a silence longer than ten minutes the last known difference stands, so the release is old."""
    transit = Transit()
    transit.observe(0, 0)
    assert transit.observe(1000, WINDOW_MS + 60_000) == WINDOW_MS + 59_000


def test_drifting_clocks_are_followed():
    """A clock that runs 50 ppm fast for a day does not add up to age: the window moves along."""
    transit = Transit()
    worst = 0
    for second in range(0, 86_400, 5):
        sent = second * 1000
        worst = max(worst, transit.observe(sent, sent + sent // 20_000))
    assert worst <= 40


def test_a_later_faster_message_corrects_what_came_before():
    """A retained message that was old when it arrived shows its age once a fresh one has come."""
    transit = Transit()
    transit.observe(0, 20_000)
    assert transit.age_ms(100, 0, 20_000) == 100
    transit.observe(20_000, 20_000)
    assert transit.age_ms(100, 0, 20_000) == 20_100
