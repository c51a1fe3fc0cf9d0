"""What time does to a simulated pump: exact, deterministic, and cheap, as it moves only when looked at.

The motor's flow is constant between two *edges* (a ramp step, the end of the programme, an empty reservoir, a
blocked line at its threshold ...), so what it has moved is an exact sum, what reaches the patient is a
function of that, and advancing in one step or in many is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.quantities import NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.body import NEVER_NS, PumpBody
from pumpd.simulator.fluid import Sink
from pumpd.simulator.traits import FLOWING, RAMP_STEP_NS


@dataclass(slots=True)
class PumpMotion(PumpBody):
    """A pump that lives: time passes, and what follows from it is done."""

    def advance(self, elapsed_ns: int) -> None:
        """Let ``elapsed_ns`` pass; ValueError when time would go back."""
        if elapsed_ns < 0:
            raise ValueError(f"elapsed {elapsed_ns} ns is below 0")
        end_ns = self.now_ns + elapsed_ns
        while self.now_ns < end_ns:
            if self._quiet_as != (self.status, self.flow_nl_h, self.on_mains):
                # Something was changed: what follows from it shows after 1 ns, however time is cut.
                self._quiet_until_ns = self.now_ns + 1
                self._ramp()
            elif self.now_ns >= self._quiet_until_ns:
                self._ramp()
                self._quiet_until_ns = self.now_ns + self._next_edge_ns()
            self._quiet_as = (self.status, self.flow_nl_h, self.on_mains)
            self._flow_for(min(end_ns, self._quiet_until_ns) - self.now_ns)
            if self.now_ns == self._quiet_until_ns:
                self._settle()

    @property
    def target_nl_h(self) -> int:
        """The flow that the motor is on its way to."""
        status, traits = self.status, self.traits
        if status is PumpStatus.RUNNING:
            return self.set_rate_nl_h
        if status is PumpStatus.KVO:
            return min(traits.kvo_nl_h, self.set_rate_nl_h)
        if status is PumpStatus.BOLUS:
            if self._bolus_nl_ns_h:
                return traits.bolus_nl_h
            return min(traits.highest_rate_nl_h, self.set_rate_nl_h + self._square_nl_h)
        return traits.prime_nl_h if status in FLOWING else 0

    def _ramp(self) -> None:
        """On each ramp step of its own clock, bring the flow nearer to its target."""
        target = self.target_nl_h
        if self.flow_nl_h == target or self.now_ns % RAMP_STEP_NS:
            return
        most = self.traits.ramp_nl_h_per_s * RAMP_STEP_NS // NS_PER_S
        self._turn(self.flow_nl_h + max(-most, min(most, target - self.flow_nl_h)))

    @property
    def _holds(self) -> bool:
        """True while the motor has hold of the fluid."""
        return not (self.free_flow_nl_h or self.inlet_blocked or self.door_open)

    @property
    def _running_free_nl_h(self) -> int:
        closed = self.blocked or self.inlet_blocked or self.reservoir_left_nl <= 0
        return 0 if closed else self.free_flow_nl_h

    def _next_edge_ns(self) -> int:
        """Return how long the flow certainly stays as it is; at least 1 ns."""
        edges = [min(self._check_at_ns, self._tested_at_ns, self._dark_at_ns) - self.now_ns]
        flow = self.flow_nl_h
        if flow != self.target_nl_h:
            edges.append(RAMP_STEP_NS - self.now_ns % RAMP_STEP_NS)
        if self.powered and not (self.on_mains or self.battery.empty):
            edges.append(self.battery.lasts_ns(flows=bool(flow)))
        if flow:
            edges.extend(-(-room // flow) for room in self._rooms())
            if self._square_nl_ns_h and not self._bolus_nl_ns_h and flow > self.set_rate_nl_h:
                edges.append(-(-self._square_nl_ns_h // (flow - self.set_rate_nl_h)))
        if self.free_flow_nl_h and (free := self._running_free_nl_h):
            ran = self.drive.pushed_nl() * NS_PER_H + self._free_nl_ns_h
            ahead = (out * NS_PER_H - ran for out in self._thresholds_nl())
            edges.extend(-(-room // free) for room in ahead if room > 0)
        return max(1, min(edges))

    def _thresholds_nl(self) -> list[int]:
        """Return what will have come out of the pump when something happens."""
        fluid, mechanism = self.fluid, self.traits.mechanism
        found = [fluid.out_when_empty_nl()]
        if self.blocked:
            missing_pa = self.traits.occlusion.alarm_pa - self._open_pa()
            found.append(fluid.out_when_held_nl(-(-missing_pa * 1000 // mechanism.pa_per_ul)))
        if mechanism.air_limit_nl and fluid.air_ahead_nl:
            seen = fluid.out_when_seen_nl(mechanism.air_limit_nl)
            if seen is not None:
                found.append(seen)
        return found

    def _rooms(self) -> list[int]:
        """Return how much the motor may move until something happens."""
        rooms = []
        if self._holds:
            free_nl, moved = self._free_nl_ns_h // NS_PER_H, self.drive.moved_nl_ns_h
            rooms += [
                self.drive.moved_when(out - free_nl) * NS_PER_H - moved for out in self._thresholds_nl()
            ]
        elif self.inlet_blocked:
            rooms.append(self.traits.mechanism.upstream_nl * NS_PER_H - self._inlet_nl_ns_h)
        if self.status is PumpStatus.RUNNING and self.to_be_infused_nl:
            rooms.append(self.to_be_infused_nl * NS_PER_H - self._programme_nl_ns_h)
        if self._bolus_nl_ns_h:
            rooms.append(self._bolus_nl_ns_h)
        return rooms

    def _flow_for(self, step_ns: int) -> None:
        flow = self.flow_nl_h
        moved = flow * step_ns
        if self.free_flow_nl_h:
            self._free_nl_ns_h += self._running_free_nl_h * step_ns
        self.now_ns += step_ns
        self.delivered_nl_ns_h += moved
        if moved and self._holds:
            self.drive.moved_nl_ns_h += moved
        elif self.inlet_blocked:
            self._inlet_nl_ns_h += moved
        if self.status in {PumpStatus.RUNNING, PumpStatus.BOLUS}:
            self._programme_nl_ns_h += moved
        if self._bolus_nl_ns_h:
            self._bolus_nl_ns_h = max(0, self._bolus_nl_ns_h - moved)
        elif self._square_nl_ns_h:
            square = max(0, flow - self.set_rate_nl_h) * step_ns
            self._square_nl_ns_h = max(0, self._square_nl_ns_h - square)
        self.battery.pass_time(step_ns, on_mains=self.on_mains, used=self.powered, flows=bool(flow))

    # --- what follows from it -------------------------------------------------------------------------

    def _settle(self) -> None:
        """Do what follows from the time that has passed."""
        if not self.powered:
            return
        if self.now_ns >= self._tested_at_ns:
            self._end_self_test()
        if self.now_ns >= self._check_at_ns:
            self._end_check()
        if self.battery.empty and not self.on_mains:
            self._run_out()
            return
        self._dark_at_ns = NEVER_NS
        if self.status in FLOWING:
            self._settle_flow()

    def _run_out(self) -> None:
        """Stop for want of power, and go dark a while after that."""
        if PumpAlarm.BATTERY_DEPLETED not in self.alarms:
            self._stop_with(PumpAlarm.BATTERY_DEPLETED)
            if self.traits.dies_after_ns:
                self._dark_at_ns = self.now_ns + self.traits.dies_after_ns
        elif self.now_ns >= self._dark_at_ns:
            self._go_dark()

    def _go_dark(self) -> None:
        self._check_at_ns = self._tested_at_ns = self._dark_at_ns = NEVER_NS
        self._enter(PumpStatus.STANDBY)
        self.powered, self._off_since_ns = False, self.now_ns

    def _settle_flow(self) -> None:
        out_nl = self.out_nl
        if self.fluid.left_nl(out_nl) <= 0:
            self._stop_with(PumpAlarm.EMPTY)
        elif self.blocked and self.pressure_pa >= self.traits.occlusion.alarm_pa:
            self._meet_occlusion()
        elif self.inlet_blocked and self._inlet_nl_ns_h >= self.traits.mechanism.upstream_nl * NS_PER_H:
            self._stop_with(PumpAlarm.OCCLUSION_UPSTREAM)
        elif self._sees_air(out_nl):
            self._stop_with(PumpAlarm.AIR)
        elif self.status is PumpStatus.BOLUS and not self._bolus_nl_ns_h and not self._square_nl_ns_h:
            self._square_nl_h = 0
            self._enter(PumpStatus.RUNNING)
        if self.status is PumpStatus.RUNNING and self._programme_done():
            self.alarms.add(PumpAlarm.END)
            self._enter(PumpStatus.KVO if self.traits.kvo_nl_h else PumpStatus.STOPPED)

    def _programme_done(self) -> bool:
        return bool(self.to_be_infused_nl) and self._programme_nl_ns_h >= self.to_be_infused_nl * NS_PER_H

    def _sees_air(self, out_nl: int) -> bool:
        limit_nl = self.traits.mechanism.air_limit_nl
        if not limit_nl or not self.fluid.air_ahead_nl or self.fluid.sink is not Sink.PATIENT:
            return False
        seen_at_nl = self.fluid.out_when_seen_nl(limit_nl)
        return seen_at_nl is not None and out_nl >= seen_at_nl

    def _stop_with(self, alarm: PumpAlarm) -> None:
        self.alarms.add(alarm)
        self._check_at_ns = NEVER_NS
        self._enter(PumpStatus.ALARM)

    def _meet_occlusion(self) -> None:
        """Wait and look again while automatic restarts are left, else give the alarm and draw back."""
        occlusion = self.traits.occlusion
        since_ns = self.now_ns - occlusion.window_ns
        self._restarts_ns = [at_ns for at_ns in self._restarts_ns if at_ns > since_ns]
        if len(self._restarts_ns) < occlusion.restarts:
            self._enter(PumpStatus.PAUSED)
            self._check_at_ns = self.now_ns + occlusion.check_ns
        else:
            self._give_occlusion_alarm()

    def _end_check(self) -> None:
        self._check_at_ns = NEVER_NS
        if 2 * self.pressure_pa < self.traits.occlusion.alarm_pa:
            self._restarts_ns.append(self.now_ns)
            self._enter(PumpStatus.RUNNING)
        else:
            self._give_occlusion_alarm()

    def _give_occlusion_alarm(self) -> None:
        self._stop_with(PumpAlarm.OCCLUSION)
        left_nl = self.traits.occlusion.relief_left_nl
        if left_nl is not None:
            self.fluid.take_back(max(0, self.fluid.line_nl - left_nl))

    def _end_self_test(self) -> None:
        self._tested_at_ns = NEVER_NS
        if self.next_self_test_fails:
            self._stop_with(PumpAlarm.FAULT)
        else:
            self._enter(PumpStatus.STOPPED)
