"""What the core costs: 500 infusing pumps under their orders, two hours in, one reading after the other.

The whole catalogue is judged, every counter, pressure, dose account and total followed; each hundredth
reading raises an alarm and the next one of that pump clears it. Readings are made before, and not measured.
"""

from __future__ import annotations

import gc
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import Bounds, DoseLimits, DrugLimits, Restrain, TotalLimit, TotalOver
from pumpd.core.evaluate import evaluate_pump
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.infusion import Programme
from pumpd.core.infusion_due import with_bounds
from pumpd.core.infusion_record import Carrier, Infusion, InfusionId, Patient, ProgrammeVersion
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.occlusion import line_of
from pumpd.core.quantities import NS_PER_H, NS_PER_S, Concentration, DoseRate, FlowRate, Volume, Weight
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.state import Now, Ordered, PumpSetup, PumpState, new_state
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpAlarm, PumpId, PumpStatus, Telemetry
from pumpd.core.total_dose import DoseAccount

PUMPS = 500
HISTORY_S = 7200
ROUNDS = 60
RAISING = 0.01
"""Share of readings that raise something; as many clear it."""
GOAL_PER_S = 20_000
_START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
_PROTOTYPES = 10
_CHANNEL = ChannelId("1")
_QUIET: frozenset[PumpAlarm] = frozenset()


def _now(at_ns: int) -> Now:
    return Now(at_ns, _START + timedelta(microseconds=at_ns // 1000))


def _mg(amount: int) -> DrugAmount:
    return DrugAmount.parse(f"{amount} mg")


def _state(pump: PumpId) -> PumpState:
    """Return a pump that begins its infusion."""
    strength = Concentration.parse("2 mg/mL")
    entry = DrugLimits(
        drug="TEST-A",
        concentration=strength,
        care_area="bench",
        unit=DoseRate.parse("1 mg/kg/h").unit,
        dose_rate=DoseLimits(
            hard_max=DoseRate.parse("1 mg/kg/h"),
            soft_max=DoseRate.parse("0.5 mg/kg/h"),
            soft_min=DoseRate.parse("0.1 mg/kg/h"),
            hard_min=DoseRate.parse("0.05 mg/kg/h"),
        ),
        totals=(
            TotalLimit(TotalOver.INFUSION, Bounds(soft_max=_mg(150), hard_max=_mg(200))),
            TotalLimit(TotalOver.WINDOW, Bounds(soft_max=_mg(300), hard_max=_mg(400)), window_s=86_400),
        ),
        restrain=Restrain.PAUSE,
        source="numbers for measuring only",
    )
    low, high = DoseRate.parse("0.1 mg/kg/h"), DoseRate.parse("0.5 mg/kg/h")
    programme = Programme("TEST-A", strength, "bench", Weight.parse(70), low, high, Volume.parse("50"))
    setup = PumpSetup(
        pump,
        _CHANNEL,
        Provenance.DEMO,
        FreshnessLimits(3 * NS_PER_S, 5 * NS_PER_S),
        programme,
        entry,
        FlowRate.parse("0.01"),
        Volume(1_000),
        line=line_of(50, 1000),
        ceiling=FlowRate.parse("60"),
        gate=RestraintGate(Enforcement.PAUSE, True, Restrain.PAUSE, True),
    )
    patient = Patient("B.K.", "1234")
    infusion = Infusion(
        InfusionId("bench-0001"),
        patient,
        entry,
        "1",
        "0" * 64,
        (ProgrammeVersion(1, programme, high, "A. Nurse", _START),),
        (Carrier(pump, _CHANNEL, "1", "bench", _START),),
        (),
        frozenset({Provenance.DEMO}),
        attached=False,
    )
    watch = with_bounds(
        InfusionWatch(infusion, 0, PatientDose(patient, "TEST-A", DoseAccount(24 * NS_PER_H)))
    )
    given = Ordered(setup, watch, afresh=True)
    return evaluate_pump(new_state(setup, _now(0)), given, _now(0))[0]


def _reading(pump: PumpId, second: int, rate_nl_h: int, *, alarmed: bool = False) -> Telemetry:
    given_nl = rate_nl_h * second // 3600 // 1000 * 1000
    return Telemetry(
        pump,
        _CHANNEL,
        second,
        second * NS_PER_S,
        5_000_000,
        Provenance.DEMO,
        PumpStatus.RUNNING,
        "2",
        Measured.valid(FlowRate(rate_nl_h)),
        Measured.valid(Volume(given_nl)),
        Measured.valid(FlowRate(rate_nl_h)),
        Measured.valid(Volume(50_000_000 - given_nl)),
        Measured.valid(20 + second % 3),
        Measured.valid(87),
        frozenset({PumpAlarm.NEAR_END}) if alarmed else _QUIET,
        ("near end",) if alarmed else (),
    )


def ward() -> list[tuple[PumpState, int]]:
    """Return the pumps two hours in, each with the rate it is set to."""
    grown = []
    for n in range(_PROTOTYPES):
        pump, rate_nl_h = PumpId(f"BENCH-{n}"), 8_000_000 + 500_000 * n
        state = _state(pump)
        for second in range(1, HISTORY_S + 1):
            reading = _reading(pump, second, rate_nl_h)
            state, _ = evaluate_pump(state, reading, _now(second * NS_PER_S + 5_000_000))
        grown.append((state, rate_nl_h))
    return [
        (replace(state, setup=replace(state.setup, pump=PumpId(f"PUMP-{n:03}"))), rate_nl_h)
        for n in range(PUMPS)
        for state, rate_nl_h in (grown[n % _PROTOTYPES],)
    ]


def readings_per_s(rounds: int = ROUNDS) -> tuple[float, int, int]:
    """Return readings per CPU second on one core, how many were judged, and how many raised or cleared."""
    chance = random.Random(1)
    pumps = ward()
    states, alarmed = [state for state, _ in pumps], [False] * PUMPS
    given = []
    for round_ in range(rounds):
        second = HISTORY_S + 1 + round_
        for n, (state, rate_nl_h) in enumerate(pumps):
            alarmed[n] = not alarmed[n] and chance.random() < RAISING
            given.append(_reading(state.setup.pump, second, rate_nl_h, alarmed=alarmed[n]))
    nows = [_now((HISTORY_S + 1 + round_) * NS_PER_S + 5_000_000) for round_ in range(rounds)]
    changed = 0
    gc.freeze()
    began_s = time.process_time()
    for at, reading in enumerate(given):
        n = at % PUMPS
        states[n], effects = evaluate_pump(states[n], reading, nows[at // PUMPS])
        if effects:
            changed += 1
    took_s = time.process_time() - began_s
    gc.unfreeze()
    return len(given) / took_s, len(given), changed
