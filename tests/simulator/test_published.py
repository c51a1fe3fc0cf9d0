"""The mechanisms against what was measured on real pumps. docs/physics.md prints the same figures."""

import pytest

from pumpd.qa.trumpet import mean_error_percent
from pumpd.simulator.mechanism import syringe, volumetric
from tests.simulator.physics_page import (
    OCCLUSIONS,
    accuracy,
    occlusion_min,
    purged_start_up,
    start_up,
)

pytestmark = pytest.mark.requirement("SIM-5")


@pytest.mark.parametrize(("rate_ml_h", "mean_min", "spread_min"), OCCLUSIONS)
@pytest.mark.parametrize("phase_nl", [0, 150_000, 300_000, 450_000])
def test_a_blocked_syringe_is_told_as_late_as_measured(rate_ml_h, mean_min, spread_min, phase_nl):
    """Doenmez 2005: 117.3 +- 9.4 min at 0.5 mL/h and 15.0 +- 7.1 min at 5 mL/h with a 50 mL syringe."""
    assert abs(occlusion_min(rate_ml_h, syringe(50, phase_nl=phase_nl)) - mean_min) <= spread_min


@pytest.mark.parametrize("phase_nl", [0, 150_000, 300_000, 450_000])
def test_a_fresh_syringe_starts_up_as_late_as_measured(phase_nl):
    """Neff 2001, 1 mL/h: first fluid after 6.75 to 57.2 min, steady flow after 19.6 to 76.3 min."""
    first_min, steady_min = start_up(syringe(50, phase_nl=phase_nl))
    assert 6.75 <= first_min <= 57.2
    assert 19.6 <= steady_min <= 76.3


@pytest.mark.parametrize("phase_nl", [0, 150_000, 300_000, 450_000])
def test_a_purge_of_2_ml_takes_the_delay_away(phase_nl):
    """Neff 2001 with a 2 mL bolus before connecting: first fluid 0.3 to 1.1 min, steady 6.0 to 11.1 min."""
    first_min, steady_min = purged_start_up(syringe(50, phase_nl=phase_nl))
    assert 0.3 <= first_min <= 1.1
    assert 6.0 <= steady_min <= 11.1


@pytest.mark.parametrize(
    ("mechanism", "rate_ml_h", "within_percent"),
    [
        *((syringe(50, bias_ppm=bias), rate, 2.0) for bias in (-10_000, 10_000) for rate in (1, 5, 20)),
        *((volumetric(bias_ppm=bias), rate, 5.0) for bias in (-25_000, 25_000) for rate in (1, 25, 120)),
    ],
)
def test_the_second_hour_is_as_accurate_as_the_makers_say(mechanism, rate_ml_h, within_percent):
    """2 % for a syringe pump (Perfusor compact), 5 % for a volumetric one (Infusomat Space)."""
    volumes_ml = accuracy(mechanism, rate_ml_h)
    second_hour_ml = volumes_ml[240] - volumes_ml[120]
    assert abs(mean_error_percent(second_hour_ml, 60, rate_ml_h)) <= within_percent
