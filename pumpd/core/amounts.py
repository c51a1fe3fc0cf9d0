"""Amounts of drug: what adds up over an infusion, exact, maybe per kilogram of body weight."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction

from pumpd.core.quantities import (
    G_PER_KG,
    PG_PER_MG,
    PG_PER_UG,
    PU_PER_U,
    AmountKind,
    Weight,
    decimal_text,
)


class AmountUnit(Enum):
    """The units a bolus or a total may be written in, in UCUM spelling."""

    MG = "mg"
    UG = "ug"
    MG_KG = "mg/kg"
    UG_KG = "ug/kg"
    U = "U"

    @property
    def per_kg(self) -> bool:
        """True when the amount is per kilogram of body weight."""
        return self.value.endswith("/kg")

    @property
    def kind(self) -> AmountKind:
        """Mass or units."""
        return AmountKind.UNITS if self is AmountUnit.U else AmountKind.MASS

    @property
    def p(self) -> int:
        """One of this unit in picograms (or pico-units), per kg where ``per_kg``."""
        return _P[self]


_P = {
    AmountUnit.MG: PG_PER_MG,
    AmountUnit.UG: PG_PER_UG,
    AmountUnit.MG_KG: PG_PER_MG,
    AmountUnit.UG_KG: PG_PER_UG,
    AmountUnit.U: PU_PER_U,
}


@dataclass(frozen=True, slots=True)
class DrugAmount:
    """An amount of drug, maybe per kg: an exact fraction of one ``unit``, 0 or more."""

    amount: Fraction
    unit: AmountUnit

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"amount of drug: {self.amount} {self.unit.value} is below 0")

    @classmethod
    def parse(cls, text: str) -> DrugAmount:
        """Return the amount for text such as ``1.5 mg/kg``; ValueError names the units allowed."""
        number, _, unit = text.strip().partition(" ")
        try:
            amount_unit = AmountUnit(unit.strip())
        except ValueError:
            allowed = ", ".join(u.value for u in AmountUnit)
            raise ValueError(f"amount {text!r}: the unit must be one of {allowed}") from None
        try:
            value = Decimal(number)
        except InvalidOperation:
            raise ValueError(f"amount {text!r}: {number!r} is not a decimal number") from None
        if not value.is_finite():
            raise ValueError(f"amount {text!r} is not finite")
        return cls(Fraction(value), amount_unit)

    def p_for(self, weight: Weight | None) -> Fraction:
        """Return the amount for this patient in picograms (or pico-units), exact.

        ValueError when it is per kilogram and there is no weight.
        """
        total = self.amount * self.unit.p
        if not self.unit.per_kg:
            return total
        if weight is None:
            raise ValueError(f"{self.unit.value} needs a weight")
        return total * weight.g / G_PER_KG

    def digits(self, places: int = 3) -> str:
        """Return the amount rounded half up to ``places`` decimals, in plain digits, no trailing zeros."""
        scale = 10**places
        doubled = 2 * self.amount * scale
        return decimal_text((doubled.numerator // doubled.denominator + 1) // 2, scale)

    def __str__(self) -> str:
        return f"{self.digits()} {self.unit.value}"
