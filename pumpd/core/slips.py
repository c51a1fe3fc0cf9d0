"""Slips of a digit or a unit in the rate that was set on a pump, against the ordered range."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pumpd.core.infusion import Programme
from pumpd.core.quantities import NL_PER_ML

TENS = (10, 100)
"""The classic slip: 41.7 for 4.17 mL/h (ISMP 2020)."""
UNITS = ((60, "minutes for hours"), (1000, "micrograms for milligrams"))
NARROW = 2
"""An order whose highest flow is at most so many times its lowest names one rate, more or less."""


def slip(rate_nl_h: int, programme: Programme, low_nl_h: int, high_nl_h: int, before_nl_h: int | None) -> str:
    """Return in words how ``rate_nl_h`` may have come about, empty when it is no slip that is known.

    ``low_nl_h`` and ``high_nl_h`` are the ordered range as flows; ``before_nl_h`` is the last rate within it.
    Far above the order any rate whose tenth or hundredth is within it counts; else the rate before, or an
    order that names one rate, says what was meant.
    """
    if low_nl_h <= rate_nl_h <= high_nl_h or rate_nl_h <= 0:
        return ""
    for factor in TENS:
        if low_nl_h * factor <= rate_nl_h <= high_nl_h * factor:
            return f"{factor} times the order"
    for meant_low, meant_high in _meant(low_nl_h, high_nl_h, before_nl_h):
        for factor in TENS:
            if meant_low <= rate_nl_h * factor <= meant_high:
                return f"1/{factor} of the order"
        for factor, words in UNITS:
            if meant_low * factor <= rate_nl_h <= meant_high * factor:
                return words
            if meant_low <= rate_nl_h * factor <= meant_high:
                return words
    number = Fraction(rate_nl_h, NL_PER_ML)
    if programme.dose_min.amount <= number <= programme.dose_max.amount:
        return f"the dose in {programme.unit.value} set as mL/h"
    return ""


def _meant(low_nl_h: int, high_nl_h: int, before_nl_h: int | None) -> Iterator[tuple[int, int]]:
    if before_nl_h is not None:
        yield before_nl_h, before_nl_h
    if high_nl_h <= NARROW * low_nl_h:
        yield low_nl_h, high_nl_h
