"""What one reading says about limits: flows on the pump's grid against the library's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import DoseRate, FlowRate
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


def _found(condition: ConditionId, measured: str = "", allowed: str = "") -> tuple[ConditionId, Finding]:
    return condition, Finding(CATALOGUE[condition].priority, measured, allowed)


def _dose_text(state: PumpState, flow: FlowRate) -> str:
    programme = state.setup.programme
    return str(flow) if programme is None else str(programme.dose(flow))


def _bound(dose: DoseRate | None) -> str:
    return "" if dose is None else str(dose)


def _measured(reading: Telemetry) -> tuple[tuple[str, Measured[Any]], ...]:
    return (
        ("flow", reading.flow),
        ("volume", reading.volume),
        ("set flow", reading.set_flow),
        ("volume to be infused", reading.volume_to_be_infused),
        ("pressure", reading.pressure_kpa_e1),
        ("battery", reading.battery_percent),
    )


def over_hard(state: PumpState, reading: Telemetry) -> bool:
    """Return whether this reading is above the hard maximum."""
    flow, limits = reading.flow.value, state.limits
    return (
        limits is not None
        and flow is not None
        and flow > limits.hard_max
        and reading.status not in _UNLIMITED
    )


def over_ceiling(state: PumpState, reading: Telemetry) -> bool:
    """Return whether this reading is above the pump's own ceiling, which holds in every status."""
    flow, ceiling = reading.flow.value, state.setup.ceiling
    return ceiling is not None and flow is not None and flow > ceiling


def confirmed_findings(state: PumpState, reading: Telemetry) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what this reading breaks that needs a second reading before it is raised."""
    flow = reading.flow.value
    if flow is None:
        return
    if over_hard(state, reading):
        assert state.setup.entry is not None
        yield _found(
            ConditionId.OVER_HARD, _dose_text(state, flow), str(state.setup.entry.dose_rate.hard_max)
        )
    if over_ceiling(state, reading):
        yield _found(ConditionId.FLOW_CEILING, str(flow), str(state.setup.ceiling))


def findings(state: PumpState, reading: Telemetry) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield every other condition this reading shows; the catalogue's delays are applied by the caller."""
    status, flow, limits = reading.status, reading.flow.value, state.limits
    setup = state.setup
    if status is PumpStatus.UNKNOWN:
        yield _found(ConditionId.UNKNOWN_STATUS, reading.raw_status)
    if status is PumpStatus.KVO:
        yield _found(ConditionId.KVO)
    wrong = [f"{name} {part.raw}" for name, part in _measured(reading) if part.validity is Validity.INVALID]
    if not wrong and status.delivers and flow is None:
        wrong = ["no flow while it runs"]
    if wrong:
        yield _found(ConditionId.INVALID_VALUE, ", ".join(wrong))
    raised_by_bits: dict[ConditionId, list[str]] = {}
    for flag in reading.alarms:
        raised_by_bits.setdefault(_FLAGS[flag], [])
    for condition in raised_by_bits:
        yield _found(condition, ", ".join(reading.raw_alarms))
    if flow is None or flow.nl_per_h == 0 or status in _UNLIMITED:
        if limits is not None and flow is not None and status in _MINIMA_HOLD:
            yield from _minima(state, flow)
        return
    if setup.programme is None:
        yield _found(ConditionId.NO_PROGRAMME)
    elif limits is None:
        yield _found(ConditionId.LIBRARY_MISSING, f"{setup.programme.drug} {setup.programme.concentration}")
    else:
        assert setup.entry is not None
        if limits.soft_max is not None and flow > limits.soft_max:
            yield _found(
                ConditionId.OVER_SOFT, _dose_text(state, flow), _bound(setup.entry.dose_rate.soft_max)
            )
        if status in _MINIMA_HOLD:
            yield from _minima(state, flow)


def _minima(state: PumpState, flow: FlowRate) -> Iterator[tuple[ConditionId, Finding]]:
    limits, entry = state.limits, state.setup.entry
    assert limits is not None
    assert entry is not None
    if limits.hard_min is not None and flow < limits.hard_min:
        yield _found(ConditionId.UNDER_HARD, _dose_text(state, flow), _bound(entry.dose_rate.hard_min))
    if limits.soft_min is not None and flow < limits.soft_min:
        yield _found(ConditionId.UNDER_SOFT, _dose_text(state, flow), _bound(entry.dose_rate.soft_min))
