"""Doses worked out a second time, from the unit's own spelling, in fractions. Imports nothing of pumpd."""

from __future__ import annotations

from fractions import Fraction

_GRAMS = {"mg": Fraction(1, 1000), "ug": Fraction(1, 1_000_000)}
_HOURS = {"h": Fraction(1), "min": Fraction(1, 60)}


def dose(flow_ml_h: Fraction, concentration: str, weight_kg: Fraction | None, unit: str) -> Fraction:
    """Return the dose in ``unit`` (``ug/kg/min``) of a flow of ``concentration`` (``2 mg/mL``)."""
    number, _, per_ml = concentration.partition(" ")
    what, _, ml = per_ml.partition("/")
    if ml != "mL":
        raise ValueError(per_ml)
    parts = unit.split("/")
    amount, per = parts[0], parts[1:]
    if amount == "U" or what == "U":
        if amount != what:
            raise ValueError(f"{concentration} in {unit}")
        in_unit_per_ml = Fraction(number)
    else:
        in_unit_per_ml = Fraction(number) * _GRAMS[what] / _GRAMS[amount]
    answer = flow_ml_h * in_unit_per_ml
    for divisor in per:
        if divisor == "kg":
            if weight_kg is None:
                raise ValueError(f"{unit} without a weight")
            answer /= weight_kg
        else:
            answer *= _HOURS[divisor]
    return answer


def volume_ml(pieces: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Return the volume in mL of pieces of (flow in mL/h, seconds)."""
    return sum((flow * seconds / 3600 for flow, seconds in pieces), Fraction(0))
