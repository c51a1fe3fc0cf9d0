"""Orders, libraries and set-ups for tests: ketamine 2 mg/mL for 70 kg, as in the shipped example."""

from __future__ import annotations

from pumpd.core.drug_library import DoseLimits, DrugLibrary, DrugLimits, Restrain
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.infusion import Programme
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.state import Now, PumpSetup, new_state
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry
from pumpd.daemon.pipeline import set_up
from pumpd.daemon.seams import LinkStatus, LivePump, Place

CHANNEL = ChannelId("1")
OPEN_GATE = RestraintGate(Enforcement.PAUSE, True, Restrain.PAUSE, True)
PROGRAMME = Programme(
    drug="ketamine",
    concentration=Concentration.parse("2 mg/mL"),
    care_area="pain-clinic",
    weight=Weight.parse(70),
    dose_min=DoseRate.parse("0.1 mg/kg/h"),
    dose_max=DoseRate.parse("0.5 mg/kg/h"),
)
ENTRY = DrugLimits(
    drug="ketamine",
    concentration=PROGRAMME.concentration,
    care_area="pain-clinic",
    unit=DoseUnit.MG_KG_H,
    dose_rate=DoseLimits(hard_max=DoseRate.parse("1 mg/kg/h"), soft_max=DoseRate.parse("0.6 mg/kg/h")),
    restrain=Restrain.PAUSE,
    source="made up for tests",
)
"""Its hard maximum is 35 mL/h for this programme."""


def library(
    *, restrain: Restrain = Restrain.PAUSE, signed_for: tuple[Provenance, ...] = (Provenance.DEMO,)
) -> DrugLibrary:
    entry = DrugLimits(
        ENTRY.drug, ENTRY.concentration, ENTRY.care_area, ENTRY.unit, ENTRY.dose_rate, restrain, ENTRY.source
    )
    return DrugLibrary("test", "0" * 64, (entry,), frozenset(signed_for))


def live_pump(now: Now, pump: str = "PUMP-01", gate: RestraintGate = OPEN_GATE) -> LivePump:
    setup = PumpSetup(
        pump=PumpId(pump),
        channel=CHANNEL,
        provenance=Provenance.DEMO,
        freshness=FreshnessLimits(3_000_000_000, 5_000_000_000),
        programme=PROGRAMME,
        entry=ENTRY,
        flow_step=FlowRate.parse("0.01"),
        ceiling=FlowRate.parse("60"),
        gate=gate,
    )
    live = LivePump(
        Place("1", "pain-clinic", "B.K.", "reference-pump", "simulator", "memory"),
        new_state(setup, now),
        LinkStatus(),
    )
    set_up(live, setup)
    return live


def telemetry(
    live: LivePump, taken_ns: int, ml_h: str = "10.5", status: PumpStatus = PumpStatus.RUNNING
) -> Telemetry:
    return Telemetry(
        pump=live.pump,
        channel=live.channel,
        sequence=live.sequence + 1,
        taken_ns=taken_ns,
        span_ns=2_000_000,
        provenance=Provenance.DEMO,
        status=status,
        raw_status=status.value,
        flow=Measured.valid(FlowRate.parse(ml_h)),
        volume=Measured.valid(Volume.parse("1")),
    )
