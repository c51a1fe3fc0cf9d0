"""What must hold before a pause is written, and what proves that it worked."""

from __future__ import annotations

from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.telemetry import Telemetry, Validity


def does_not_deliver(reading: Telemetry) -> bool:
    """Return whether this reading proves that nothing flows: its status says so and its flow agrees."""
    if reading.status.delivers:
        return False
    if reading.flow.value is not None:
        return reading.flow.value.nl_per_h == 0
    return reading.flow.validity is Validity.MISSING


def refused_by_gate(gate: RestraintGate, *, lower: bool = False) -> str:
    """Return which part of the gate does not allow a pause, or a ``lower`` rate; empty when all agree."""
    if gate.may_lower if lower else gate.may_pause:
        return ""
    if gate.enforcement is Enforcement.ALARM or not (lower or gate.enforcement is Enforcement.PAUSE):
        return f"this pump's configuration does not allow it (enforcement: {gate.enforcement.value})"
    if not gate.library_signed:
        return "the drug library is not signed for this pump"
    if not (gate.lower_proven if lower else gate.pause_proven):
        what = "lowering the rate" if lower else "pausing"
        return f"{what} was never tried on such a pump (see its driver's card)"
    return f"the drug library does not allow it for this drug (restraint: {gate.library_allows.value})"
