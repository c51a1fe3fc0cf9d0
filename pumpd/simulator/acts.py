"""What a timeline's actions do to a pump model, and which of them a pump of that kind does not have."""

from __future__ import annotations

from collections.abc import Callable

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.simulator.mechanism import MechanismKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.traits import PumpTraits

_PLAIN: dict[str, Callable[[PumpModel], None]] = {
    "start": PumpModel.press_start,
    "stop": PumpModel.press_stop,
    "clear": PumpModel.press_clear,
    "standby": PumpModel.press_standby,
    "prime": PumpModel.prime,
    "flush": PumpModel.flush,
    "switch-off": PumpModel.switch_off,
    "switch-on": PumpModel.switch_on,
    "open-door": PumpModel.open_door,
    "close-door": PumpModel.close_door,
    "reset-counter": PumpModel.reset_counter,
    "lock": lambda model: setattr(model, "locked", True),
    "unlock": lambda model: setattr(model, "locked", False),
    "block": PumpModel.block,
    "unblock": PumpModel.unblock,
    "block-inlet": PumpModel.block_inlet,
    "unblock-inlet": PumpModel.unblock_inlet,
    "disconnect": PumpModel.disconnect,
    "connect": PumpModel.connect,
    "end-free-flow": lambda model: model.let_run_free(0),
    "fail-self-test": lambda model: setattr(model, "next_self_test_fails", True),
    "mains-off": lambda model: setattr(model, "on_mains", False),
    "mains-on": lambda model: setattr(model, "on_mains", True),
}
_WITH_VOLUME: dict[str, Callable[[PumpModel, int], None]] = {
    "bolus": PumpModel.give_bolus,
    "programme": PumpModel.programme,
    "change-reservoir": PumpModel.change_reservoir,
    "air": PumpModel.let_air_in,
    "step-back": PumpModel.step_back,
}
OF_THE_WHOLE_PUMP = frozenset(
    {"switch-off", "switch-on", "mains-off", "mains-on", "fail-self-test", "lock", "unlock"}
)
"""Actions that befall every channel, whichever is named."""
_NOT_OF_SYRINGES = {
    "open-door": "a syringe pump has no door",
    "close-door": "a syringe pump has no door",
    "block-inlet": "a syringe pump has no line above it",
    "unblock-inlet": "a syringe pump has no line above it",
}


def act(model: PumpModel, event: TimelineEvent) -> None:
    """Do to one channel what a person or the world does; ValueError when the pump refuses it aloud."""
    if event.action in _PLAIN:
        _PLAIN[event.action](model)
    elif event.action in _WITH_VOLUME:
        assert event.volume is not None
        _WITH_VOLUME[event.action](model, event.volume.nl)
    elif event.action == "square-bolus":
        assert event.volume is not None
        assert event.over_s is not None
        model.give_square_bolus(event.volume.nl, round(event.over_s * NS_PER_S))
    elif event.action == "free-flow":
        assert event.rate is not None
        model.let_run_free(event.rate.nl_per_h)
    elif event.rate is not None:
        model.turn_rate(event.rate.nl_per_h)
    elif event.alarm is not None:
        model.raise_alarm(event.alarm)
    elif event.bit is not None:
        model.unnamed_alarm_bits |= 1 << event.bit


def too_much(volume_nl: int, holds_nl: int) -> tuple[str, str, str]:
    """Return what, allowed and remedy when a syringe can not hold so much."""
    most = f"up to {holds_nl / NL_PER_ML:g} mL"
    return f"its syringe does not hold {volume_nl / NL_PER_ML:g} mL", most, "lower it, or raise syringe_ml"


def impossible(event: TimelineEvent, traits: PumpTraits) -> tuple[str, str, str] | None:
    """Return what, allowed and remedy when a pump of these traits has no such action at all."""
    if traits.mechanism.kind is MechanismKind.SYRINGE and event.action in _NOT_OF_SYRINGES:
        return _NOT_OF_SYRINGES[event.action], "kind: volumetric or ideal", "drop it, or change the mechanism"
    holds_nl = traits.mechanism.holds_nl
    if event.action == "change-reservoir" and event.volume is not None and 0 < holds_nl < event.volume.nl:
        return too_much(event.volume.nl, holds_nl)
    highest = traits.highest_rate_nl_h
    asked = 0
    if event.action == "set-rate" and event.rate is not None:
        asked = event.rate.nl_per_h
    elif event.action == "square-bolus" and event.volume is not None and event.over_s is not None:
        asked = event.volume.nl * NS_PER_H // round(event.over_s * NS_PER_S)
    if asked > highest:
        fastest = f"up to {highest / NL_PER_ML:g} mL/h"
        return f"{asked / NL_PER_ML:g} mL/h is too fast for it", fastest, "lower it, or raise highest_rate"
    return None
