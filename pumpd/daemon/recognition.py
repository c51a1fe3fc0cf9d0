"""Whether the pump that answers is the one that should."""

from __future__ import annotations

from pumpd.daemon.plan import PumpPlan
from pumpd.drivers.base import Identity


def expected_instead(plan: PumpPlan, first: Identity | None, found: Identity) -> str:
    """Return who should have answered instead of ``found``; empty when it is right.

    ``first`` is who answered first in this run: without a configured serial number, it stays the one.
    """
    if plan.model and found.model != plan.model:
        return f"model {plan.model}"
    if plan.serial_number and found.serial_number != plan.serial_number:
        return f"serial number {plan.serial_number}"
    if first is not None and (first.model, first.serial_number) != (found.model, found.serial_number):
        return described(first)
    return ""


def described(identity: Identity) -> str:
    """Return who answered, in words for a person."""
    serial = identity.serial_number or "without serial number"
    return f"{identity.make} {identity.model} {serial}".strip()
