"""Whether the goals of reconciliation are met: bounds, and a line for each goal and counter."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction

from tests.core.delivery_trials import RATES_ML_H, TICKS_ML, Found, Seen

SECOND_READING_S = 2.4
"""Two readings a second apart, each with a fifth of jitter."""
STOPPED_S = 60.0
FAST_ML_H = 5
GOAL_PER_1000_H = 1
LET_GO = "free flow of 500 mL/h, counted"


def per_1000_h(seen: int, hours: float) -> float:
    """Return the upper bound at 95 % of false alarms in 1,000 h: 3 / n where none was seen."""
    most: float = {0: 3.0, 1: 4.75, 2: 6.3, 3: 7.76}.get(seen, seen + 2 * math.sqrt(seen) + 2)
    return most / hours * 1000


def bound(seen: int, hours: float) -> str:
    """Return what was seen and its bound, in words."""
    return f"{seen} in {hours:g} h, below {_figure(per_1000_h(seen, hours))}"


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def goals(
    found: Found,
    seen: Seen,
    hours: float,
    slips: Mapping[str, Mapping[str, int | None]],
    roll_overs: Mapping[tuple[str, str], int],
) -> list[str]:
    """Return the table of goals: met, or where they are missed."""
    by_rate = {
        tick: {name: dict(zip(RATES_ML_H, cells, strict=True)) for name, cells in of_tick.items()}
        for tick, of_tick in found.items()
    }
    fast = [rate for rate in RATES_ML_H if Fraction(rate) >= FAST_ML_H]

    def row(goal: str, name: str, limit_s: Callable[[str, str], float], rates: Collection[str]) -> str:
        limits_s = ({rate: limit_s(tick, rate) for rate in rates} for tick in TICKS_ML)
        return _row(
            goal, [_kept(by_rate[tick][name], of) for tick, of in zip(TICKS_ML, limits_s, strict=True)]
        )

    readings = [n for of_rate in slips.values() for n in of_rate.values()]
    late = sum(n is None or n > 2 for n in readings)
    slipped = f"missed: {late} of {len(readings)}" if late else f"met: {len(readings)} of {len(readings)}"
    rolled = [sum(roll_overs[rate, tick] for rate in RATES_ML_H) for tick in TICKS_ML]
    kept = claim(sum(n for of_cell in seen.values() for n in of_cell.values()), len(seen) * hours)
    slow = [rate for rate in RATES_ML_H if rate not in fast]
    return [
        "### Are the goals met?",
        "",
        _row("goal", [f"steps of {tick} mL" for tick in TICKS_ML]),
        "|---" * (len(TICKS_ML) + 1) + "|",
        row("free flow of 500 mL/h by the second reading", LET_GO, _second, RATES_ML_H),
        row("ten times the set rate by the second reading", "ten times the set rate", _second, RATES_ML_H),
        row("silent stop in 60 s at 5 mL/h or more", "silent stop", lambda _tick, _rate: STOPPED_S, fast),
        row("silent stop by three steps below that", "silent stop", _three_steps_s, slow),
        _row("nothing told of a roll-over", [f"missed: {n}" if n else "met" for n in rolled]),
        _row("a setting ten-fold or in a wrong unit by the second reading", [slipped] * len(TICKS_ML)),
        _row("at most 1 false alarm in 1,000 h", [kept] * len(TICKS_ML)),
        "",
    ]


def _second(_tick: str, _rate: str) -> float:
    return SECOND_READING_S


def _three_steps_s(tick: str, rate: str) -> float:
    return float(3 * 3600 * Fraction(tick) / Fraction(rate))


def _row(name: str, cells: Collection[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def claim(seen: int, hours: float) -> str:
    """Return in words whether so many hours show the goal at 95 %, missed it, or are too few."""
    words = f"{bound(seen, hours)} in 1,000 h"
    if per_1000_h(seen, hours) <= GOAL_PER_1000_H:
        return f"met, all cells together: {words}"
    return f"not shown by so few hours: {words}" if not seen else f"missed: {words}"


def _kept(cells: Mapping[str, Collection[float | None]], limits_s: Mapping[str, float]) -> str:
    """Return whether every trial at each rate was told within its limit, or the rates at which not.

    What has two hours and more is never missed by an infusion of two hours.
    """
    missed = [
        rate
        for rate, limit_s in limits_s.items()
        if any((limit_s < 7200 if s is None else s > limit_s) for s in cells[rate])
    ]
    return f"missed at {', '.join(missed)} mL/h" if missed else "met"
