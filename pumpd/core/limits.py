"""What one reading says about limits: flows on the pump's grid against the library's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.dosing import dose_rate, unlike_digits
from pumpd.core.quantities import DoseRate, FlowRate
from pumpd.core.slips import slip
from pumpd.core.state import PumpState
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus, Telemetry, Validity

_UNLIMITED = frozenset({PumpStatus.PRIMING})
"""Statuses in which the line is not yet at the patient, so no dose limit holds."""

_MINIMA_HOLD = frozenset({PumpStatus.RUNNING})
"""Minima do not hold in pause, priming, KVO, bolus or after the end."""

_FLAGS = {
    PumpAlarm.OCCLUSION: ConditionId.OCCLUSION,
    PumpAlarm.OCCLUSION_UPSTREAM: ConditionId.OCCLUSION_UPSTREAM,
    PumpAlarm.AIR: ConditionId.AIR,
    PumpAlarm.EMPTY: ConditionId.EMPTY,
    PumpAlarm.DOOR: ConditionId.DOOR,
    PumpAlarm.NEAR_END: ConditionId.NEAR_END,
    PumpAlarm.END: ConditionId.INFUSION_COMPLETE,
    PumpAlarm.BATTERY_LOW: ConditionId.BATTERY_LOW,
    PumpAlarm.BATTERY_DEPLETED: ConditionId.BATTERY_DEPLETED,
    PumpAlarm.FAULT: ConditionId.PUMP_FAULT,
    PumpAlarm.OTHER: ConditionId.PUMP_OTHER,
}
"""Every alarm of the pump's own has its condition; a test holds the table complete."""


_INVALID = Validity.INVALID
_PARTS = ("flow", "volume", "set flow", "volume to be infused", "pressure", "battery")

_SEVERAL = frozenset({ConditionId.PUMP_FAULT, ConditionId.PUMP_OTHER})
"""Conditions that stand for more than one alarm of the pump's own."""


def _found(
    condition: ConditionId, measured: str = "", allowed: str = "", causes: Iterable[str] = (), degree: int = 0
) -> tuple[ConditionId, Finding]:
    return condition, Finding(CATALOGUE[condition].priority, measured, allowed, frozenset(causes), degree)


def _beside(state: PumpState, flow: FlowRate, name: str) -> tuple[str, str]:
    """Return what flows and the entry's bound ``name`` in one unit, in words that differ.

    They are doses, with as many decimals as it takes, unless the entry's bound of the flow is the tighter.
    """
    programme, entry, limits = state.setup.programme, state.setup.entry, state.limits
    assert programme is not None, "limits are worked out from a programme"
    assert entry is not None
    assert limits is not None
    if name in limits.of_flow:
        return str(flow), str(getattr(entry.flow, name))
    bound: DoseRate = getattr(entry.dose_rate, name)
    dose = dose_rate(flow, programme.concentration, programme.weight, bound.unit)
    return unlike_digits(dose, bound)


def _wrong(reading: Telemetry, *, counts: bool) -> dict[str, str | None]:
    """Return what arrived in the place of each value that can not be believed.

    ``counts`` says that the pump has told what it delivered: from then on it is missed.
    """
    parts: tuple[Measured[Any], ...] = (
        reading.flow,
        reading.volume,
        reading.set_flow,
        reading.volume_to_be_infused,
        reading.pressure_kpa_e1,
        reading.battery_percent,
    )
    for part in parts:
        if part.validity is _INVALID:
            named = zip(_PARTS, parts, strict=True)
            return {name: part.raw for name, part in named if part.validity is _INVALID}
    if reading.flow.value is None and reading.status.delivers:
        return {"flow": "missing while it runs"}
    if counts and reading.volume.validity is Validity.MISSING and reading.status.delivers:
        return {"volume": "missing while it runs"}
    return {}


def highest(reading: Telemetry) -> FlowRate | None:
    """Return the highest flow that this reading speaks of: what is shown, or set on a pump that runs.

    A display that stands, or lags behind, hides no rate. None when neither is told.
    """
    flow, chosen = reading.flow.value, reading.set_flow.value
    if chosen is None or reading.status is not PumpStatus.RUNNING:
        return flow
    return chosen if flow is None else max(flow, chosen)


def over_hard(state: PumpState, reading: Telemetry) -> bool:
    """Return whether this reading is above the hard maximum."""
    rate, limits = highest(reading), state.limits
    return (
        limits is not None
        and rate is not None
        and rate.nl_per_h > limits.hard_max.nl_per_h
        and reading.status not in _UNLIMITED
    )


def over_ceiling(state: PumpState, reading: Telemetry) -> bool:
    """Return whether this reading is above the pump's own ceiling, which holds in every status."""
    rate, ceiling = highest(reading), state.setup.ceiling
    return ceiling is not None and rate is not None and rate.nl_per_h > ceiling.nl_per_h


def confirmed_findings(state: PumpState, reading: Telemetry) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what this reading breaks that needs a second reading before it is raised."""
    most = highest(reading)
    if most is None:
        return
    if over_hard(state, reading):
        yield _found(ConditionId.OVER_HARD, *_beside(state, most, "hard_max"), degree=most.nl_per_h)
    if over_ceiling(state, reading):
        yield _found(ConditionId.FLOW_CEILING, str(most), str(state.setup.ceiling), degree=most.nl_per_h)

    ordered, programme = state.ordered, state.setup.programme
    if ordered is None or programme is None or reading.status is not PumpStatus.RUNNING:
        return
    rate = most if reading.set_flow.value is None else reading.set_flow.value
    limits, ceiling = state.limits, state.setup.ceiling
    if (limits is not None and rate.nl_per_h > limits.hard_max.nl_per_h) or (
        ceiling is not None and rate.nl_per_h > ceiling.nl_per_h
    ):
        return  # that is told, and louder
    before = None if state.meant is None else state.meant.nl_per_h
    how = slip(rate.nl_per_h, programme, ordered.low.nl_per_h, ordered.high.nl_per_h, before)
    if how:
        priority = AlarmPriority.HIGH if rate > ordered.high else AlarmPriority.MEDIUM
        finding = Finding(priority, f"{rate}, {how}", str(ordered), frozenset({how}), rate.nl_per_h)
        yield ConditionId.TEN_FOLD, finding


def findings(state: PumpState, reading: Telemetry) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield every other condition this reading shows; the catalogue's delays are applied by the caller."""
    status, flow, limits = reading.status, reading.flow.value, state.limits
    setup = state.setup
    if status is PumpStatus.UNKNOWN:
        yield _found(ConditionId.UNKNOWN_STATUS, reading.raw_status, causes=[reading.raw_status])
    if status is PumpStatus.KVO:
        yield _found(ConditionId.KVO)
    wrong = _wrong(reading, counts=state.account is not None)
    if wrong:
        words = ", ".join(f"{name} {raw}" for name, raw in wrong.items())
        yield _found(ConditionId.INVALID_VALUE, words, causes=wrong)
    if reading.alarms:
        for condition in sorted({_FLAGS[flag] for flag in reading.alarms}, key=lambda c: c.value):
            causes = reading.raw_alarms if condition in _SEVERAL else ()
            yield _found(condition, ", ".join(reading.raw_alarms), causes=causes)
    most = highest(reading)
    soft_max = None if limits is None or status in _UNLIMITED else limits.soft_max
    if soft_max is not None and most is not None and most.nl_per_h > soft_max.nl_per_h:
        condition, finding = _found(ConditionId.OVER_SOFT, *_beside(state, most, "soft_max"))
        yield condition, replace(finding, degree=most.nl_per_h, soft=most.nl_per_h)
    if flow is None or flow.nl_per_h == 0 or status in _UNLIMITED:
        if limits is not None and flow is not None and status in _MINIMA_HOLD:
            yield from _minima(state, flow)
        return
    if setup.programme is None:
        yield _found(ConditionId.NO_PROGRAMME)
    elif limits is None:
        yield _found(ConditionId.LIBRARY_MISSING, f"{setup.programme.drug} {setup.programme.concentration}")
    elif status in _MINIMA_HOLD:
        yield from _minima(state, flow)


def _minima(state: PumpState, flow: FlowRate) -> Iterator[tuple[ConditionId, Finding]]:
    limits = state.limits
    assert limits is not None
    if limits.hard_min is not None and flow.nl_per_h < limits.hard_min.nl_per_h:
        yield _found(ConditionId.UNDER_HARD, *_beside(state, flow, "hard_min"))
    if limits.soft_min is not None and flow.nl_per_h < limits.soft_min.nl_per_h:
        condition, finding = _found(ConditionId.UNDER_SOFT, *_beside(state, flow, "soft_min"))
        yield condition, replace(finding, soft=-flow.nl_per_h)
