"""The trumpet of IEC 60601-2-24 against vectors worked out by hand, and its edges."""

import math

import pytest

from pumpd.qa.trumpet import (
    WINDOWS_MIN,
    first_fluid_min,
    mean_error_percent,
    sampled_flows_ml_h,
    steady_from_min,
    trumpet,
)

pytestmark = pytest.mark.requirement("SIM-5")
SET_ML_H = 10.0
SINE = [SET_ML_H * (1 + 0.2 * math.sin(math.tau * i * 0.5 / 4)) for i in range(120)]
ALTERNATING = [20.0 if i % 2 == 0 else 0.0 for i in range(120)]
ONE_GAP = [0.0 if i == 60 else 10.3 for i in range(120)]


@pytest.mark.parametrize(
    ("flows_ml_h", "highest", "lowest"),
    [
        pytest.param(
            SINE,
            (17.071, 12.071, 3.414, 1.552, 0.898, 0.551),
            (-17.071, -12.071, -3.414, -1.552, -0.898, -0.551),
            id="a swing of 20 % each 4 min",
        ),
        pytest.param(ALTERNATING, (0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0), id="pulses at the sample rate"),
        pytest.param(
            ONE_GAP,
            (3.0, 3.0, 3.0, 3.0, 3.0, 1.339),
            (-48.5, -22.75, -7.3, -1.682, 0.289, 1.339),
            id="3 % too fast, with one sample of nothing",
        ),
    ],
)
def test_the_trumpet_of_known_flows(flows_ml_h, highest, lowest):
    """All windows of all three rows agree to the third decimal."""
    found = trumpet(flows_ml_h, SET_ML_H)
    assert [error.window_min for error in found] == list(WINDOWS_MIN)
    assert [error.highest_percent for error in found] == pytest.approx(highest, abs=0.0005)
    assert [error.lowest_percent for error in found] == pytest.approx(lowest, abs=0.0005)


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
        trumpet(SINE, set_ml_h, windows)
