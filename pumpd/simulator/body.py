"""What a simulated pump is at one moment: what it shows, and what is true."""

from __future__ import annotations

from dataclasses import dataclass, field

from pumpd.core.quantities import NL_PER_ML, NS_PER_H
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.drive import Drive
from pumpd.simulator.fluid import Fluid, Sink
from pumpd.simulator.power import Battery
from pumpd.simulator.traits import FLOWING, HEARTBEAT_NS, PumpTraits

NEVER_NS = 1 << 62
_QUIET: frozenset[PumpAlarm] = frozenset()
"""Later than anything."""


@dataclass(slots=True)
class PumpBody:
    """One channel of one pump. Volumes count in nL, what flows in nL/h x ns; nothing is rounded up."""

    traits: PumpTraits = field(default_factory=PumpTraits)
    reservoir_nl: int = 50 * NL_PER_ML
    """What the syringe or bag held when it was put in."""
    to_be_infused_nl: int = 0
    """The programmed volume; 0: none, it runs until the reservoir is empty."""
    set_rate_nl_h: int = 0
    on_mains: bool = True
    powered: bool = True
    """False: switched off; it answers nothing."""
    blocked: bool = False
    """The line below the pump is closed."""
    inlet_blocked: bool = False
    """The line above the pump is closed."""
    disconnected: bool = False
    """Nobody is at the end of the line."""
    door_open: bool = False
    locked: bool = False
    """It takes no orders over the wire; it still answers."""
    free_flow_nl_h: int = 0
    """What runs through by gravity because nothing holds it; the pump does not count it."""
    next_self_test_fails: bool = False
    status: PumpStatus = PumpStatus.STOPPED
    flow_nl_h: int = 0
    """What the motor moves: all that the pump itself knows of the flow."""
    alarms: set[PumpAlarm] = field(default_factory=set)
    unnamed_alarm_bits: int = 0
    """Further alarm bits, for which no name exists."""
    now_ns: int = 0
    delivered_nl_ns_h: int = 0
    drive: Drive = field(init=False)
    fluid: Fluid = field(init=False)
    battery: Battery = field(init=False)
    _programme_nl_ns_h: int = 0
    _bolus_nl_ns_h: int = 0
    _square_nl_ns_h: int = 0
    _square_nl_h: int = 0
    _free_nl_ns_h: int = 0
    _inlet_nl_ns_h: int = 0
    _check_at_ns: int = NEVER_NS
    _tested_at_ns: int = NEVER_NS
    _dark_at_ns: int = NEVER_NS
    _off_since_ns: int = 0
    _restarts_ns: list[int] = field(default_factory=list)
    _quiet_until_ns: int = field(default=0, compare=False)
    _quiet_as: tuple[PumpStatus, int, bool] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        mechanism = self.traits.mechanism
        self.drive = Drive(mechanism)
        self.fluid = Fluid(self.reservoir_nl, self.reservoir_nl, release_ns=mechanism.release_ns)
        self.battery = Battery(self.traits.battery)

    # --- what the pump shows --------------------------------------------------------------------------

    @property
    def delivered_nl(self) -> int:
        """What the counter shows: whole steps of what the motor has moved, whatever became of it."""
        counted_nl = self.delivered_nl_ns_h // NS_PER_H
        return counted_nl - counted_nl % self.traits.counter_step_nl

    @property
    def shown_flow_nl_h(self) -> int:
        """The flow on the display, in whole steps."""
        return self.flow_nl_h - self.flow_nl_h % self.traits.display_step_nl_h

    @property
    def to_be_infused_left_nl(self) -> int | None:
        """Whole nanolitres of the programme still to come; None without a programmed volume."""
        if not self.to_be_infused_nl:
            return None
        return max(0, self.to_be_infused_nl - -(-self._programme_nl_ns_h // NS_PER_H))

    @property
    def pressure_pa(self) -> int:
        """Line pressure in pascal."""
        held_nl = self.fluid.held_nl(self.out_nl, self.now_ns)
        return self._open_pa() + held_nl * self.traits.mechanism.pa_per_ul // 1000

    @property
    def battery_percent(self) -> int:
        """What the gauge shows."""
        return self.battery.percent

    @property
    def heartbeat(self) -> int:
        """Counts tenths of a second of its own clock."""
        return (self.now_ns + self.now_ns * self.traits.clock_ppm // 1_000_000) // HEARTBEAT_NS

    def present_alarms(self) -> frozenset[PumpAlarm]:
        """Return the alarms it shows: those that stand, and those that follow from what is left."""
        present = self.alarms
        if self.battery_percent <= self.traits.battery_low_percent:
            present = present | {PumpAlarm.BATTERY_LOW}
        if self.status is PumpStatus.RUNNING:
            left = self.to_be_infused_left_nl
            if (
                min(self.reservoir_left_nl, self.reservoir_nl if left is None else left)
                <= self.traits.near_end_nl
            ):
                present = present | {PumpAlarm.NEAR_END}
        return frozenset(present) if present else _QUIET

    # --- what is true, and the pump does not know -----------------------------------------------------

    @property
    def out_nl(self) -> int:
        """Whole nanolitres that have come out of the pump since it was made."""
        return self.drive.pushed_nl() + self._free_nl_ns_h // NS_PER_H

    @property
    def patient_nl(self) -> int:
        """Whole nanolitres of fluid that the patient has got."""
        return self.account().patient_nl

    @property
    def reservoir_left_nl(self) -> int:
        """Whole nanolitres still in the reservoir."""
        return self.fluid.left_nl(self.out_nl)

    def account(self) -> Fluid:
        """Return where every nanolitre is."""
        return self.fluid.at(self.out_nl, self.now_ns)

    # --- for its heirs -------------------------------------------------------------------------------

    def _open_pa(self) -> int:
        mechanism = self.traits.mechanism
        return mechanism.resting_pa + self.flow_nl_h * mechanism.pa_per_ml_h // NL_PER_ML

    def _turn(self, flow_nl_h: int) -> None:
        if self.flow_nl_h and not flow_nl_h:
            self.drive.stand_still()
        self.flow_nl_h = flow_nl_h

    def _enter(self, status: PumpStatus) -> None:
        """Change the status: a stopped motor stands still at once, only a running one ramps."""
        self.status = status
        if status not in FLOWING:
            self._turn(0)
            self._bolus_nl_ns_h = self._square_nl_ns_h = self._square_nl_h = 0
        self._reroute()

    def _standing(self) -> set[PumpAlarm]:
        """Return the alarms that no key takes away, since their cause is there."""
        door = {PumpAlarm.DOOR} if self.door_open else set()
        return door | ({PumpAlarm.BATTERY_DEPLETED} if self.battery.empty and not self.on_mains else set())

    def _reroute(self) -> None:
        """Something changed: bring the account up to date, and let what comes out go where it now goes."""
        self._quiet_as = None
        if self.blocked:
            sink = Sink.LINE
        elif self.disconnected or self.status is PumpStatus.PRIMING:
            sink = Sink.LOST
        else:
            sink = Sink.PATIENT
        self.fluid.settle(self.out_nl, self.now_ns, sink)
