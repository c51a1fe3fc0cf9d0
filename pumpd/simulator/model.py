"""The physics of a simulated pump: exact, deterministic, and cheap, since it only moves when it is looked at.

Flow is constant between two *edges* (a ramp step, the end of the programme, an empty reservoir, a blocked
line at its threshold ...), so the volume is an exact sum, and advancing in one step or in many is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.traits import FLOWING, HEARTBEAT_NS, RAMP_STEP_NS, STOPPING_ALARMS, PumpTraits

_NEVER_NS = 1 << 62


@dataclass(slots=True)
class PumpModel:
    """One channel of one pump. Volumes count in nL, what flows in nL/h x ns; nothing is rounded up."""

    traits: PumpTraits = field(default_factory=PumpTraits)
    reservoir_nl: int = 50 * NL_PER_ML
    """What the syringe or bag held when it was put in."""
    to_be_infused_nl: int = 0
    """The programmed volume; 0: none, it runs until the reservoir is empty."""
    set_rate_nl_h: int = 0
    on_mains: bool = True
    blocked: bool = False
    status: PumpStatus = PumpStatus.STOPPED
    flow_nl_h: int = 0
    alarms: set[PumpAlarm] = field(default_factory=set)
    unnamed_alarm_bits: int = 0
    """Further alarm bits, for which no name exists."""
    now_ns: int = 0
    delivered_nl_ns_h: int = 0
    _used_nl_ns_h: int = 0
    _programme_nl_ns_h: int = 0
    _trapped_nl_ns_h: int = 0
    _bolus_nl_ns_h: int = 0
    _battery_ns: int = -1

    def __post_init__(self) -> None:
        if self._battery_ns < 0:
            self._battery_ns = self.traits.battery_life_ns

    # --- what can be read off it ----------------------------------------------------------------------

    @property
    def delivered_nl(self) -> int:
        """Whole nanolitres that the motor has moved."""
        return self.delivered_nl_ns_h // NS_PER_H

    @property
    def reservoir_left_nl(self) -> int:
        """Whole nanolitres still in the reservoir."""
        return self.reservoir_nl - -(-self._used_nl_ns_h // NS_PER_H)

    @property
    def to_be_infused_left_nl(self) -> int | None:
        """Whole nanolitres of the programme still to come; None without a programmed volume."""
        if not self.to_be_infused_nl:
            return None
        return max(0, self.to_be_infused_nl - -(-self._programme_nl_ns_h // NS_PER_H))

    @property
    def pressure_pa(self) -> int:
        """Line pressure in pascal."""
        traits = self.traits
        trapped_pa = self._trapped_nl_ns_h * traits.pa_per_ul // (1000 * NS_PER_H)
        return traits.resting_pa + self.flow_nl_h * traits.pa_per_ml_h // NL_PER_ML + trapped_pa

    @property
    def battery_percent(self) -> int:
        """What is left in the battery, rounded down."""
        return 100 * self._battery_ns // self.traits.battery_life_ns

    @property
    def heartbeat(self) -> int:
        """Counts tenths of a second."""
        return self.now_ns // HEARTBEAT_NS

    def present_alarms(self) -> frozenset[PumpAlarm]:
        """Return the alarms it shows: those that stand, and those that follow from what is left."""
        present = set(self.alarms)
        if self.battery_percent <= self.traits.battery_low_percent:
            present.add(PumpAlarm.BATTERY_LOW)
        if self.status is PumpStatus.RUNNING:
            left = self.to_be_infused_left_nl
            if (
                min(self.reservoir_left_nl, self.reservoir_nl if left is None else left)
                <= self.traits.near_end_nl
            ):
                present.add(PumpAlarm.NEAR_END)
        return frozenset(present)

    # --- time -----------------------------------------------------------------------------------------

    def advance(self, elapsed_ns: int) -> None:
        """Let ``elapsed_ns`` pass; ValueError when time would go back."""
        if elapsed_ns < 0:
            raise ValueError(f"elapsed {elapsed_ns} ns is below 0")
        end_ns = self.now_ns + elapsed_ns
        while self.now_ns < end_ns:
            self._ramp()
            step_ns = min(end_ns - self.now_ns, self._next_edge_ns())
            self._flow_for(step_ns)
            self._settle()

    @property
    def _target_nl_h(self) -> int:
        status, traits = self.status, self.traits
        if status is PumpStatus.RUNNING:
            return self.set_rate_nl_h
        if status is PumpStatus.KVO:
            return min(traits.kvo_nl_h, self.set_rate_nl_h)
        if status is PumpStatus.BOLUS:
            return traits.bolus_nl_h
        return traits.prime_nl_h if status in FLOWING else 0

    def _ramp(self) -> None:
        """On each ramp step of its own clock, bring the flow nearer to its target."""
        target = self._target_nl_h
        if self.flow_nl_h == target or self.now_ns % RAMP_STEP_NS:
            return
        most = self.traits.ramp_nl_h_per_s * RAMP_STEP_NS // NS_PER_S
        self.flow_nl_h += max(-most, min(most, target - self.flow_nl_h))

    def _next_edge_ns(self) -> int:
        """Return how long the flow certainly stays as it is; at least 1 ns."""
        edges = [_NEVER_NS]
        if self.flow_nl_h != self._target_nl_h:
            edges.append(RAMP_STEP_NS - self.now_ns % RAMP_STEP_NS)
        if not self.on_mains and self._battery_ns:
            edges.append(self._battery_ns)
        if self.flow_nl_h:
            edges.extend(-(-room // self.flow_nl_h) for room in self._rooms())
        return max(1, min(edges))

    def _rooms(self) -> list[int]:
        """Return how much may flow until something happens."""
        rooms = [self.reservoir_nl * NS_PER_H - self._used_nl_ns_h]
        if self.status is PumpStatus.RUNNING and self.to_be_infused_nl:
            rooms.append(self.to_be_infused_nl * NS_PER_H - self._programme_nl_ns_h)
        if self.status is PumpStatus.BOLUS:
            rooms.append(self._bolus_nl_ns_h)
        if self.blocked:
            rooms.append(self._trapped_at_alarm() - self._trapped_nl_ns_h)
        return rooms

    def _trapped_at_alarm(self) -> int:
        """Return the least trapped flow at which a blocked line reaches the alarm's pressure."""
        traits = self.traits
        without_pa = traits.resting_pa + self.flow_nl_h * traits.pa_per_ml_h // NL_PER_ML
        return -((without_pa - traits.occlusion_pa) * 1000 * NS_PER_H // traits.pa_per_ul)

    def _flow_for(self, step_ns: int) -> None:
        moved = min(self.flow_nl_h * step_ns, self.reservoir_nl * NS_PER_H - self._used_nl_ns_h)
        self.now_ns += step_ns
        self.delivered_nl_ns_h += moved
        self._used_nl_ns_h += moved
        if self.status in {PumpStatus.RUNNING, PumpStatus.BOLUS}:
            self._programme_nl_ns_h += moved
        if self.blocked:
            self._trapped_nl_ns_h += moved
        self._bolus_nl_ns_h = max(0, self._bolus_nl_ns_h - moved)
        change_ns = 2 * step_ns if self.on_mains else -step_ns
        self._battery_ns = max(0, min(self.traits.battery_life_ns, self._battery_ns + change_ns))

    def _settle(self) -> None:
        """Do what follows from what has flowed."""
        if self._battery_ns == 0:
            self._stop_with(PumpAlarm.BATTERY_DEPLETED)
        elif self._used_nl_ns_h >= self.reservoir_nl * NS_PER_H:
            if self.status in FLOWING:
                self._stop_with(PumpAlarm.EMPTY)
        elif self.blocked and self.pressure_pa >= self.traits.occlusion_pa and self.status in FLOWING:
            self._stop_with(PumpAlarm.OCCLUSION)
        elif self.status is PumpStatus.BOLUS and self._bolus_nl_ns_h == 0:
            self.status = PumpStatus.RUNNING
        if self.status is PumpStatus.RUNNING and self._programme_done():
            self.alarms.add(PumpAlarm.END)
            self.status = PumpStatus.KVO if self.traits.kvo_nl_h else PumpStatus.STOPPED
            self._halt_unless_flowing()

    def _programme_done(self) -> bool:
        return bool(self.to_be_infused_nl) and self._programme_nl_ns_h >= self.to_be_infused_nl * NS_PER_H

    def _stop_with(self, alarm: PumpAlarm) -> None:
        self.alarms.add(alarm)
        self.status = PumpStatus.ALARM
        self._halt_unless_flowing()

    def _halt_unless_flowing(self) -> None:
        """A stopped motor stands still at once; only a running one ramps."""
        if self.status not in FLOWING:
            self.flow_nl_h = 0

    # --- over the wire --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop delivery, as the pause control does; harmless when nothing flows."""
        if self.status in FLOWING:
            self.status = PumpStatus.PAUSED
        self._halt_unless_flowing()

    # --- a hand at the pump ---------------------------------------------------------------------------

    def press_start(self) -> None:
        """Run at the set rate, unless an alarm stands or there is nothing to run at."""
        if not self.alarms & STOPPING_ALARMS and self.set_rate_nl_h and self.status not in FLOWING:
            self.status = PumpStatus.RUNNING

    def press_stop(self) -> None:
        """Stop."""
        if self.status is not PumpStatus.ALARM:
            self.status = PumpStatus.STOPPED
        self._halt_unless_flowing()

    def press_clear(self) -> None:
        """Take the alarms away whose cause is gone; a blocked line shows itself again."""
        self.alarms.clear()
        self.unnamed_alarm_bits = 0
        if self.status is PumpStatus.ALARM:
            self.status = PumpStatus.STOPPED

    def press_standby(self) -> None:
        """Go to standby."""
        self.status = PumpStatus.STANDBY
        self._halt_unless_flowing()

    def turn_rate(self, rate_nl_h: int) -> None:
        """Set the rate; ValueError beyond what the pump can be set to."""
        if not 0 <= rate_nl_h <= self.traits.highest_rate_nl_h:
            highest = self.traits.highest_rate_nl_h
            raise ValueError(f"rate {rate_nl_h} nL/h: allowed 0 to {highest}")
        self.set_rate_nl_h = rate_nl_h

    def give_bolus(self, volume_nl: int) -> None:
        """Give a bolus while running."""
        if self.status is PumpStatus.RUNNING and volume_nl > 0:
            self._bolus_nl_ns_h = volume_nl * NS_PER_H
            self.status = PumpStatus.BOLUS

    def prime(self) -> None:
        """Fill the line; ends with a stop."""
        self._fill(PumpStatus.PRIMING)

    def flush(self) -> None:
        """Flush the line; ends with a stop."""
        self._fill(PumpStatus.FLUSHING)

    def _fill(self, status: PumpStatus) -> None:
        if not self.alarms & STOPPING_ALARMS and self.status not in FLOWING:
            self.status = status

    def change_reservoir(self, volume_nl: int) -> None:
        """Put in a full syringe or bag and clear "empty"; the counter goes on."""
        self.reservoir_nl = volume_nl
        self._used_nl_ns_h = 0
        self.alarms.discard(PumpAlarm.EMPTY)

    def programme(self, volume_nl: int) -> None:
        """Programme a volume to be infused from here on; 0 for none."""
        self.to_be_infused_nl = volume_nl
        self._programme_nl_ns_h = 0
        self.alarms.discard(PumpAlarm.END)

    # --- the world around it --------------------------------------------------------------------------

    def block(self) -> None:
        """Block the line below the pump."""
        self.blocked = True

    def unblock(self) -> None:
        """Open the line; the pressure goes."""
        self.blocked = False
        self._trapped_nl_ns_h = 0

    def raise_alarm(self, alarm: PumpAlarm) -> None:
        """Let the pump find something wrong; it stops where such an alarm stops it."""
        self.alarms.add(alarm)
        if alarm in STOPPING_ALARMS:
            self._stop_with(alarm)
