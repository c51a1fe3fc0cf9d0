"""What was ordered to run, and the flows it allows on one pump."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.dosing import dose_rate, highest_flow, lowest_flow
from pumpd.core.drug_library import DrugLimits
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of an infusion's order: drug, concentration, weight and the ordered dose range."""

    drug: str
    concentration: Concentration
    care_area: str
    weight: Weight | None
    dose_min: DoseRate
    dose_max: DoseRate
    volume: Volume | None = None
    duration_s: int | None = None

    def __post_init__(self) -> None:
        if self.dose_min.unit is not self.dose_max.unit:
            raise ValueError("programme: dose_min and dose_max are in one unit")
        if self.dose_min.amount > self.dose_max.amount:
            raise ValueError("programme: dose_min is above dose_max")
        # Raises when the unit needs a weight that is missing, or counts another kind of amount.
        dose_rate(FlowRate(0), self.concentration, self.weight, self.dose_min.unit)

    @property
    def unit(self) -> DoseUnit:
        """The unit in which doses of this programme are shown."""
        return self.dose_min.unit

    def dose(self, flow: FlowRate) -> DoseRate:
        """Return the dose rate that ``flow`` gives under this programme, exact."""
        return dose_rate(flow, self.concentration, self.weight, self.unit)


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """An entry's dose limits as flows on one pump's grid: worked out once, compared at every reading.

    Maxima are rounded down and minima up, so on the grid a flow breaks the flow limit exactly when its
    dose breaks the dose limit.
    """

    hard_max: FlowRate
    soft_max: FlowRate | None
    soft_min: FlowRate | None
    hard_min: FlowRate | None


def flow_limits(entry: DrugLimits, programme: Programme, step: FlowRate) -> FlowLimits:
    """Return ``entry``'s limits as flows for this programme on a pump that resolves ``step``."""
    limits = entry.dose_rate

    def top(dose: DoseRate | None) -> FlowRate | None:
        return None if dose is None else highest_flow(dose, programme.concentration, programme.weight, step)

    def bottom(dose: DoseRate | None) -> FlowRate | None:
        return None if dose is None else lowest_flow(dose, programme.concentration, programme.weight, step)

    return FlowLimits(
        hard_max=highest_flow(limits.hard_max, programme.concentration, programme.weight, step),
        soft_max=top(limits.soft_max),
        soft_min=bottom(limits.soft_min),
        hard_min=bottom(limits.hard_min),
    )
