"""Exact quantities: integers from the wire to the limit check; floats begin at the chart.

Every value is an integer count of a unit small enough that no pump resolves finer:
nanolitres per hour for flow, nanolitres for volume, picograms (or pico-units) for amounts, grams for weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction

NL_PER_ML = 1_000_000
"""Nanolitres in a millilitre."""
PG_PER_MG = 1_000_000_000
"""Picograms in a milligram; also pico-units in a milli-unit."""
PG_PER_UG = 1_000_000
PU_PER_U = 1_000_000_000_000
"""Pico-units in a unit (of insulin, heparin ...)."""
G_PER_KG = 1000
NS_PER_H = 3_600_000_000_000
NS_PER_S = 1_000_000_000


def _exact(text: str | int | Decimal, per: int, what: str) -> int:
    """Return ``text`` x ``per`` as an integer; ValueError when it is no number or finer than one count."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{what}: {text!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"{what}: {text!r} is not finite")
    scaled = Fraction(value) * per
    if scaled.denominator != 1:
        raise ValueError(f"{what}: {text!r} is finer than 1/{per}")
    return scaled.numerator


def decimal_text(count: int, per: int) -> str:
    """Return ``count / per`` (a power of ten) in plain decimal digits: 0.5 never .5, 5 never 5.0."""
    places = len(str(per)) - 1
    sign = "-" if count < 0 else ""
    whole, rest = divmod(abs(count), per)
    digits = f"{rest:0{places}d}".rstrip("0") if places else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


class AmountKind(Enum):
    """What an amount of drug is counted in."""

    MASS = "mass"
    """Counted in picograms."""
    UNITS = "units"
    """International units, counted in pico-units."""


@dataclass(frozen=True, slots=True, order=True)
class FlowRate:
    """Volume per time: a count of nanolitres per hour, 0 or more."""

    nl_per_h: int

    def __post_init__(self) -> None:
        if self.nl_per_h < 0:
            raise ValueError(f"flow rate: {self.nl_per_h} nL/h is below 0")

    @classmethod
    def parse(cls, ml_per_h: str | int | Decimal) -> FlowRate:
        """Return the rate for a decimal number of mL/h; ValueError when finer than 0.000001 mL/h."""
        return cls(_exact(ml_per_h, NL_PER_ML, "flow rate in mL/h"))

    @property
    def ml_per_h(self) -> str:
        """The rate in mL/h, in plain decimal digits."""
        return decimal_text(self.nl_per_h, NL_PER_ML)

    def __str__(self) -> str:
        return f"{self.ml_per_h} mL/h"


@dataclass(frozen=True, slots=True, order=True)
class Volume:
    """A volume: a count of nanolitres; negative only as a difference."""

    nl: int

    @classmethod
    def parse(cls, ml: str | int | Decimal) -> Volume:
        """Return the volume for a decimal number of mL; ValueError when finer than a nanolitre."""
        return cls(_exact(ml, NL_PER_ML, "volume in mL"))

    @property
    def ml(self) -> str:
        """The volume in mL, in plain decimal digits."""
        return decimal_text(self.nl, NL_PER_ML)

    def __str__(self) -> str:
        return f"{self.ml} mL"


@dataclass(frozen=True, slots=True, order=True)
class FlowIntegral:
    """Volume that has flowed, as nL/h x ns: added up exactly, divided once, for display.

    Whole nanolitres per second would lose 6 % at 0.05 mL/h.
    """

    nl_ns_per_h: int = 0

    def plus(self, flow: FlowRate, elapsed_ns: int) -> FlowIntegral:
        """Return the integral after ``flow`` held for ``elapsed_ns``."""
        return FlowIntegral(self.nl_ns_per_h + flow.nl_per_h * elapsed_ns)

    def volume(self) -> Volume:
        """Return the whole nanolitres in it, rounded down."""
        return Volume(self.nl_ns_per_h // NS_PER_H)


@dataclass(frozen=True, slots=True, order=True)
class Weight:
    """A body weight: a count of grams, more than 0."""

    g: int

    def __post_init__(self) -> None:
        if self.g <= 0:
            raise ValueError(f"weight: {self.g} g is not above 0")

    @classmethod
    def parse(cls, kg: str | int | Decimal) -> Weight:
        """Return the weight for a decimal number of kg; ValueError when finer than a gram or not above 0."""
        return cls(_exact(kg, G_PER_KG, "weight in kg"))

    @property
    def kg(self) -> str:
        """The weight in kg, in plain decimal digits."""
        return decimal_text(self.g, G_PER_KG)

    def __str__(self) -> str:
        return f"{self.kg} kg"


_CONCENTRATION_UNITS = {
    "mg/mL": (AmountKind.MASS, PG_PER_MG),
    "ug/mL": (AmountKind.MASS, PG_PER_UG),
    "U/mL": (AmountKind.UNITS, PU_PER_U),
}


@dataclass(frozen=True, slots=True)
class Concentration:
    """Drug in a volume: a count of picograms (or pico-units) per mL, more than 0."""

    p_per_ml: int
    kind: AmountKind

    def __post_init__(self) -> None:
        if self.p_per_ml <= 0:
            raise ValueError("concentration: not above 0")

    @classmethod
    def parse(cls, text: str) -> Concentration:
        """Return the concentration for text such as ``2 mg/mL``, ``50 ug/mL`` or ``1 U/mL``."""
        number, _, unit = text.strip().partition(" ")
        try:
            kind, per = _CONCENTRATION_UNITS[unit.strip()]
        except KeyError:
            allowed = ", ".join(_CONCENTRATION_UNITS)
            raise ValueError(f"concentration {text!r}: the unit must be one of {allowed}") from None
        return cls(_exact(number, per, f"concentration in {unit}"), kind)

    def __str__(self) -> str:
        if self.kind is AmountKind.UNITS:
            return f"{decimal_text(self.p_per_ml, PU_PER_U)} U/mL"
        return f"{decimal_text(self.p_per_ml, PG_PER_MG)} mg/mL"


class DoseUnit(Enum):
    """The dose units a library entry or a programme may use, in UCUM spelling."""

    MG_H = "mg/h"
    MG_KG_H = "mg/kg/h"
    MG_KG_MIN = "mg/kg/min"
    UG_KG_MIN = "ug/kg/min"
    UG_KG_H = "ug/kg/h"
    UG_MIN = "ug/min"
    UG_H = "ug/h"
    U_H = "U/h"

    @property
    def per_kg(self) -> bool:
        """True when the dose is per kilogram of body weight."""
        return "/kg/" in self.value

    @property
    def kind(self) -> AmountKind:
        """Mass or units."""
        return AmountKind.UNITS if self is DoseUnit.U_H else AmountKind.MASS

    @property
    def p_per_h(self) -> int:
        """One of this unit in picograms (or pico-units) per hour (and per kg where ``per_kg``)."""
        return _P_PER_H[self]


_P_PER_H = {
    DoseUnit.MG_H: PG_PER_MG,
    DoseUnit.MG_KG_H: PG_PER_MG,
    DoseUnit.MG_KG_MIN: PG_PER_MG * 60,
    DoseUnit.UG_KG_MIN: PG_PER_UG * 60,
    DoseUnit.UG_KG_H: PG_PER_UG,
    DoseUnit.UG_MIN: PG_PER_UG * 60,
    DoseUnit.UG_H: PG_PER_UG,
    DoseUnit.U_H: PU_PER_U,
}


@dataclass(frozen=True, slots=True)
class DoseRate:
    """Drug per time, maybe per kg: an exact fraction of one ``unit``, 0 or more."""

    amount: Fraction
    unit: DoseUnit

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"dose rate: {self.amount} {self.unit.value} is below 0")

    @classmethod
    def parse(cls, text: str) -> DoseRate:
        """Return the dose rate for text such as ``0.3 mg/kg/h``; ValueError names the units allowed."""
        number, _, unit = text.strip().partition(" ")
        try:
            dose_unit = DoseUnit(unit.strip())
        except ValueError:
            allowed = ", ".join(u.value for u in DoseUnit)
            raise ValueError(f"dose rate {text!r}: the unit must be one of {allowed}") from None
        try:
            value = Decimal(number)
        except InvalidOperation:
            raise ValueError(f"dose rate {text!r}: {number!r} is not a decimal number") from None
        if not value.is_finite():
            raise ValueError(f"dose rate {text!r} is not finite")
        return cls(Fraction(value), dose_unit)

    @property
    def p_per_h(self) -> Fraction:
        """The rate in picograms (or pico-units) per hour, per kg where the unit is."""
        return self.amount * self.unit.p_per_h

    def digits(self, places: int = 3) -> str:
        """Return the amount rounded half up to ``places`` decimals, in plain digits, no trailing zeros."""
        scale = 10**places
        doubled = 2 * self.amount * scale
        count = (doubled.numerator // doubled.denominator + 1) // 2
        return decimal_text(count, scale)

    def __str__(self) -> str:
        return f"{self.digits()} {self.unit.value}"
