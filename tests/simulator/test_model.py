"""The physics of the simulated pump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import RAMP_STEP_NS, PumpTraits

RAMP_NL_H = PumpTraits().ramp_nl_h_per_s * RAMP_STEP_NS // NS_PER_S

pytestmark = pytest.mark.requirement("SIM-1")


def running(rate_ml_h: int, **kwargs) -> PumpModel:
    model = PumpModel(**kwargs)
    model.turn_rate(rate_ml_h * NL_PER_ML)
    model.press_start()
    return model


def test_the_flow_ramps_to_the_set_rate_in_steps_of_100_ms():
    """200 mL/h for each second: 60 mL/h is reached at the fourth step."""
    model = running(60)
    flows = []
    for _ in range(5):
        model.advance(NS_PER_S // 10)
        flows.append(model.flow_nl_h // NL_PER_ML)
    assert flows == [20, 40, 60, 60, 60]


def test_the_programme_ends_in_keep_vein_open():
    """After the programmed volume the pump runs on at 1 mL/h and says END."""
    model = running(60, to_be_infused_nl=NL_PER_ML)
    model.advance(61 * NS_PER_S)
    assert model.status is PumpStatus.KVO
    assert PumpAlarm.END in model.present_alarms()
    assert model.to_be_infused_left_nl == 0
    model.advance(NS_PER_S)
    assert model.flow_nl_h == NL_PER_ML


def test_without_keep_vein_open_the_pump_stops_at_the_end():
    """A pump that has no KVO stops when the programme is in, at that very volume."""
    model = running(60, to_be_infused_nl=NL_PER_ML, traits=PumpTraits(kvo_nl_h=0))
    model.advance(3600 * NS_PER_S)
    assert model.status is PumpStatus.STOPPED
    assert 0 <= model.delivered_nl - NL_PER_ML <= 1


def test_an_empty_reservoir_stops_the_pump_with_an_alarm():
    """No nanolitre comes out of an empty reservoir."""
    model = running(100, reservoir_nl=NL_PER_ML)
    model.advance(3600 * NS_PER_S)
    assert (model.status, model.flow_nl_h) == (PumpStatus.ALARM, 0)
    assert PumpAlarm.EMPTY in model.alarms
    assert model.delivered_nl == NL_PER_ML
    model.press_start()
    assert model.status is PumpStatus.ALARM


def test_near_end_shows_when_the_last_millilitre_begins():
    """The trait near_end_nl decides."""
    model = running(60, reservoir_nl=2 * NL_PER_ML)
    model.advance(59 * NS_PER_S)
    assert PumpAlarm.NEAR_END not in model.present_alarms()
    model.advance(2 * NS_PER_S)
    assert PumpAlarm.NEAR_END in model.present_alarms()


def test_a_blocked_line_builds_pressure_until_the_alarm():
    """100 uL trapped bring 100 kPa; at 60 mL/h that takes about 6 s."""
    model = running(60)
    model.advance(NS_PER_S)
    model.block()
    before = model.pressure_pa
    model.advance(3 * NS_PER_S)
    assert model.pressure_pa == pytest.approx(before + 50_000, abs=500)
    assert model.status is PumpStatus.RUNNING
    model.advance(4 * NS_PER_S)
    assert (model.status, model.flow_nl_h) == (PumpStatus.ALARM, 0)
    assert PumpAlarm.OCCLUSION in model.alarms
    model.unblock()
    model.press_clear()
    model.press_start()
    model.advance(NS_PER_S)
    assert model.status is PumpStatus.RUNNING


def test_a_bolus_ends_by_itself():
    """After its volume the pump goes on at the set rate."""
    model = running(10)
    model.advance(NS_PER_S)
    model.give_bolus(NL_PER_ML)
    model.advance(NS_PER_S)
    assert model.status is PumpStatus.BOLUS
    model.advance(30 * NS_PER_S)
    assert (model.status, model.flow_nl_h) == (PumpStatus.RUNNING, 10 * NL_PER_ML)


def test_the_battery_runs_down_off_mains_and_stops_the_pump():
    """Low at 20 %, an alarm at 0; on mains it charges again."""
    model = running(1, reservoir_nl=500 * NL_PER_ML, on_mains=False)
    model.advance(int(3.5 * NS_PER_H))
    assert PumpAlarm.BATTERY_LOW in model.present_alarms()
    model.advance(NS_PER_H)
    assert (model.status, model.battery_percent) == (PumpStatus.ALARM, 0)
    model.on_mains = True
    model.press_clear()
    model.advance(NS_PER_H)
    assert model.battery_percent == 50


def test_a_pause_stops_the_flow_at_once_and_only_a_key_starts_it():
    """The pause control is write-only: nothing over the wire brings the flow back."""
    model = running(60)
    model.advance(NS_PER_S)
    model.pause()
    assert (model.status, model.flow_nl_h) == (PumpStatus.PAUSED, 0)
    model.advance(NS_PER_H)
    assert model.flow_nl_h == 0
    model.press_start()
    model.advance(NS_PER_S)
    assert model.flow_nl_h == 60 * NL_PER_ML


@pytest.mark.parametrize("status", ["prime", "flush"])
def test_priming_and_flushing_are_statuses_of_their_own(status):
    """They flow at the priming rate until somebody stops them."""
    model = PumpModel()
    getattr(model, status)()
    model.advance(10 * NS_PER_S)
    assert model.status in {PumpStatus.PRIMING, PumpStatus.FLUSHING}
    assert model.flow_nl_h == 300 * NL_PER_ML
    model.press_stop()
    assert model.flow_nl_h == 0


def test_a_rate_beyond_the_pump_is_refused_aloud():
    """A key press that the pump does not have is no key press."""
    with pytest.raises(ValueError, match="allowed 0 to"):
        PumpModel().turn_rate(1201 * NL_PER_ML)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 200 * NS_PER_S),
        st.sampled_from(
            ["wait", "start", "stop", "pause", "block", "unblock", "clear", "bolus", "mains", "prime", "fill"]
        )
        | st.integers(0, 1200 * NL_PER_ML),
    ),
    max_size=12,
)


def do(model: PumpModel, action: str | int) -> None:
    if isinstance(action, int):
        model.turn_rate(action)
    elif action == "mains":
        model.on_mains = not model.on_mains
    elif action == "bolus":
        model.give_bolus(NL_PER_ML)
    elif action == "fill":
        model.change_reservoir(5 * NL_PER_ML)
    elif action != "wait":
        press = {"start": "press_start", "stop": "press_stop", "clear": "press_clear"}
        getattr(model, press.get(action, action))()


@given(STEPS, st.integers(0, 20 * NL_PER_ML), st.integers(0, 5 * NL_PER_ML))
def test_volume_never_falls_and_never_exceeds_what_was_put_in(steps, reservoir_nl, programme_nl):
    """Whatever happens, the counter only grows, and no more comes out than the reservoirs held."""
    model = PumpModel(reservoir_nl=reservoir_nl, to_be_infused_nl=programme_nl)
    put_in_nl = reservoir_nl
    for elapsed_ns, action in steps:
        before_nl = model.delivered_nl
        model.advance(elapsed_ns)
        assert model.delivered_nl >= before_nl
        assert 0 <= model.reservoir_left_nl <= model.reservoir_nl
        put_in_nl += 5 * NL_PER_ML if action == "fill" else 0
        do(model, action)
        assert model.status.delivers or model.flow_nl_h == 0
    assert model.delivered_nl <= put_in_nl


@given(STEPS, st.integers(1, 40))
def test_one_long_step_and_many_short_ones_end_alike(steps, parts):
    """Looking more often changes nothing: the model is a function of time and key presses."""
    once, often = (PumpModel(reservoir_nl=8 * NL_PER_ML, to_be_infused_nl=3 * NL_PER_ML) for _ in range(2))
    for elapsed_ns, action in steps:
        once.advance(elapsed_ns)
        whole, rest = divmod(elapsed_ns, parts)
        for part in range(parts):
            often.advance(whole + (rest if part == 0 else 0))
        do(once, action)
        do(often, action)
    assert once == often


@given(STEPS)
def test_delivered_is_the_integral_of_the_rate(steps):
    """Between two ramp steps the counter grows by flow times time, exactly; an edge inside stays between."""
    model = PumpModel(reservoir_nl=10**12)
    for elapsed_ns, action in steps:
        left_ns = min(elapsed_ns, 20 * NS_PER_S)
        while left_ns:
            step_ns = min(left_ns, RAMP_STEP_NS - model.now_ns % RAMP_STEP_NS)
            counted, status, flow = model.delivered_nl_ns_h, model.status, model.flow_nl_h
            model.advance(step_ns)
            grown = model.delivered_nl_ns_h - counted
            if model.status is status:
                assert grown == model.flow_nl_h * step_ns
            else:
                fastest = max(flow, model.flow_nl_h) + RAMP_NL_H
                assert 0 <= grown <= fastest * step_ns
            left_ns -= step_ns
        do(model, action)
    assert model.delivered_nl == model.delivered_nl_ns_h // NS_PER_H
