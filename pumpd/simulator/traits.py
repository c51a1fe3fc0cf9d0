"""What kind of pump a simulated one is: what does not change while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.mechanism import IDEAL, Mechanism
from pumpd.simulator.power import BatteryTraits

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
class OcclusionTraits:
    """What the pump does about a blocked line."""

    alarm_pa: int = 100_000
    """The pressure at which it stops."""
    restarts: int = 0
    """How often in ten minutes it starts again by itself, 0 to 9 (Alaris 8000 user manual)."""
    check_ns: int = 15 * NS_PER_S
    """How long it then waits to see whether the pressure falls below half of the limit (as there)."""
    window_ns: int = 600 * NS_PER_S
    """The span in which restarts are counted (as there)."""
    relief_left_nl: int | None = None
    """It draws back all but this much of what the line holds; GIP 1.10.7 allows 0.5 mL. None: nothing."""


_FOUR_HOURS = BatteryTraits(4 * NS_PER_H)


@dataclass(frozen=True, slots=True)
class PumpTraits:
    """What a pump is like and does not change while it runs."""

    mechanism: Mechanism = IDEAL
    occlusion: OcclusionTraits = field(default_factory=OcclusionTraits)
    battery: BatteryTraits = _FOUR_HOURS
    ramp_nl_h_per_s: int = 200 * NL_PER_ML
    """How fast the flow follows its target."""
    kvo_nl_h: int = NL_PER_ML
    """Flow after the programmed volume is in; 0: the pump stops then."""
    near_end_nl: int = NL_PER_ML
    """What is left when "near end" begins."""
    bolus_nl_h: int = 200 * NL_PER_ML
    prime_nl_h: int = 300 * NL_PER_ML
    battery_low_percent: int = 20
    highest_rate_nl_h: int = 1200 * NL_PER_ML
    counter_step_nl: int = 1
    """The counter shows whole steps."""
    display_step_nl_h: int = 1
    """So does the flow."""
    clock_ppm: int = 0
    """How much too fast the pump's own clock goes."""
    self_test_ns: int = 0
    """How long the test after switching on takes; GIP v1.0, 3.4.3 allows 70 s."""
    dies_after_ns: int = 0
    """How long after "battery depleted" it still shows that, off mains, before it is dark; 0: for ever."""
    memory_ns: int = 4 * NS_PER_H
    """How long settings and counters outlast a switch-off; GIP v1.0, 1.7.1 asks for 4 h."""
