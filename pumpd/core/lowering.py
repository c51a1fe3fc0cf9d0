"""Lowering the rate of a pump that must not or can not be paused: what is asked, and when it has worked."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpStatus, Telemetry


@dataclass(frozen=True, slots=True)
class LowerNow:
    """Effect: set this pump to ``to`` or the step below at once, read back, report a RestraintOutcome."""

    cause: ConditionId
    measured: str
    allowed: str
    to: FlowRate
    """The highest rate that the order and every limit allow."""


def can_be_lowered(reading: Telemetry, to: FlowRate) -> bool:
    """Return whether a lower set rate would help: it runs, and is set above ``to``."""
    rate = reading.set_flow.value
    return reading.status is PumpStatus.RUNNING and rate is not None and rate > to and to.nl_per_h > 0


def within(reading: Telemetry, to: FlowRate) -> bool:
    """Return whether this reading proves that no more than ``to`` is set, and flows."""
    rate, flow = reading.set_flow.value, reading.flow.value
    return rate is not None and flow is not None and rate <= to and flow <= to
