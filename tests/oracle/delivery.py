"""Deviations of a counter from a set rate, worked out a second time: every stretch tried, in fractions.

Imports nothing of pumpd. For readings at one unchanging set rate.
"""

from __future__ import annotations

from fractions import Fraction


def worst_ml(
    readings: list[tuple[Fraction, Fraction]], rate_ml_h: Fraction, band_percent: int, *, too_much: bool
) -> Fraction:
    """Return the most, in mL, by which any stretch up to the last of (seconds, counter in mL) left its band.

    The band lies ``band_percent`` of the due volume above it (too much) or below it; never below 0.
    """
    last_s, last_ml = readings[-1]
    share = 1 + Fraction(band_percent, 100) * (1 if too_much else -1)
    worst = Fraction(0)
    for at_s, counter_ml in readings:
        due = rate_ml_h * (last_s - at_s) / 3600 * share
        moved = last_ml - counter_ml
        worst = max(worst, moved - due if too_much else due - moved)
    return worst


def worst_of_all_ml(
    readings: list[tuple[Fraction, Fraction]], rate_ml_h: Fraction, band_percent: int, *, too_much: bool
) -> Fraction:
    """Return the most that ``worst_ml`` was at any of the readings."""
    return max(
        worst_ml(readings[: at + 1], rate_ml_h, band_percent, too_much=too_much)
        for at in range(len(readings))
    )
