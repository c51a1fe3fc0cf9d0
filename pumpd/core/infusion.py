"""What was ordered to run, and the flows it allows on one pump."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.core.dosing import dose_rate, highest_flow, lowest_flow
from pumpd.core.drug_library import DrugLimits
from pumpd.core.field_error import FieldError
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
    form: str = ""
    """Salt or isomer; empty where the library has only one."""
    indication: str = ""
    """What it is given for; empty where the library has only one."""

    def __post_init__(self) -> None:
        if self.dose_min.unit is not self.dose_max.unit:
            raise ValueError("programme: dose_min and dose_max are in one unit")
        if self.dose_min.amount > self.dose_max.amount:
            raise FieldError("dose_min", "programme: dose_min is above dose_max")
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
    """An entry's limits as flows on one pump's grid: worked out once, compared at every reading.

    Maxima are rounded down and minima up, so on the grid a flow breaks the flow limit exactly when its
    dose breaks the dose limit, or when it breaks the entry's own limit of the flow.
    """

    hard_max: FlowRate
    soft_max: FlowRate | None
    soft_min: FlowRate | None
    hard_min: FlowRate | None
    of_flow: frozenset[str] = frozenset()
    """Names of those that come from the entry's limits of the flow, since these are tighter."""


@dataclass(frozen=True, slots=True)
class OrderedRange:
    """The ordered doses as flows on one pump's grid, each rounded towards the other."""

    low: FlowRate
    high: FlowRate

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low.ml_per_h} to {self.high}"


def ordered_range(programme: Programme, step: FlowRate) -> OrderedRange:
    """Return what the programme orders as flows on a pump that resolves ``step``."""
    of = programme.concentration, programme.weight, step
    high = highest_flow(programme.dose_max, *of)
    # A single dose between two steps of the pump is ordered as the step below it.
    return OrderedRange(min(lowest_flow(programme.dose_min, *of), high), high)


def flow_limits(entry: DrugLimits, programme: Programme, step: FlowRate) -> FlowLimits:
    """Return ``entry``'s limits as flows for this programme on a pump that resolves ``step``."""
    of_flow: set[str] = set()

    def tightest(name: str) -> FlowRate | None:
        dose: DoseRate | None = getattr(entry.dose_rate, name)
        flow: FlowRate | None = getattr(entry.flow, name)
        is_top = name.endswith("_max")
        on_grid = highest_flow if is_top else lowest_flow
        by_dose = None if dose is None else on_grid(dose, programme.concentration, programme.weight, step)
        if flow is None:
            return by_dose
        steps = flow.nl_per_h // step.nl_per_h if is_top else -(-flow.nl_per_h // step.nl_per_h)
        by_flow = FlowRate(steps * step.nl_per_h)
        if by_dose is not None and (by_dose <= by_flow if is_top else by_dose >= by_flow):
            return by_dose
        of_flow.add(name)
        return by_flow

    hard_max = tightest("hard_max")
    assert hard_max is not None, "every entry has a hard maximum of the dose rate"
    rest = (tightest("soft_max"), tightest("soft_min"), tightest("hard_min"))
    return FlowLimits(hard_max, *rest, frozenset(of_flow))
