"""When a pump is restrained, how, and what is told of it: three agreements, confirmed, once per cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from pumpd.core.alarms import Alarms, Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.freshness import Freshness
from pumpd.core.lowering import LowerNow, can_be_lowered
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.restraints import RestraintPhase, RestraintRecord
from pumpd.core.state import Now, PauseNow, PumpState, RestraintOutcome
from pumpd.core.telemetry import Telemetry

ONE_RESTRAINT_PER = timedelta(minutes=10)
"""After a pause a person may restart the pump: no second pause for that cause for this long."""

RESTRAINING = (ConditionId.OVER_HARD, ConditionId.FLOW_CEILING)
"""What is restrained, once it is confirmed."""
_WHOSE = {
    ConditionId.OVER_HARD: "of the drug library",
    ConditionId.FLOW_CEILING: "of this pump's configuration",
}


def restrained(
    state: PumpState, present: Mapping[ConditionId, Finding], reading: Telemetry, now: Now
) -> tuple[PumpState, PauseNow | LowerNow | None]:
    """Return what to do to the pump when a confirmed hard limit is broken and the three gates agree.

    A pause where that is allowed, else a lower rate where that is and would help; once per cause.
    """
    flow, gate = reading.flow.value, state.setup.gate
    if (
        flow is None
        or state.limits is None  # a pump without an order or a library entry is alarmed on, never restrained
        or not (gate.may_pause or gate.may_lower)
        or state.phase is not RestraintPhase.IDLE
        or not reading.status.delivers
        or state.freshness is not Freshness.FRESH  # it may say nothing of the pump as it is
    ):
        return state, None
    ordered = None if state.ordered is None else state.ordered.high
    highest = min(f for f in (state.limits.hard_max, state.setup.ceiling, ordered) if f is not None)
    if not gate.may_pause and not can_be_lowered(reading, highest):
        return state, None
    for cause in RESTRAINING:
        finding = present.get(cause)
        if finding is None or not _may_again(state.restraints.get(cause), flow, now):
            continue
        # One restraint speaks for every limit broken at this flow: a nurse who undoes it has seen them all.
        record = RestraintRecord(now.wall, _meant(reading, flow), at_ns=now.mono_ns)
        broken = dict.fromkeys((c for c in RESTRAINING if c in present), record)
        records = MappingProxyType({**state.restraints, **broken})
        after = replace(state, restraints=records, phase=RestraintPhase.ASKED)
        limit = f"{finding.allowed} {_WHOSE[cause]}"
        if gate.may_pause:
            return after, PauseNow(cause, finding.measured, limit)
        return after, LowerNow(cause, finding.measured, limit, highest)
    return state, None


def told_of(state: PumpState, outcome: RestraintOutcome, now: Now) -> dict[ConditionId, Finding]:
    """Return what is told of a restraint that has ended: nothing where a hand was quicker."""
    if outcome.needless:
        return {}
    measured, degree = outcome.measured, 0
    condition = ConditionId.RESTRAINED if outcome.paused else ConditionId.RESTRAINT_FAILED
    if outcome.lower_to is not None:
        degree = outcome.lower_to.nl_per_h
        rate = None if state.last is None else state.last.set_flow.value
        if outcome.paused and rate is not None:
            condition, degree = ConditionId.RATE_LOWERED, rate.nl_per_h
            measured = f"{measured}, now set to {rate}"
    causes = frozenset({now.wall.isoformat()})  # every outcome is told, whatever was acknowledged before
    return {condition: Finding(CATALOGUE[condition].priority, measured, outcome.allowed, causes, degree)}


def still_so(alarms: Alarms, reading: Telemetry) -> set[ConditionId]:
    """Return the outcomes of restraints that hold as long as the pump stays as ``reading`` shows it."""
    if not reading.status.delivers:
        return {ConditionId.RESTRAINED}
    held = set()
    flow, rate = reading.flow.value, reading.set_flow.value
    failed, lowered = alarms.get(ConditionId.RESTRAINT_FAILED), alarms.get(ConditionId.RATE_LOWERED)
    # What could not be lowered is over, too, when a hand has brought it within the limit.
    if failed is not None and (flow is None or not 0 < flow.nl_per_h <= failed.degree):
        held.add(ConditionId.RESTRAINT_FAILED)
    if lowered is not None and (rate is None or rate.nl_per_h == lowered.degree):
        held.add(ConditionId.RATE_LOWERED)
    return held


def _may_again(record: RestraintRecord | None, flow: FlowRate, now: Now) -> bool:
    if record is None or not record.settled or flow > record.flow:
        return True
    if record.at_ns is not None:
        return now.mono_ns - record.at_ns >= ONE_RESTRAINT_PER.total_seconds() * NS_PER_S
    # A wall clock that stepped back since must not bring a needless second stop.
    return now.wall - record.at >= ONE_RESTRAINT_PER


def _meant(reading: Telemetry, flow: FlowRate) -> FlowRate:
    """Return the flow that ``reading`` gives or is set to give, whichever is higher."""
    return flow if reading.set_flow.value is None else max(flow, reading.set_flow.value)


def climbing(
    restraints: Mapping[ConditionId, RestraintRecord], reading: Telemetry
) -> Mapping[ConditionId, RestraintRecord]:
    """Return the records under way with the flow that ``reading`` shows, where it is higher."""
    flow = reading.flow.value
    if flow is None:
        return restraints
    highest = _meant(reading, flow)
    return MappingProxyType(
        {c: r if r.settled else replace(r, flow=max(r.flow, highest)) for c, r in restraints.items()}
    )
