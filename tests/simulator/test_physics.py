"""Whatever people and the world do, in any order: no fluid is made or lost, and looking changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.telemetry import PumpStatus
from pumpd.simulator.traits import FLOWING
from tests import proof
from tests.simulator.physics_scene import PUMPS, STEPS, do, made

pytestmark = [pytest.mark.requirement("SIM-4"), pytest.mark.timeout(900)]


@proof.examples("simulated lives in which no fluid is made or lost", 100, 5_000)
@given(PUMPS, STEPS)
def test_what_left_the_reservoir_is_somewhere(traits, steps):
    """Put in = reservoir + line + patient + lost, to the nanolitre, after every step; nothing is below 0."""
    model = made(traits)
    put_in_nl, air_nl = 8_000_000, 0
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
