"""A simulated pump in somebody's hands: keys may be pressed, and the world may act, at any moment."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.quantities import NS_PER_H
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.body import NEVER_NS
from pumpd.simulator.motion import PumpMotion
from pumpd.simulator.traits import FLOWING, STOPPING_ALARMS


@dataclass(slots=True)
class PumpModel(PumpMotion):
    """One channel of one pump. A key that does nothing at the moment does nothing; none ever breaks it."""

    # --- over the wire --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop delivery, as the pause control does; harmless when nothing flows."""
        self._check_at_ns = NEVER_NS
        if self.status in FLOWING:
            self._enter(PumpStatus.PAUSED)

    # --- a hand at the pump ---------------------------------------------------------------------------

    @property
    def _ready(self) -> bool:
        """True when it can be told to deliver something."""
        return (
            self.powered
            and self._tested_at_ns == NEVER_NS
            and self.status not in FLOWING
            and not self.door_open
            and not self.alarms & STOPPING_ALARMS
        )

    def press_start(self) -> None:
        """Run at the set rate, unless an alarm stands or there is nothing to run at."""
        if self._ready and self.set_rate_nl_h:
            self._check_at_ns = NEVER_NS
            self._enter(PumpStatus.RUNNING)

    def press_stop(self) -> None:
        """Stop."""
        self._check_at_ns = NEVER_NS
        if self.status is not PumpStatus.ALARM and self._awake:
            self._enter(PumpStatus.STOPPED)

    @property
    def _awake(self) -> bool:
        return self.powered and self._tested_at_ns == NEVER_NS

    def press_clear(self) -> None:
        """Take the alarms away whose cause is gone; a blocked line shows itself again at the next start."""
        if not self._awake:
            return
        self.alarms = self._standing()
        self.unnamed_alarm_bits = 0
        self._inlet_nl_ns_h = 0
        self._reroute()
        if self.status is PumpStatus.ALARM and not self.alarms:
            self._enter(PumpStatus.STOPPED)

    def press_standby(self) -> None:
        """Go to standby."""
        self._check_at_ns = NEVER_NS
        if self._awake:
            self._enter(PumpStatus.STANDBY)

    def turn_rate(self, rate_nl_h: int) -> None:
        """Set the rate; ValueError beyond what the pump can be set to."""
        if not 0 <= rate_nl_h <= self.traits.highest_rate_nl_h:
            highest = self.traits.highest_rate_nl_h
            raise ValueError(f"rate {rate_nl_h} nL/h: allowed 0 to {highest}")
        if self._awake:
            self.set_rate_nl_h = rate_nl_h
            self._reroute()

    def give_bolus(self, volume_nl: int) -> None:
        """Give a bolus while running; one over time waits for it and goes on (GIP v1.0, 1.4)."""
        running = self.status is PumpStatus.RUNNING
        if volume_nl > 0 and (running or (self._square_nl_ns_h and not self._bolus_nl_ns_h)):
            self._bolus_nl_ns_h = volume_nl * NS_PER_H
            self._enter(PumpStatus.BOLUS)

    def give_square_bolus(self, volume_nl: int, over_ns: int) -> None:
        """Give a bolus evenly over time, on top of the set rate; ValueError when that is too fast."""
        if volume_nl <= 0 or over_ns <= 0:
            raise ValueError(f"square bolus of {volume_nl} nL over {over_ns} ns: both are above 0")
        rate_nl_h, highest = volume_nl * NS_PER_H // over_ns, self.traits.highest_rate_nl_h
        if not 0 < rate_nl_h <= highest - self.set_rate_nl_h:
            together = self.set_rate_nl_h + rate_nl_h
            raise ValueError(f"set rate and square bolus together {together} nL/h: allowed up to {highest}")
        if self.status is PumpStatus.RUNNING:
            self._square_nl_ns_h, self._square_nl_h = volume_nl * NS_PER_H, rate_nl_h
            self._enter(PumpStatus.BOLUS)

    def prime(self) -> None:
        """Fill the line into a dish; ends with a stop."""
        if self._ready:
            self._enter(PumpStatus.PRIMING)

    def flush(self) -> None:
        """Flush the line into the patient; ends with a stop."""
        if self._ready:
            self._enter(PumpStatus.FLUSHING)

    def change_reservoir(self, volume_nl: int) -> None:
        """Put in a full syringe or bag and clear "empty"; the counter goes on, free play begins anew."""
        self._reroute()
        self.fluid.put_in(volume_nl)
        self.drive.put_in()
        self.reservoir_nl = volume_nl
        self.alarms.discard(PumpAlarm.EMPTY)

    def reset_counter(self) -> None:
        """Set the counter of what was infused back to 0, as is done at the change of a shift."""
        if self._awake:
            self.delivered_nl_ns_h = 0

    def programme(self, volume_nl: int) -> None:
        """Programme a volume to be infused from here on; 0 for none."""
        if self._awake:
            self.to_be_infused_nl = volume_nl
            self._programme_nl_ns_h = 0
            self.alarms.discard(PumpAlarm.END)
            self._reroute()

    def switch_off(self) -> None:
        """Switch off: nothing flows, nothing answers; settings and counters are remembered for a while."""
        if self.powered:
            self._go_dark()

    def switch_on(self) -> None:
        """Switch on: the self-test runs, then the pump stands still with what it remembers."""
        if self.powered or (self.battery.empty and not self.on_mains):
            return
        if self.now_ns - self._off_since_ns > self.traits.memory_ns:
            self.set_rate_nl_h = self.to_be_infused_nl = 0
            self.delivered_nl_ns_h = self._programme_nl_ns_h = 0
        self.powered = True
        self.alarms = self._standing()
        self._tested_at_ns = self.now_ns + self.traits.self_test_ns
        self._reroute()
        if not self.traits.self_test_ns:
            self._end_self_test()

    def open_door(self) -> None:
        """Open the door; a running pump stops with its alarm."""
        self.door_open = True
        self._reroute()
        if self.status in FLOWING:
            self._stop_with(PumpAlarm.DOOR)

    def close_door(self) -> None:
        """Close the door; the alarm stays until it is cleared."""
        self.door_open = False
        self._reroute()

    # --- the world around it --------------------------------------------------------------------------

    def block(self) -> None:
        """Block the line below the pump."""
        self.blocked = True
        self._reroute()

    def unblock(self) -> None:
        """Open the line; what it held goes on to the patient."""
        self.blocked = False
        self._reroute()

    def block_inlet(self) -> None:
        """Block the line above the pump."""
        self.inlet_blocked = True
        self._reroute()

    def unblock_inlet(self) -> None:
        """Open the line above the pump."""
        self.inlet_blocked = False
        self._inlet_nl_ns_h = 0
        self._reroute()

    def disconnect(self) -> None:
        """Take the line off the patient; the pump does not notice."""
        self.disconnected = True
        self._reroute()

    def connect(self) -> None:
        """Put the line back on."""
        self.disconnected = False
        self._reroute()

    def let_run_free(self, flow_nl_h: int) -> None:
        """Let it run through by gravity, or be held again with 0; the pump's own counter does not notice."""
        if flow_nl_h < 0:
            raise ValueError(f"free flow {flow_nl_h} nL/h is below 0")
        self._reroute()
        self.free_flow_nl_h = flow_nl_h

    def let_air_in(self, volume_nl: int) -> None:
        """Let a bubble into the line before the detector."""
        self._reroute()
        self.fluid.let_air_in(volume_nl)

    def step_back(self, volume_nl: int) -> None:
        """Run backwards by up to ``volume_nl``: blood comes into the line, and the counter goes back."""
        self._reroute()
        most_nl = min(volume_nl, self.reservoir_nl - self.fluid.reservoir_nl)
        came_nl = self.fluid.take_back(max(0, most_nl))
        self.delivered_nl_ns_h = max(0, self.delivered_nl_ns_h - came_nl * NS_PER_H)

    def raise_alarm(self, alarm: PumpAlarm) -> None:
        """Let the pump find something wrong; it stops where such an alarm stops it."""
        self.alarms.add(alarm)
        if alarm in STOPPING_ALARMS:
            self._stop_with(alarm)
