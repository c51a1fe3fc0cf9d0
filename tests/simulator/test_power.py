"""What keeps a pump alive: battery, mains, memory, self-test, and a clock of its own."""

import pytest

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.mechanism import IDEAL
from pumpd.simulator.power import BatteryTraits
from tests.simulator.physics_scene import running

pytestmark = pytest.mark.requirement("SIM-4")
MINUTE = 60 * NS_PER_S


def test_a_battery_follows_its_curve_and_spares_itself_at_rest():
    """Charge 50 % shows 85 %; standing still costs a tenth."""
    battery = BatteryTraits(10 * NS_PER_H, idle_percent=10, curve=((0, 0), (50, 85), (100, 100)))
    model = running(IDEAL, 10, battery=battery)
    model.on_mains = False
    model.advance(5 * NS_PER_H)
    assert model.battery_percent == pytest.approx(85, abs=1)
    model.press_stop()
    model.advance(10 * NS_PER_H)
    assert model.battery_percent == pytest.approx(68, abs=1)


@pytest.mark.parametrize("curve", [(), ((0, 0), (50, 60)), ((0, 0), (50, 60), (50, 70), (100, 100))])
def test_a_curve_that_is_none_is_refused(curve):
    """It rises from nothing to full."""
    with pytest.raises(ValueError, match="rises"):
        BatteryTraits(NS_PER_H, curve=curve)


def test_what_is_remembered_outlasts_a_short_switch_off_only():
    """4 h (GIP 1.7.1): settings and counter are there afterwards; beyond that they are gone."""
    model = running(IDEAL, 60, self_test_ns=30 * NS_PER_S)
    model.advance(MINUTE)
    counted_nl = model.delivered_nl
    model.switch_off()
    model.advance(4 * NS_PER_H)
    model.switch_on()
    model.press_start()
    assert model.status is PumpStatus.STANDBY
    model.advance(31 * NS_PER_S)
    assert (model.status, model.set_rate_nl_h) == (PumpStatus.STOPPED, 60 * NL_PER_ML)
    assert model.delivered_nl == counted_nl
    model.switch_off()
    model.advance(4 * NS_PER_H + 1)
    model.switch_on()
    assert (model.set_rate_nl_h, model.delivered_nl) == (0, 0)


def test_a_failed_self_test_is_a_fault():
    """No key starts such a pump."""
    model = running(IDEAL, 60, self_test_ns=NS_PER_S)
    model.next_self_test_fails = True
    model.switch_off()
    model.switch_on()
    model.advance(2 * NS_PER_S)
    model.press_start()
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.FAULT})


def test_a_clock_of_its_own_drifts():
    """1000 ppm too fast: 36 tenths of a second more in an hour."""
    model = running(IDEAL, 60, clock_ppm=1000)
    model.advance(NS_PER_H)
    assert model.heartbeat == 36_036


def test_a_pump_without_power_goes_dark_and_comes_back_on_mains_by_hand():
    """It says "depleted" for 3 min, then nothing; mains alone does not switch it on again."""
    battery = BatteryTraits(MINUTE)
    model = running(IDEAL, 10, battery=battery, dies_after_ns=3 * MINUTE)
    model.on_mains = False
    model.advance(2 * MINUTE)
    assert (model.status, model.powered) == (PumpStatus.ALARM, True)
    model.advance(3 * MINUTE)
    assert not model.powered
    model.switch_on()
    assert not model.powered
    model.on_mains = True
    model.advance(MINUTE)
    assert not model.powered
    model.switch_on()
    model.advance(MINUTE)
    assert (model.powered, model.status, model.flow_nl_h) == (True, PumpStatus.STOPPED, 0)
