"""The words of the gate, and what proves that a pump has stopped."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pumpd.core.drug_library import Restrain
from pumpd.core.quantities import FlowRate
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.state import Now
from pumpd.core.telemetry import Measured, PumpStatus, missing
from pumpd.daemon.gate import does_not_deliver, refused_by_gate
from pumpd.qa.virtual_time import START
from tests.daemon.orders import live_pump, telemetry

WORDS = ("enforcement", "not signed", "never tried", "does not allow it for this drug")


@pytest.mark.requirement("RES-1")
def test_a_gate_that_is_not_open_says_which_part() -> None:
    """Over all combinations: empty exactly when a pause is allowed, else one part that does not agree."""
    for enforcement, signed, allows, proven in itertools.product(
        Enforcement, (False, True), Restrain, (False, True)
    ):
        gate = RestraintGate(enforcement, signed, allows, proven)
        wrong = (enforcement is not Enforcement.PAUSE, not signed, not proven, allows is not Restrain.PAUSE)
        said = refused_by_gate(gate)
        assert (said == "") is gate.may_pause is (not any(wrong))
        if said:
            named = [index for index, word in enumerate(WORDS) if word in said]
            assert len(named) == 1
            assert wrong[named[0]]


@pytest.mark.requirement("RES-2")
@pytest.mark.parametrize("status", PumpStatus)
def test_only_status_and_flow_together_prove_a_stop(status: PumpStatus) -> None:
    """A status that delivers, a flow above 0 or one that can not be believed: not stopped."""
    reading = telemetry(live_pump(Now(0, START)), 0, "0", status)
    stopped = not status.delivers
    assert does_not_deliver(reading) is stopped
    assert does_not_deliver(replace(reading, flow=missing())) is stopped
    assert not does_not_deliver(replace(reading, flow=Measured.valid(FlowRate(1))))
    assert not does_not_deliver(replace(reading, flow=Measured.invalid("65535")))
