"""Orders judged a second time, in doses and pair by pair. Imports nothing of pumpd."""

from __future__ import annotations

from fractions import Fraction


def outside(ml_h: Fraction, mg_ml: Fraction, kg: Fraction, low: Fraction, high: Fraction) -> str:
    """Return whether a rate gives more or less, in mg/kg/h, than is ordered; empty inside the order."""
    dose = ml_h * mg_ml / kg
    return "above" if dose > high else "below" if dose < low else ""


def slip(ml_h: Fraction, low: Fraction, high: Fraction, named: list[tuple[Fraction, Fraction]]) -> set[str]:
    """Return every slip by which ``ml_h`` may have come from an order of ``low`` to ``high`` mL/h.

    ``named`` are the rates that somebody is known to have meant: each from, to.
    """
    if low <= ml_h <= high or ml_h == 0:
        return set()
    found = {f"{n} times the order" for n in (10, 100) if low <= ml_h / n <= high}
    for least, most in named:
        found |= {f"1/{n} of the order" for n in (10, 100) if least <= ml_h * n <= most}
        for n, words in ((60, "minutes for hours"), (1000, "micrograms for milligrams")):
            if least <= ml_h / n <= most or least <= ml_h * n <= most:
                found.add(words)
    return found


def twice(given: list[tuple[str, set[str]]]) -> list[set[int]]:
    """Return for each (drug, marks) which others have the same drug and a mark in common, pair by pair."""
    return [
        {
            other
            for other, (their_drug, theirs) in enumerate(given)
            if other != one and their_drug == drug and theirs & marks
        }
        for one, (drug, marks) in enumerate(given)
    ]
