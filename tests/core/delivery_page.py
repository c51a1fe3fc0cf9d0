"""The tables of docs/delivery.md: how soon each fault is told, and how often nothing was wrong.

``make proof`` writes them from full counts; ``python -m tests.core.delivery_page`` does it with a few.
"""

from __future__ import annotations

from fractions import Fraction

from pumpd.core.delivery_rules import INFUSION_S, Fault, detected_within_s, least_rate
from pumpd.core.quantities import FlowRate, Volume
from tests.core.delivery_goals import bound, goals
from tests.core.delivery_trials import (
    RATES_ML_H,
    TICKS_ML,
    TRIALS,
    Found,
    Seen,
    detection,
    false_alarms,
    roll_overs,
    slips,
)
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "delivery.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
"""What stands between them in the page is written by this module."""


def _seconds(found: list[float | None]) -> str:
    """Return median and worst in words, or that it was not told."""
    told = sorted(s for s in found if s is not None)
    if not told:
        return "not within 2 h"
    worst = f"{_short(told[len(told) // 2])} / {_short(told[-1])}"
    return worst if len(told) == len(found) else f"{worst} ({len(told)} of {len(found)})"


def _short(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def widest_step() -> Volume:
    """Return the coarsest step, in microlitres, that tells a silent stop at 5 mL/h in a minute."""

    def within_s(tick_nl: int) -> Fraction:
        return detected_within_s(Fault.SILENT_STOP, FlowRate.parse("5"), Volume(tick_nl), Fraction(1))

    return Volume(max(nl for nl in range(1_000, 100_000, 1_000) if within_s(nl) <= 60))


def tables(found: Found, seen: Seen, hours: float) -> str:
    """Return the tables of the page."""
    head = "| | " + " | ".join(f"{rate} mL/h" for rate in RATES_ML_H) + " |"
    rule = "|---" * (len(RATES_ML_H) + 1) + "|"
    lines: list[str] = []
    for tick, of_tick in found.items():
        trials = len(next(iter(of_tick.values()))[0])
        words = f"Median / worst of {trials} trials; false alarms of the condition that tells it in 1,000 h."
        lines += [f"### Counter in steps of {tick} mL", "", words, "", head, rule]
        for what in TRIALS:
            alarms = [seen[rate, tick].get(what.told_as, 0) for rate in RATES_ML_H]
            cells = [
                f"{_seconds(cell)}; {bound(n, hours)}"
                for cell, n in zip(of_tick[what.name], alarms, strict=True)
            ]
            lines.append(f"| {what.name} | " + " | ".join(cells) + " |")
        sums = [bound(sum(seen[rate, tick].values()), hours) for rate in RATES_ML_H]
        lines += ["| any false alarm | " + " | ".join(sums) + " |", ""]
    return "\n".join(lines)


def limits() -> list[str]:
    """Return below which rate a fault may pass unseen in an infusion of two hours."""
    lines = ["### What may pass unseen in two hours", "", "Below these rates, read once a second:", ""]
    lines += ["| counter step | " + " | ".join(fault.value for fault in Fault) + " |"]
    lines += ["|---" * (len(Fault) + 1) + "|"]
    for tick in TICKS_ML:
        cells = []
        for fault in Fault:
            rate = least_rate(fault, Volume.parse(tick), Fraction(1), INFUSION_S)
            cells.append("any rate" if rate is None else str(rate))
        lines.append(f"| {tick} mL | " + " | ".join(cells) + " |")
    widest = f"At 5 mL/h or more a silent stop is told within 60 s by counters in steps of {widest_step()} or"
    return [*lines, "", widest, "finer, by coarser ones and at lower rates when three steps are due."]


def written(text: str, inside: str) -> str:
    """Return the page with ``inside`` between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{inside}\n{END}{rest.split(END)[1]}"


def write(trials: int, hours: float, seed: int) -> int:
    """Work the tables out, write them into the page and return the number of false alarms."""
    found = {tick: detection(tick, trials, seed) for tick in TICKS_ML}
    cells = [(rate, tick) for tick in TICKS_ML for rate in RATES_ML_H]
    seen = {(rate, tick): false_alarms(rate, tick, hours, seed) for rate, tick in cells}
    slipped = {rate: slips(rate) for rate in RATES_ML_H}
    rolled = {(rate, tick): roll_overs(rate, tick, seed) for rate, tick in cells}
    inside = [tables(found, seen, hours), *goals(found, seen, hours, slipped, rolled), *limits()]
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(text, "\n".join(inside)), encoding="utf-8")
    return sum(of_cell.total() for of_cell in seen.values())


if __name__ == "__main__":
    print(write(5, 10, 1))
