"""A lower rate worked out a second time, from doses, in fractions. Imports nothing of pumpd."""

from __future__ import annotations

from fractions import Fraction


def down_to_step(ml_h: Fraction, step_ml_h: Fraction) -> Fraction:
    """Return the highest multiple of the step that is not above ``ml_h``."""
    return ml_h - ml_h % step_ml_h


def asked_ml_h(
    doses: list[Fraction], mg_ml: Fraction, kg: Fraction, step_ml_h: Fraction, ceiling_ml_h: Fraction
) -> Fraction:
    """Return the highest rate that gives no more than any of ``doses`` (mg/kg/h), nor than the ceiling."""
    return min(ceiling_ml_h, *(down_to_step(dose * kg / mg_ml, step_ml_h) for dose in doses))


def written_ml_h(
    asked: Fraction, shows: Fraction, step_ml_h: Fraction, highest_ml_h: Fraction
) -> Fraction | None:
    """Return what a running pump that shows it is set to ``shows`` is set to; None: nothing is written."""
    rate = min(down_to_step(asked, step_ml_h), highest_ml_h)
    return rate if 0 < rate < shows else None
