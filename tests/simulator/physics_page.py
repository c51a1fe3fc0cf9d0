"""What docs/physics.md shows, from the model: ``python -m tests.simulator.physics_page`` writes it."""

from __future__ import annotations

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpStatus
from pumpd.qa.trumpet import first_fluid_min, sampled_flows_ml_h, steady_from_min
from pumpd.simulator.mechanism import Mechanism
from pumpd.simulator.model import PumpModel
from tests.simulator.physics_scene import running

OCCLUSIONS = ((0.5, 117.3, 9.4), (5.0, 15.0, 7.1))
"""mL/h, mean and spread in min, 50 mL syringe (Doenmez et al., Paediatr Anaesth 2005; 15: 293-296)."""
_FINE_S = 3
STEADY_PERCENT = 5.0
"""What we call steady: the mean of 2 min within this of the set rate."""


def volumes_ml(model: PumpModel, minutes: float, sample_s: int) -> list[float]:
    """Return what the patient has got, each ``sample_s``, from now on."""
    begun_nl = model.patient_nl
    found = [0.0]
    for _ in range(round(minutes * 60 / sample_s)):
        model.advance(sample_s * NS_PER_S)
        found.append((model.patient_nl - begun_nl) / NL_PER_ML)
    return found


def accuracy(mechanism: Mechanism, rate_ml_h: float) -> list[float]:
    """Return the volumes of two hours from the start, each half minute."""
    return volumes_ml(running(mechanism, rate_ml_h), 120, 30)


def _start_up(model: PumpModel) -> tuple[float, float]:
    volumes = volumes_ml(model, 120, _FINE_S)
    sample_min = _FINE_S / 60
    first = first_fluid_min(volumes, 0.0, sample_min)
    flows = sampled_flows_ml_h(volumes, sample_min)
    steady = steady_from_min(flows, 1.0, STEADY_PERCENT, 2, sample_min)
    assert first is not None
    assert steady is not None
    return first, steady


def start_up(mechanism: Mechanism) -> tuple[float, float]:
    """Return when the first fluid comes and when the flow is steady, in min, at 1 mL/h."""
    return _start_up(running(mechanism, 1.0))


def purged_start_up(mechanism: Mechanism) -> tuple[float, float]:
    """Do the same after 2 mL were pushed through before the line was connected."""
    model = running(mechanism, 1.0)
    model.press_stop()
    model.prime()
    while model.delivered_nl < 2 * NL_PER_ML:
        model.advance(NS_PER_S)
    model.press_stop()
    model.press_start()
    return _start_up(model)


def occlusion_run(rate_ml_h: float, mechanism: Mechanism) -> list[tuple[float, float]]:
    """Return minutes since the line was blocked and kPa, each 10 s, until the pump stops."""
    model = running(mechanism, rate_ml_h)
    model.advance(4 * NS_PER_H)
    model.block()
    found = [(0.0, model.pressure_pa / 1000)]
    begun_ns = model.now_ns
    while model.status is PumpStatus.RUNNING:
        model.advance(10 * NS_PER_S)
        found.append(((model.now_ns - begun_ns) / (60 * NS_PER_S), model.pressure_pa / 1000))
    return found


def occlusion_min(rate_ml_h: float, mechanism: Mechanism) -> float:
    """Return how long after the line was blocked the pump gives the alarm."""
    return occlusion_run(rate_ml_h, mechanism)[-1][0]
