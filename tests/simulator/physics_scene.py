"""Simulated pumps with a mechanism, and chance things that people and the world do to them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.simulator.mechanism import IDEAL, Mechanism, syringe, volumetric
from pumpd.simulator.model import PumpModel
from pumpd.simulator.power import BatteryTraits
from pumpd.simulator.traits import OcclusionTraits, PumpTraits

MECHANISMS = (
    IDEAL,
    syringe(50),
    syringe(10, bias_ppm=-15_000, phase_nl=12_345),
    volumetric(),
    volumetric(bias_ppm=30_000, phase_nl=99_999),
)
BUSY = PumpTraits(
    occlusion=OcclusionTraits(restarts=2, relief_left_nl=50_000),
    battery=BatteryTraits(600 * NS_PER_S, idle_percent=30, curve=((0, 0), (30, 60), (80, 90), (100, 100))),
    dies_after_ns=90 * NS_PER_S,
    self_test_ns=7 * NS_PER_S,
    memory_ns=120 * NS_PER_S,
    clock_ppm=250,
    counter_step_nl=10_000,
    display_step_nl_h=100_000,
)
"""A pump that has every trait there is."""

PLAIN_KEYS = (
    *("press_start", "press_stop", "press_clear", "press_standby", "pause", "prime", "flush"),
    *("switch_off", "switch_on", "open_door", "close_door", "reset_counter"),
    *("block", "unblock", "block_inlet", "unblock_inlet", "disconnect", "connect"),
)
_MOST_NL = 2 * NL_PER_ML
_ACTIONS = st.one_of(
    st.sampled_from(PLAIN_KEYS).map(lambda name: (name, ())),
    st.just(("press_start", ())),
    st.tuples(st.just("turn_rate"), st.tuples(st.integers(0, 1200 * NL_PER_ML))),
    st.tuples(st.just("turn_rate"), st.tuples(st.integers(0, 20 * NL_PER_ML))),
    st.tuples(
        st.sampled_from(
            ["give_bolus", "let_air_in", "step_back", "change_reservoir", "programme", "let_run_free"]
        ),
        st.tuples(st.integers(1, _MOST_NL)),
    ),
    st.tuples(
        st.just("give_square_bolus"),
        st.tuples(st.integers(100_000, _MOST_NL), st.integers(100, 900).map(lambda s: s * NS_PER_S)),
    ),
    st.just(("mains", ())),
)
STEPS = st.lists(st.tuples(st.integers(0, 200 * NS_PER_S), _ACTIONS), max_size=14)
PUMPS = st.builds(
    lambda mechanism, traits: replace(traits, mechanism=mechanism),
    st.sampled_from(MECHANISMS),
    st.sampled_from([PumpTraits(), BUSY]),
)


def made(traits: PumpTraits) -> PumpModel:
    """Return a small pump, ready to be started at 30 mL/h."""
    model = PumpModel(traits=traits, reservoir_nl=4 * NL_PER_ML, to_be_infused_nl=3 * NL_PER_ML)
    model.turn_rate(30 * NL_PER_ML)
    return model


def do(model: PumpModel, action: tuple[str, tuple[int, ...]]) -> bool:
    """Do it; False when the pump refuses it aloud, as it may with a square bolus that is too fast."""
    name, values = action
    if name == "mains":
        model.on_mains = not model.on_mains
        return True
    try:
        getattr(model, name)(*values)
    except ValueError:
        assert name == "give_square_bolus"
        return False
    return True


def running(mechanism: Mechanism, rate_ml_h: float, **changes: object) -> PumpModel:
    """Return a started pump with much in its reservoir."""
    traits = replace(PumpTraits(mechanism=mechanism), **changes)  # type: ignore[arg-type]
    model = PumpModel(traits=traits, reservoir_nl=500 * NL_PER_ML)
    model.turn_rate(round(rate_ml_h * NL_PER_ML))
    model.press_start()
    return model
