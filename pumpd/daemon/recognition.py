"""Whether the pump that answers is the one that should, and which one it is else."""

from __future__ import annotations

from collections.abc import Iterable

from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpId
from pumpd.core.told import ToldOfPump
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.seams import LivePump
from pumpd.drivers.base import Identity


def expected_instead(plan: PumpPlan, first: Identity | None, found: Identity) -> str:
    """Return who should have answered instead of ``found``; empty when it is right.

    The fleet says it where there is one; what a pump can not tell is not held against it. ``first`` is who
    answered first in this run: without a configured serial number, it stays the one.
    """
    if plan.model and found.model != plan.model:
        return f"model {plan.model}"
    if plan.serial_number and found.serial_number != plan.serial_number:
        return f"serial number {plan.serial_number}"
    own = None if plan.fleet is None else plan.fleet.of(plan.pump)
    if own is not None:
        if found.model and found.model != own.model:
            return f"model {own.model}"
        if found.serial_number:
            return "" if found.serial_number == own.serial_number else f"serial number {own.serial_number}"
    if first is not None and (first.model, first.serial_number) != (found.model, found.serial_number):
        return described(first)
    return ""


def described(identity: Identity) -> str:
    """Return who answered, in words for a person."""
    serial = identity.serial_number or "without serial number"
    return f"{identity.make} {identity.model} {serial}".strip()


def answered(plan: PumpPlan, found: Identity) -> str:
    """Return who answered in the place of a pump, and whether the fleet knows it."""
    known = plan.fleet is None or not found.serial_number or plan.fleet.who(found) is not None
    return described(found) if known else f"{described(found)}, not in the fleet"


def another_of_the_fleet(plan: PumpPlan, found: Identity) -> PumpId | None:
    """Return which pump of the fleet answered in the place of another; None when it is not known for sure."""
    known = None if plan.fleet is None else plan.fleet.who(found)
    return None if known is None or known.asset == plan.pump else known.asset


def tell_stranger(
    plan: PumpPlan, found: Identity, expected: str, lives: Iterable[LivePump], pipeline: Pipeline
) -> None:
    """Tell an engineer of a pump that the fleet does not know, and when it is gone."""
    stranger = bool(expected) and plan.fleet is not None and plan.fleet.who(found) is None
    causes = frozenset({described(found)} if stranger else ())
    told = ToldOfPump(ConditionId.UNKNOWN_PUMP, "".join(causes), causes)
    for live in lives:
        before = live.state.told.get(told.condition)
        if before != told and (stranger or before is not None or told.condition in live.state.alarms):
            pipeline.take(live, told)
