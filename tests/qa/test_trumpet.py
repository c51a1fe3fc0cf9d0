"""The trumpet of IEC 60601-2-24 against vectors worked out by hand, and its edges."""

import pytest

from pumpd.qa.trumpet import (
    WINDOWS_MIN,
    first_fluid_min,
    mean_error_percent,
    sampled_flows_ml_h,
    steady_from_min,
    trumpet,
)
from tests.qa.trumpet_vectors import SET_ML_H, VECTORS

pytestmark = pytest.mark.requirement("SIM-5")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.what)
def test_the_trumpet_of_known_flows(vector):
    """All windows of all three rows agree to the third decimal."""
    found = trumpet(vector.flows_ml_h, SET_ML_H)
    assert [error.window_min for error in found] == list(WINDOWS_MIN)
    assert [error.highest_percent for error in found] == pytest.approx(vector.highest_percent, abs=0.0005)
    assert [error.lowest_percent for error in found] == pytest.approx(vector.lowest_percent, abs=0.0005)


def test_flows_come_from_volumes():
    """10 mL/h moves 1/12 mL in each half minute."""
    volumes = [i / 12 for i in range(241)]
    assert sampled_flows_ml_h(volumes) == pytest.approx([10.0] * 240)
    assert mean_error_percent(volumes[240] - volumes[120], 60, 10) == pytest.approx(0)
    assert mean_error_percent(10.2, 60, 10) == pytest.approx(2)


def test_start_up_is_read_off_the_samples():
    """Nothing for 3 min, then half of it, then all: first fluid and the steady flow are told apart."""
    flows = [0.0] * 6 + [5.0] * 6 + [10.0] * 20
    volumes = [sum(flows[:i]) / 120 for i in range(len(flows) + 1)]
    assert first_fluid_min(volumes, 0.0, 0.5) == 3.5
    assert steady_from_min(flows, 10, 5, 2, 0.5) == 8.0
    assert first_fluid_min([0.0, 0.0], 0.0, 0.5) is None
    assert steady_from_min([0.0] * 9, 10, 5, 2, 0.5) is None


@pytest.mark.parametrize(
    ("set_ml_h", "windows", "words"),
    [
        (0, (1,), "set rate"),
        (10, (0.7,), "whole samples"),
        (10, (61,), "up to 60"),
        (10, (0,), "window of 0"),
    ],
)
def test_what_can_not_be_computed_is_refused(set_ml_h, windows, words):
    """No rate, windows between samples, windows longer than the period."""
    with pytest.raises(ValueError, match=words):
        trumpet(VECTORS[0].flows_ml_h, set_ml_h, windows)
