"""What the core knows of one pump: its set-up, its last reading, its alarms, what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from pumpd.core.acceptance import Accept
from pumpd.core.alarms import NO_ALARMS, AlarmChanged, Alarms
from pumpd.core.alert_loop import Loop
from pumpd.core.bolus import Bolus
from pumpd.core.climb import NOBODY, EscalationPlan, StepTold
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_account import Account, Carried, Counter
from pumpd.core.drug_library import DrugLimits
from pumpd.core.dwell import Dwell
from pumpd.core.freshness import Freshness, FreshnessLimits
from pumpd.core.inactivation import AskedOfAlarm, InactivationLimits, Suppress, TakeOffLine
from pumpd.core.infusion import FlowLimits, OrderedRange, Programme, flow_limits, ordered_range
from pumpd.core.infusion_watch import InfusionWatch, Titrated
from pumpd.core.lowering import LowerNow
from pumpd.core.occlusion import Line, Trend
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.restraint_gate import RestraintGate
from pumpd.core.restraints import RestraintPhase, RestraintRecord
from pumpd.core.telemetry import ChannelId, Provenance, PumpId, Telemetry
from pumpd.core.told import ToldOfPump


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: monotonic for ages and delays, wall time for labels."""

    mono_ns: int
    wall: datetime


@dataclass(frozen=True, slots=True)
class PumpSetup:
    """What stays the same while a pump is watched under one programme."""

    pump: PumpId
    channel: ChannelId
    provenance: Provenance
    freshness: FreshnessLimits
    programme: Programme | None = None
    entry: DrugLimits | None = None
    """The library's entry for the programme; None when there is none."""
    flow_step: FlowRate = field(default_factory=lambda: FlowRate(1))
    """The pump's flow resolution."""
    counter_step: Volume | None = None
    """The step of the pump's counter; None: what it counts is not judged."""
    line: Line | None = None
    """What a blocked line swallows before the pump says so; None: its pressure is not judged."""
    ceiling: FlowRate | None = None
    """The highest flow this pump may ever give, whatever the drug."""
    gate: RestraintGate = field(default_factory=RestraintGate)
    inactivation: InactivationLimits = field(default_factory=InactivationLimits)
    escalation: EscalationPlan = NOBODY

    def limits(self) -> FlowLimits | None:
        """Return the entry's limits as flows on this pump, None without programme or entry."""
        if self.programme is None or self.entry is None:
            return None
        return flow_limits(self.entry, self.programme, self.flow_step)

    def counter(self) -> Counter | None:
        """Return what is known of the pump's counter, None when nothing is."""
        if self.counter_step is None:
            return None
        volume = None if self.programme is None else self.programme.volume
        ordered_nl = None if volume is None else volume.nl
        return Counter(self.counter_step.nl, self.freshness.stale_after_ns, ordered_nl)

    def ordered(self) -> OrderedRange | None:
        """Return the ordered doses as flows on this pump, None without a programme."""
        return None if self.programme is None else ordered_range(self.programme, self.flow_step)


@dataclass(frozen=True, slots=True)
class PumpState:
    """Everything ``evaluate_pump`` needs besides its input; alarms and restraints outlive a restart."""

    setup: PumpSetup
    limits: FlowLimits | None
    started_ns: int
    """When the watching began: a pump never read is as old as this."""
    last: Telemetry | None = None
    freshness: Freshness = Freshness.LOST
    alarms: Alarms = field(default_factory=lambda: NO_ALARMS)
    dwells: Mapping[ConditionId, Dwell] = field(default_factory=lambda: MappingProxyType({}))
    revision: int = 0
    """The highest revision an alarm of this pump has had in this run: none is given twice."""
    over: tuple[frozenset[ConditionId], ...] = ()
    """What the last readings with a flow, three at most, broke of the hard maximum and the ceiling."""
    counter: Counter | None = None
    account: Account | None = None
    """The pump's counter against the rate set on it."""
    carried: Carried | None = None
    """What an earlier run counted, until the first reading of this one."""
    trend: Trend | None = None
    """How the line pressure goes with the volume."""
    ordered: OrderedRange | None = None
    meant: FlowRate | None = None
    """The last rate within the ordered range at which it ran."""
    restraints: Mapping[ConditionId, RestraintRecord] = field(default_factory=lambda: MappingProxyType({}))
    phase: RestraintPhase = RestraintPhase.IDLE
    wrong_device: str = ""
    """What answered in this pump's place; empty while the right one does."""
    blocked_frame: str = ""
    """The frame the outgoing filter held back; stays until the daemon restarts."""
    crashed: str = ""
    """Why the session ended by itself; empty while it runs."""
    told: Mapping[ConditionId, ToldOfPump] = field(default_factory=lambda: MappingProxyType({}))
    """What others than its readings said of it in this run."""
    loop: Loop | None = None
    """How often it was started again after the same alarm."""
    watch: InfusionWatch | None = None
    """The infusion that a person began on it last, also when it is over."""
    bolus: Bolus | None = None
    """The bolus that the last reading showed."""

    def after_reading(
        self,
        last: Telemetry,
        freshness: Freshness,
        over: tuple[frozenset[ConditionId], ...],
        dwells: Mapping[ConditionId, Dwell],
        account: Account | None,
        trend: Trend | None,
        meant: FlowRate | None,
        watch: InfusionWatch | None,
        bolus: Bolus | None,
    ) -> PumpState:
        """Return the state with what a reading changes; written out, since every reading takes this way."""
        return PumpState(
            self.setup,
            self.limits,
            self.started_ns,
            last,
            freshness,
            self.alarms,
            dwells,
            self.revision,
            over,
            self.counter,
            account,
            self.carried,
            trend,
            self.ordered,
            meant,
            self.restraints,
            self.phase,
            self.wrong_device,
            self.blocked_frame,
            self.crashed,
            self.told,
            self.loop,
            watch,
            bolus,
        )

    @property
    def delivered(self) -> Carried | None:
        """What of the pump's delivery outlives a restart."""
        return self.carried if self.account is None else self.account.carried


@dataclass(frozen=True, slots=True)
class PauseNow:
    """Effect: pause this pump at once, read back, and report a RestraintOutcome."""

    cause: ConditionId
    measured: str
    allowed: str


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """Effect: read this pump again as soon as the line allows; a finding waits for confirmation."""


Effect = AlarmChanged | PauseNow | LowerNow | ReadAgain | Titrated
"""What comes back from the core as a value, for the daemon to carry out in this order."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Input: nothing came; time has passed."""


@dataclass(frozen=True, slots=True)
class WrongDevice:
    """Input: another model or serial number answers; ``found`` is empty when the right one is back."""

    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class FrameBlocked:
    """Input: the outgoing filter held back a frame to this pump."""

    frame: str
    """The frame in hex, with the reason."""


@dataclass(frozen=True, slots=True)
class SessionCrashed:
    """Input: the task that watches this pump ended by itself; empty when it runs again."""

    reason: str


@dataclass(frozen=True, slots=True)
class RestraintOutcome:
    """Input: what became of a PauseNow, a LowerNow or a nurse's request."""

    cause: ConditionId
    paused: bool
    """True only when the pump, read back, does not deliver."""
    measured: str
    allowed: str
    lower_to: FlowRate | None = None
    """What it was to be lowered to; then ``paused`` means: no more is set, and flows. None: a pause."""
    needless: bool = False
    """A hand was quicker: nothing was written."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Input: a named person has the alarm, as it was at ``revision``."""

    condition: ConditionId
    revision: int
    by: str


PersonSays = Acknowledge | AskedOfAlarm | TakeOffLine | Accept
"""What a named person says of an alarm."""

SaidOfAlarm = PersonSays | StepTold | Suppress
"""What is said of an alarm, by people, by those who call them, or by its line."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Input: an infusion came, changed or left; with ``afresh`` nothing that was counted before is of it."""

    setup: PumpSetup
    watch: InfusionWatch | None
    afresh: bool = False


PumpInput = (
    Telemetry
    | Ordered
    | Tick
    | WrongDevice
    | FrameBlocked
    | SessionCrashed
    | ToldOfPump
    | RestraintOutcome
    | SaidOfAlarm
)
"""Everything that can happen to a pump, as the core sees it."""


def new_state(setup: PumpSetup, now: Now) -> PumpState:
    """Return the state of a pump that has just begun to be watched."""
    return PumpState(
        setup=setup,
        limits=setup.limits(),
        counter=setup.counter(),
        ordered=setup.ordered(),
        started_ns=now.mono_ns,
    )
