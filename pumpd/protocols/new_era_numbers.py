"""Numbers as New Era pumps write them: four digits, of which up to three are decimals, and a unit.

Source: New Era Pump Systems, NE-1000 user manual (publication 1200-01), RS-232 pages 32 to 40; the units of
rate and volume as NESP-Lib 2.0.0 (MIT) reads them.
"""

from __future__ import annotations

from typing import Final

NL_H_PER_UNIT: Final = {"MM": 60_000_000, "MH": 1_000_000, "UM": 60_000, "UH": 1_000}
NL_PER_UNIT: Final = {"ML": 1_000_000, "UL": 1_000}
_MOST_DIGITS: Final = 4


def exact(number: str, unit: str, units: dict[str, int]) -> int | None:
    """Return a number of the pump in nL/h or nL; None where it is none that the pump can say."""
    whole, _, decimals = number.partition(".")
    if unit not in units or not (whole + decimals).isdecimal() or len(whole + decimals) > _MOST_DIGITS:
        return None
    per: int = 10 ** len(decimals)
    return int(whole + decimals) * units[unit] // per


def digits(value: int, unit: int) -> str:
    """Return a value as the pump writes it, rounded down: four digits, up to three of them decimals."""
    places = next((p for p in (3, 2, 1) if value * 10**p // unit < 10**_MOST_DIGITS), 0)
    scaled = str(value * 10**places // unit).rjust(places + 1, "0")
    return f"{scaled[: len(scaled) - places]}.{scaled[len(scaled) - places :]}"


EXAMPLES: Final = (
    # NE-1000 manual 1200-01: the reply 00S1.000MH; NESP-Lib reads 1.500ML
    ("1.000", "MH", NL_H_PER_UNIT, 1_000_000),
    ("1.500", "ML", NL_PER_UNIT, 1_500_000),
)
"""(number, unit, what units are worth, value): both ways."""
