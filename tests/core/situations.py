"""A ketamine order on a simulated pump, and readings of it, for tests of the core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from pumpd.core.alarms import Alarm, AlarmChanged, AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DoseLimits, DrugLimits, Restrain
from pumpd.core.evaluate import evaluate_pump
from pumpd.core.freshness import Freshness, FreshnessLimits
from pumpd.core.infusion import Programme
from pumpd.core.quantities import NS_PER_S, Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.state import (
    Effect,
    Now,
    PauseNow,
    PumpInput,
    PumpSetup,
    PumpState,
    ReadAgain,
    Tick,
    new_state,
)
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry

START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
KETAMINE = Concentration.parse("2 mg/mL")


def mg_kg_h(amount: str) -> DoseRate:
    """Return a dose rate in mg/kg/h."""
    return DoseRate(Fraction(amount), DoseUnit.MG_KG_H)


ENTRY = DrugLimits(
    drug="ketamine",
    concentration=KETAMINE,
    care_area="pain-clinic",
    unit=DoseUnit.MG_KG_H,
    dose_rate=DoseLimits(
        hard_max=mg_kg_h("1"), soft_max=mg_kg_h("0.5"), soft_min=mg_kg_h("0.1"), hard_min=mg_kg_h("0.05")
    ),
    restrain=Restrain.PAUSE,
    source="numbers for tests only",
)
"""At 70 kg and 2 mg/mL: hard 35 mL/h, soft 17.5 mL/h, soft minimum 3.5 mL/h, hard minimum 1.8 mL/h."""

PROGRAMME = Programme("ketamine", KETAMINE, "pain-clinic", Weight.parse(70), mg_kg_h("0.1"), mg_kg_h("0.5"))
OPEN_GATE = RestraintGate(
    Enforcement.PAUSE, library_signed=True, library_allows=Restrain.PAUSE, pause_proven=True
)
SETUP = PumpSetup(
    pump=PumpId("PUMP-01"),
    channel=ChannelId("1"),
    provenance=Provenance.DEMO,
    freshness=FreshnessLimits(5 * NS_PER_S, 15 * NS_PER_S),
    programme=PROGRAMME,
    entry=ENTRY,
    flow_step=FlowRate.parse("0.1"),
    ceiling=FlowRate.parse("60"),
    gate=OPEN_GATE,
)


@dataclass
class Bedside:
    """One pump through time: give it readings and silence, and look at what the core says."""

    setup: PumpSetup = SETUP
    now_ns: int = 1_000 * NS_PER_S
    state: PumpState = field(init=False)
    effects: tuple[Effect, ...] = ()
    sequence: int = 0
    stepped: timedelta = timedelta(0)
    """How far somebody has set the time of day ahead."""

    def __post_init__(self) -> None:
        self.state = new_state(self.setup, self.now)

    @property
    def now(self) -> Now:
        return Now(self.now_ns, START + timedelta(microseconds=self.now_ns // 1000) + self.stepped)

    def reading(self, ml_per_h: str | None = "10", **other: object) -> Telemetry:
        """Return a reading taken now; ``ml_per_h`` None for a flow that is missing."""
        self.sequence += 1
        plain = Telemetry(
            pump=self.setup.pump,
            channel=self.setup.channel,
            sequence=self.sequence,
            taken_ns=self.now_ns,
            span_ns=0,
            provenance=self.setup.provenance,
            status=PumpStatus.RUNNING,
            raw_status="1",
            flow=Measured.valid(FlowRate(0)),
            volume=Measured.valid(Volume(0)),
        )
        if ml_per_h is not None:
            plain = replace(plain, flow=Measured.valid(FlowRate.parse(ml_per_h)))
        return replace(plain, **other)  # type: ignore[arg-type]

    def give(self, given: PumpInput) -> tuple[Effect, ...]:
        """Hand ``given`` to the core now."""
        self.state, self.effects = evaluate_pump(self.state, given, self.now)
        return self.effects

    def read(self, ml_per_h: str | None = "10", **other: object) -> tuple[Effect, ...]:
        """Hand over a reading taken now."""
        return self.give(self.reading(ml_per_h, **other))

    def wait(self, seconds: float) -> tuple[Effect, ...]:
        """Let time pass in silence; the watchdog looks at the end."""
        self.now_ns += round(seconds * NS_PER_S)
        return self.give(Tick())

    def every_second(self, flows: Iterable[str | None], **other: object) -> list[Effect]:
        """Hand over one reading a second, and return everything that came of it."""
        seen: list[Effect] = []
        for flow in flows:
            self.now_ns += NS_PER_S
            seen.extend(self.read(flow, **other))
        return seen

    def alarm(self, condition: ConditionId) -> Alarm | None:
        """Return the alarm if its signal is not OFF."""
        return self.state.alarms.get(condition)

    def freshness(self) -> Freshness:
        """Return how old the core holds the newest reading to be."""
        return self.state.freshness

    def signal(self, condition: ConditionId) -> AlarmSignal:
        """Return what people are told of ``condition``."""
        alarm = self.alarm(condition)
        return AlarmSignal.OFF if alarm is None else alarm.signal

    def restart(self) -> None:
        """Begin a new run of the daemon with what the journal keeps: alarms and restraints."""
        alarms = self.state.alarms
        restraints = {c: replace(r, at_ns=None) for c, r in self.state.restraints.items()}
        self.state = replace(
            new_state(self.setup, self.now),
            alarms=alarms,
            restraints=restraints,
            carried=self.state.delivered,
            watch=None if self.state.watch is None else self.state.watch.shifted(0),
        )


def events(effects: Iterable[Effect]) -> list[tuple[ConditionId, object]]:
    """Return the alarm transitions among ``effects``."""
    return [(e.alarm.condition, e.event) for e in effects if isinstance(e, AlarmChanged)]


def pauses(effects: Iterable[Effect]) -> list[PauseNow]:
    """Return the pauses among ``effects``."""
    return [e for e in effects if isinstance(e, PauseNow)]


def asks_again(effects: Iterable[Effect]) -> bool:
    """Return whether the core wants another reading at once."""
    return any(isinstance(e, ReadAgain) for e in effects)
