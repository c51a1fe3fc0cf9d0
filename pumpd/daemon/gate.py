"""What must hold before a pause is written, and what proves that it worked."""

from __future__ import annotations

from pumpd.core.state import Enforcement, RestraintGate
from pumpd.core.telemetry import Telemetry, Validity


def does_not_deliver(reading: Telemetry) -> bool:
    """Return whether this reading proves that nothing flows: its status says so and its flow agrees."""
    if reading.status.delivers:
        return False
    if reading.flow.value is not None:
        return reading.flow.value.nl_per_h == 0
    return reading.flow.validity is Validity.MISSING


def refused_by_gate(gate: RestraintGate) -> str:
    """Return which part of the gate does not allow a pause; empty when all agree."""
    if gate.may_pause:
        return ""
    if gate.enforcement is not Enforcement.PAUSE:
        return f"this pump's configuration does not allow it (enforcement: {gate.enforcement.value})"
    if not gate.library_signed:
        return "the drug library is not signed for this pump"
    if not gate.pause_proven:
        return "pausing was never tried on such a pump (see its driver's card)"
    return f"the drug library does not allow it for this drug (restraint: {gate.library_allows.value})"
