"""A library entry with everything in it, an order under it, and an infusion begun with it, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import (
    Bounds,
    DrugLibrary,
    DrugLimits,
    Interval,
    Question,
    Titration,
    TotalLimit,
    TotalOver,
)
from pumpd.core.infusion import Programme
from pumpd.core.infusion_record import (
    Answer,
    Carrier,
    Infusion,
    InfusionId,
    Order,
    Patient,
    ProgrammeVersion,
)
from pumpd.core.quantities import DoseRate, FlowRate, Volume, Weight
from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from tests.core.situations import ENTRY, KETAMINE, mg_kg_h

AT = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
MINUTE_S = 60
FULL_ENTRY = replace(
    ENTRY,
    lightest=Weight.parse(35),
    heaviest=Weight.parse(160),
    flow=Bounds(soft_max=FlowRate.parse(30), hard_max=FlowRate.parse(40)),
    totals=(
        TotalLimit(
            TotalOver.INFUSION,
            Bounds(soft_max=DrugAmount.parse("1 mg/kg"), hard_max=DrugAmount.parse("1.5 mg/kg")),
        ),
        TotalLimit(TotalOver.WINDOW, Bounds(hard_max=DrugAmount.parse("1.5 mg/kg")), 24 * 3600),
        TotalLimit(TotalOver.SERIES, Bounds(soft_max=DrugAmount.parse("4 mg/kg"))),
    ),
    duration_s=Bounds(soft_min=60 * MINUTE_S, soft_max=150 * MINUTE_S, hard_max=240 * MINUTE_S),
    volume=Bounds(hard_max=Volume.parse(60)),
    titration=Titration(mg_kg_h("0.1"), 15 * MINUTE_S),
    during=(
        Interval(15 * MINUTE_S, 60 * MINUTE_S),
        Interval(30 * MINUTE_S, 180 * MINUTE_S),
        Interval(60 * MINUTE_S),
    ),
    after=(Interval(30 * MINUTE_S, 60 * MINUTE_S),),
    checklist=(Question("Fast heart rate now?", True), Question("Seizures in the past?", False)),
    second_check=True,
    advisories=("Blood pressure may rise.",),
)
LIBRARY = DrugLibrary("test-1", "ab" * 32, (FULL_ENTRY,), frozenset({Provenance.DEMO}))
PATIENT = Patient("B.K.", "1234")
NO, NEVER = Answer("Fast heart rate now?", False), Answer("Seizures in the past?", False)
PROGRAMME = Programme(
    "ketamine",
    KETAMINE,
    "pain-clinic",
    Weight.parse(70),
    mg_kg_h("0.1"),
    mg_kg_h("0.5"),
    Volume.parse(35),
    120 * MINUTE_S,
)
"""At most 70 mg: 1 mg/kg, exactly what one infusion may give unasked."""
STEP = FlowRate.parse("0.1")


def order(**changes: object) -> Order:
    """Return an order that everything allows."""
    made = Order(
        PROGRAMME, mg_kg_h("0.3"), "A. Nurse", checked_by="C. Second", answers=(NO, NEVER), reason=""
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def programme(**changes: object) -> Programme:
    """Return the ordered programme with changes."""
    return replace(PROGRAMME, **changes)  # type: ignore[arg-type]


def dose(amount: str) -> DoseRate:
    """Return a dose rate in mg/kg/h."""
    return mg_kg_h(amount)


def infusion(entry: DrugLimits = FULL_ENTRY, **changes: object) -> Infusion:
    """Return the infusion that ``order()`` begins on PUMP-01 at bed 1."""
    made = Infusion(
        InfusionId("command-0001"),
        PATIENT,
        entry,
        LIBRARY.version,
        LIBRARY.sha256,
        (ProgrammeVersion(1, PROGRAMME, mg_kg_h("0.3"), "A. Nurse", AT, checked_by="C. Second"),),
        (Carrier(PumpId("PUMP-01"), ChannelId("1"), "1", "pain-clinic", AT),),
        (NO, NEVER),
        LIBRARY.signed_for,
        attached=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
