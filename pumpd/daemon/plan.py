"""What the daemon is to do with each pump: configuration, library and driver card in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from pumpd.core.climb import NOBODY, EscalationPlan
from pumpd.core.drug_library import DrugLimits, Restrain
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.inactivation import InactivationLimits
from pumpd.core.infusion import Programme
from pumpd.core.occlusion import Line
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.state import PumpSetup
from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.daemon.seams import Place
from pumpd.drivers.base import Identity
from pumpd.drivers.fleet import Fleet
from pumpd.drivers.trial import Trial

GOLDEN = 0.6180339887498949
"""Multiples of the golden ratio, modulo 1, spread any run of neighbours evenly."""


@dataclass(frozen=True, slots=True)
class PumpPlan:
    """One pump as it is to be watched."""

    pump: PumpId
    channels: tuple[ChannelId, ...]
    place: Place
    real: bool
    """What the configuration says; the session decides the provenance once somebody has answered."""
    model: str
    """The model that must answer; empty when the driver's map can not tell models apart."""
    serial_number: str
    """The serial number that must answer; empty when the configuration does not say."""
    poll_interval_ns: int
    phase: float
    """Where in its interval this pump is polled, in [0, 1)."""
    freshness: FreshnessLimits
    """While it is read as fast as its card says."""
    programme: Programme | None
    entry: DrugLimits | None
    flow_step: FlowRate
    counter_step: Volume | None
    line: Line | None
    ceiling: FlowRate | None
    enforcement: Enforcement
    signed_for: frozenset[Provenance]
    """The kinds of pump that the library is signed for."""
    pause_proven_on: frozenset[Provenance]
    """The kinds of pump on which the driver's pause was tried."""
    lower_proven_on: frozenset[Provenance]
    """The same of lowering the rate."""
    inactivation: InactivationLimits = field(default_factory=InactivationLimits)
    escalation: EscalationPlan = NOBODY
    trials: tuple[Trial, ...] = ()
    """What engineers have tried and signed with this driver; each holds for the firmware that it names."""
    freshness_slow: FreshnessLimits | None = None
    """While its replies take as long as its card allows a slow one; None: the same as ``freshness``."""
    slow_from_ns: int = 0
    """A reading that takes longer than this can not come as often as ``freshness`` expects it."""
    fleet: Fleet | None = None
    """The pumps of the house; None: nobody said which they are."""

    def provenance(self, identity: Identity | None) -> Provenance:
        """Return REAL only when the configuration says so and no simulator answered (invariant 5)."""
        simulated = identity is not None and identity.simulated
        return Provenance.REAL if self.real and not simulated else Provenance.DEMO

    def freshness_after(self, span_ns: int) -> FreshnessLimits:
        """Return the limits that hold after a reading which took ``span_ns``: they follow what is reached."""
        slow = self.freshness_slow
        return self.freshness if slow is None or span_ns <= self.slow_from_ns else slow

    def setup(self, channel: ChannelId, identity: Identity | None) -> PumpSetup:
        """Return the set-up of one channel, given who answered; before anybody did, nothing is allowed.

        What signatures and trials must cover follows from what answered, not from what is configured: a
        pump on a patient that somebody forgot to mark as real is not paused under a simulator's signature.
        """
        kind = None
        if identity is not None:
            kind = Provenance.DEMO if identity.simulated else Provenance.REAL
        return PumpSetup(
            pump=self.pump,
            channel=channel,
            provenance=self.provenance(identity),
            freshness=self.freshness,
            programme=self.programme,
            entry=self.entry,
            flow_step=self.flow_step,
            counter_step=self.counter_step,
            line=self.line,
            ceiling=self.ceiling,
            inactivation=self.inactivation,
            escalation=self.escalation,
            gate=RestraintGate(
                enforcement=self.enforcement,
                library_signed=kind in self.signed_for,
                library_allows=Restrain.NONE if self.entry is None else self.entry.restrain,
                pause_proven=kind in self.pause_proven_on
                or any(trial.proves_pause(identity) for trial in self.trials),
                lower_proven=kind in self.lower_proven_on,
            ),
        )
