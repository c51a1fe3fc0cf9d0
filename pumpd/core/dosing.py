"""Dose conversions, exact: flow x concentration against dose x weight, never divided before it must be."""

from __future__ import annotations

from fractions import Fraction

from pumpd.core.quantities import (
    G_PER_KG,
    NL_PER_ML,
    Concentration,
    DoseRate,
    DoseUnit,
    FlowRate,
    Weight,
)


def _check(concentration: Concentration, weight: Weight | None, unit: DoseUnit) -> None:
    if concentration.kind is not unit.kind:
        raise ValueError(f"{unit.value} can not be worked out from {concentration}")
    if unit.per_kg and weight is None:
        raise ValueError(f"{unit.value} needs a weight")


def dose_rate(
    flow: FlowRate, concentration: Concentration, weight: Weight | None, unit: DoseUnit
) -> DoseRate:
    """Return the dose rate that ``flow`` gives, exact.

    >>> two_mg_ml, person = Concentration.parse("2 mg/mL"), Weight.parse(70)
    >>> str(dose_rate(FlowRate.parse("10.5"), two_mg_ml, person, DoseUnit.MG_KG_H))
    '0.3 mg/kg/h'

    ValueError when the unit needs a weight and there is none, or counts another kind of amount.
    """
    _check(concentration, weight, unit)
    numerator = flow.nl_per_h * concentration.p_per_ml
    denominator = NL_PER_ML * unit.p_per_h
    if unit.per_kg:
        assert weight is not None
        numerator *= G_PER_KG
        denominator *= weight.g
    return DoseRate(Fraction(numerator, denominator), unit)


def highest_flow(
    dose: DoseRate, concentration: Concentration, weight: Weight | None, step: FlowRate
) -> FlowRate:
    """Return the highest flow the pump can be set to that does not exceed ``dose``.

    ``step`` is the pump's resolution, above 0; the result is rounded *down* to it. For every flow on that
    grid, ``flow > result`` exactly when its dose rate is above ``dose``, so limits are compared as flows.

    >>> str(highest_flow(DoseRate.parse("1 mg/kg/h"), Concentration.parse("2 mg/mL"), Weight.parse(70),
    ...     FlowRate.parse("0.1")))
    '35 mL/h'
    """
    nl, hours = _flow(dose, concentration, weight)
    if step.nl_per_h <= 0:
        raise ValueError("step: a pump's resolution is above 0")
    return FlowRate(nl // (hours * step.nl_per_h) * step.nl_per_h)


def lowest_flow(
    dose: DoseRate, concentration: Concentration, weight: Weight | None, step: FlowRate
) -> FlowRate:
    """Return the lowest flow on the pump's grid that reaches ``dose``, rounded *up* to ``step``."""
    nl, hours = _flow(dose, concentration, weight)
    if step.nl_per_h <= 0:
        raise ValueError("step: a pump's resolution is above 0")
    steps = -(-nl // (hours * step.nl_per_h))
    return FlowRate(steps * step.nl_per_h)


def flow_for(dose: DoseRate, concentration: Concentration, weight: Weight | None) -> Fraction:
    """Return the flow in nL/h, exact, that gives ``dose``."""
    return Fraction(*_flow(dose, concentration, weight))


def unlike_digits(one: DoseRate, other: DoseRate) -> tuple[str, str]:
    """Return two doses of one unit in words that differ where they do: with as many decimals as it takes."""
    places = 3
    while one.digits(places) == other.digits(places) and one.amount != other.amount:
        places += 1
    return f"{one.digits(places)} {one.unit.value}", f"{other.digits(places)} {other.unit.value}"


def _flow(dose: DoseRate, concentration: Concentration, weight: Weight | None) -> tuple[int, int]:
    """Return the flow that gives ``dose``: whole nL in so many hours, unreduced, since readings ask it."""
    unit, amount = dose.unit, dose.amount
    _check(concentration, weight, unit)
    nl = amount.numerator * unit.p_per_h * NL_PER_ML
    hours = amount.denominator * concentration.p_per_ml
    if unit.per_kg:
        assert weight is not None
        nl *= weight.g
        hours *= G_PER_KG
    return nl, hours
