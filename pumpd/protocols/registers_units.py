"""The units a register map may name, each as an exact number of the counts that pumpd reckons in."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction


class Quantity(Enum):
    """What a number in a register is, by the count it is decoded to."""

    FLOW = "flow"
    """Nanolitres per hour."""
    VOLUME = "volume"
    """Nanolitres."""
    PRESSURE = "pressure"
    """Tenths of a kilopascal."""
    CHARGE = "charge"
    """Per cent."""

    @property
    def units(self) -> dict[str, Fraction]:
        """Counts in one of each unit that may be named, in UCUM spelling (``%`` for per cent)."""
        return _UNITS[self]

    @property
    def canonical(self) -> str:
        """The unit in which people read it."""
        return next(iter(_UNITS[self]))

    @property
    def exact(self) -> bool:
        """True when a map must decode to whole counts; others are rounded half up."""
        return self in (Quantity.FLOW, Quantity.VOLUME)


_UNITS = {
    Quantity.FLOW: {
        "mL/h": Fraction(1_000_000),
        "mL/min": Fraction(60_000_000),
        "uL/h": Fraction(1_000),
        "uL/min": Fraction(60_000),
        "nL/h": Fraction(1),
        "nL/min": Fraction(60),
        "L/h": Fraction(1_000_000_000),
    },
    Quantity.VOLUME: {
        "mL": Fraction(1_000_000),
        "uL": Fraction(1_000),
        "nL": Fraction(1),
        "L": Fraction(1_000_000_000),
    },
    Quantity.PRESSURE: {
        "kPa": Fraction(10),
        "Pa": Fraction(1, 100),
        "bar": Fraction(1_000),
        "mbar": Fraction(1),
        "MPa": Fraction(10_000),
        # Standard atmosphere, exactly 101,325 Pa: NIST SP 811 (2008), appendix B.8.
        "atm": Fraction("1013.25"),
        # Conventional millimetre of mercury and pound per square inch: NIST SP 811 (2008), appendix B.8.
        "mm[Hg]": Fraction("1.333224"),
        "[psi]": Fraction("68.94757"),
    },
    Quantity.CHARGE: {"%": Fraction(1)},
}


def half_up(value: Fraction) -> int:
    """Return the nearest whole number, halves upward."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
