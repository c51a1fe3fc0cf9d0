"""Whatever people and the world do, in any order: no fluid is made or lost, and looking changes nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpStatus
from pumpd.simulator.mechanism import syringe
from pumpd.simulator.traits import FLOWING
from tests import proof
from tests.simulator.physics_scene import BUSY, PUMPS, STEPS, do, made

BUSY_SYRINGE = replace(BUSY, mechanism=syringe(50))
pytestmark = [pytest.mark.requirement("SIM-4"), pytest.mark.timeout(900)]


@proof.examples("simulated lives in which no fluid is made or lost", 100, 5_000)
@given(PUMPS, STEPS)
def test_what_left_the_reservoir_is_somewhere(traits, steps):
    """Put in = reservoir + line + patient + lost, to the nanolitre, after every step; nothing is below 0."""
    model = made(traits)
    put_in_nl, air_nl = 4_000_000, 0
    for elapsed_ns, action in steps:
        model.advance(elapsed_ns)
        account = model.account()
        parts = (account.reservoir_nl, account.line_nl, account.patient_nl, account.lost_nl)
        assert min(*parts, account.air_ahead_nl, account.air_to_patient_nl) >= 0
        assert sum(parts) == put_in_nl
        assert account.air_ahead_nl + account.air_to_patient_nl <= air_nl
        do(model, action)
        put_in_nl += action[1][0] if action[0] == "change_reservoir" else 0
        air_nl += action[1][0] if action[0] == "let_air_in" else 0


@proof.examples("simulated lives cut two ways", 100, 5_000)
@given(PUMPS, STEPS, st.integers(1, 40))
def test_cutting_time_differently_changes_nothing(traits, steps, parts):
    """Looking once or forty times between two key presses ends in equal pumps, and in an equal account."""
    once, often = made(traits), made(traits)
    for elapsed_ns, action in steps:
        once.advance(elapsed_ns)
        whole, rest = divmod(elapsed_ns, parts)
        for part in range(parts):
            often.advance(whole + (rest if part == 0 else 0))
            assert often.account().since_ns == often.now_ns
            assert often.pressure_pa >= 0
        do(once, action)
        do(often, action)
    assert once == often
    assert once.account() == often.account()


@given(PUMPS, STEPS)
def test_the_patient_gets_no_less_than_before_but_by_a_step_back(traits, steps):
    """Nothing but a reverse step takes from the patient; a pump that stands still gives nothing."""
    model = made(traits)
    for elapsed_ns, action in steps:
        before_nl, idle = model.patient_nl, model.status not in FLOWING
        idle = idle and not model.free_flow_nl_h and not model.fluid.line_nl
        idle = idle and model.status is not PumpStatus.PAUSED
        model.advance(elapsed_ns)
        assert model.patient_nl >= before_nl
        if idle:
            assert model.patient_nl == before_nl
        before_nl = model.patient_nl
        do(model, action)
        assert action[0] == "step_back" or model.patient_nl == before_nl
        assert model.status in FLOWING or model.flow_nl_h == 0


@pytest.mark.parametrize(
    ("before", "keys"),
    [
        pytest.param("_runs_dry", ("press_clear", "press_start"), id="started with nothing left"),
        pytest.param("_runs_out", ("press_clear", "press_start"), id="cleared with an empty battery"),
        pytest.param("_is_blocked", ("press_clear", "press_start"), id="started against a blocked line"),
        pytest.param("_is_blocked", ("press_clear", "unblock", "block"), id="blocked again while it lets go"),
    ],
)
def test_what_is_wrong_at_a_key_press_shows_at_the_same_moment(before, keys):
    """A cause that stands already is met 1 ns after the key, whether one looks then or a minute later."""
    once, often = made(BUSY_SYRINGE), made(BUSY_SYRINGE)
    for model in (once, often):
        model.press_start()
        if before == "_runs_dry":
            model.change_reservoir(1_000)
        elif before == "_runs_out":
            model.on_mains = False
        else:
            model.block()
        model.advance(650 * NS_PER_S + 12_345_678)
        assert model.status is PumpStatus.ALARM
        for key in keys:
            getattr(model, key)()
    once.advance(30 * NS_PER_S)
    for part_ns in (1, 7, 12_000_000, 30 * NS_PER_S - 12_000_008):
        often.advance(part_ns)
    assert once == often
