"""What kind of pump a simulated one is: what does not change while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.quantities import NL_PER_ML, NS_PER_H
from pumpd.core.telemetry import PumpAlarm, PumpStatus

RAMP_STEP_NS = 100_000_000
"""The motor changes its speed ten times a second."""
HEARTBEAT_NS = 100_000_000

STOPPING_ALARMS = frozenset(
    {
        PumpAlarm.OCCLUSION,
        PumpAlarm.OCCLUSION_UPSTREAM,
        PumpAlarm.AIR,
        PumpAlarm.EMPTY,
        PumpAlarm.DOOR,
        PumpAlarm.BATTERY_DEPLETED,
        PumpAlarm.FAULT,
    }
)
"""Alarms with which the pump stops by itself."""
FLOWING = frozenset(
    {PumpStatus.RUNNING, PumpStatus.KVO, PumpStatus.BOLUS, PumpStatus.PRIMING, PumpStatus.FLUSHING}
)


@dataclass(frozen=True, slots=True)
class PumpTraits:
    """What a pump is like and does not change while it runs."""

    ramp_nl_h_per_s: int = 200 * NL_PER_ML
    """How fast the flow follows its target."""
    kvo_nl_h: int = NL_PER_ML
    """Flow after the programmed volume is in; 0: the pump stops then."""
    near_end_nl: int = NL_PER_ML
    """What is left when "near end" begins."""
    resting_pa: int = 2000
    pa_per_ml_h: int = 30
    """Back pressure of cannula and line."""
    pa_per_ul: int = 1000
    """How stiff a blocked line is."""
    occlusion_pa: int = 100_000
    """The pressure at which the pump gives the alarm and stops."""
    bolus_nl_h: int = 200 * NL_PER_ML
    prime_nl_h: int = 300 * NL_PER_ML
    battery_life_ns: int = 4 * NS_PER_H
    battery_low_percent: int = 20
    highest_rate_nl_h: int = 1200 * NL_PER_ML
