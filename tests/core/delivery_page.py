"""The tables of docs/delivery.md: how soon each fault is told, and how often nothing was wrong.

``make proof`` writes them from full counts; ``python -m tests.core.delivery_page`` does it with a few.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_rules import INFUSION_S, Fault, detected_within_s, least_rate
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, FlowRate, Volume
from pumpd.simulator.mechanism import IDEAL
from tests.core.delivery_scene import Bench, live
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "delivery.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
"""What stands between them in the page is written by this module."""

RATES_ML_H = ("0.05", "0.1", "0.5", "1", "5", "10", "50")
TICKS_ML = ("0.001", "0.01", "0.1")
UNHEARD = frozenset({ConditionId.COUNTER_RESET})
"""An engineer's condition that the nurse's resets of the counter do raise."""


def _nl(ml: str) -> int:
    return round(Fraction(ml) * NL_PER_ML)


def _dead(bench: Bench) -> None:
    bench.model.pause()
    bench.dead = True


def _free(bench: Bench) -> None:
    bench.model.press_stop()
    bench.run(30)
    bench.free_nl_h = bench.rate_nl_h


def _share(percent: int) -> Callable[[Bench], None]:
    def act(bench: Bench) -> None:
        bench.share_percent = percent
        bench.set_rate(bench.rate_nl_h)

    return act


def _frozen(bench: Bench) -> None:
    bench.frozen = True


def _reset(bench: Bench) -> None:
    bench.model.reset_counter()


@dataclass(frozen=True)
class Trial:
    """A fault, and the condition that tells it."""

    name: str
    begins: Callable[[Bench], None]
    told_as: ConditionId


TRIALS = (
    Trial("free flow at this rate, counted", _free, ConditionId.FREE_FLOW),
    Trial("ten times the set rate", _share(1000), ConditionId.OVER_INFUSION),
    Trial("twice the set rate", _share(200), ConditionId.OVER_INFUSION),
    Trial("20 % too much", _share(120), ConditionId.OVER_INFUSION),
    Trial("drift of 7 % upwards", _share(107), ConditionId.OVER_INFUSION),
    Trial("silent stop", _dead, ConditionId.SILENT_STOP),
    Trial("half of the set rate", _share(50), ConditionId.UNDER_INFUSION),
    Trial("20 % too little", _share(80), ConditionId.UNDER_INFUSION),
    Trial("frozen counter", _frozen, ConditionId.COUNTER_FROZEN),
    Trial("counter begins anew (pump restarted)", _reset, ConditionId.COUNTER_RESET),
)


def trial(what: Trial, rate_nl_h: int, tick_nl: int, seed: int) -> float | None:
    """Return after how many seconds the fault is told; None when it is not within two hours."""
    bench = Bench(rate_nl_h, tick_nl, seed=seed, mechanism=IDEAL)
    bench.model.programme(rate_nl_h * (int(INFUSION_S) + 800) // 3600 + 2 * tick_nl)
    bench.model.press_start()
    # Long enough that its counter shows something, and at any phase of a step.
    bench.read_after(2 * tick_nl * NS_PER_H // rate_nl_h)
    bench.run(60 + random.Random(seed).uniform(0, min(600, 3600 * tick_nl / rate_nl_h)))
    assert set(bench.episodes) == set()
    what.begins(bench)
    return bench.until(lambda told: what.told_as in told, float(INFUSION_S))


def _seconds(found: list[float | None]) -> str:
    """Return median and worst in words, or that it was not told."""
    told = sorted(s for s in found if s is not None)
    if not told:
        return "not within 2 h"
    worst = f"{_short(told[len(told) // 2])} / {_short(told[-1])}"
    return worst if len(told) == len(found) else f"{worst} ({len(told)} of {len(found)})"


def _short(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def detection(tick_ml: str, trials: int, seed: int) -> dict[str, list[list[float | None]]]:
    """Return, for each fault, the times of ``trials`` trials at each rate."""
    return {
        what.name: [
            [trial(what, _nl(rate), _nl(tick_ml), seed + 1000 * n) for n in range(trials)]
            for rate in RATES_ML_H
        ]
        for what in TRIALS
    }


def false_alarms(rate: str, tick_ml: str, hours: float, seed: int) -> int:
    """Return how often a nurse is called to a sound pump in busy hands in so many simulated hours."""
    bench = Bench(_nl(rate), _nl(tick_ml), seed=seed)
    live(bench, hours)
    return sum(n for condition, n in bench.episodes.items() if condition not in UNHEARD)


def per_1000_h(seen: int, hours: float) -> float:
    """Return the upper bound at 95 % of false alarms in 1,000 h: 3 / n where none was seen."""
    most: float = {0: 3.0, 1: 4.75, 2: 6.3, 3: 7.76}.get(seen, seen + 2 * math.sqrt(seen) + 2)
    return most / hours * 1000


def bound(seen: int, hours: float) -> str:
    """Return what was seen and its bound, in words."""
    return f"{seen} in {hours:g} h, below {_figure(per_1000_h(seen, hours))}"


def goal(seen: Collection[int], hours: float) -> str:
    """Return in words of how much the hours of all cells, and of each alone, show that the goal is kept."""
    alone = sum(per_1000_h(of_cell, hours) <= 1 for of_cell in seen)
    if per_1000_h(sum(seen), len(seen) * hours) > 1:
        return "not shown by so few hours" if not any(seen) else "missed"
    return f"shown for all cells together, and for {alone} of {len(seen)} alone: one cell has {hours:g} h"


def widest_step() -> Volume:
    """Return the coarsest step, in microlitres, that tells a silent stop at 5 mL/h in a minute."""

    def within_s(tick_nl: int) -> Fraction:
        return detected_within_s(Fault.SILENT_STOP, FlowRate.parse("5"), Volume(tick_nl), Fraction(1))

    return Volume(max(nl for nl in range(1_000, 100_000, 1_000) if within_s(nl) <= 60))


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def tables(
    found: Mapping[str, Mapping[str, list[list[float | None]]]],
    seen: Mapping[tuple[str, str], int],
    hours: float,
) -> str:
    """Return the tables of the page."""
    head = "| | " + " | ".join(f"{rate} mL/h" for rate in RATES_ML_H) + " |"
    rule = "|---" * (len(RATES_ML_H) + 1) + "|"
    lines: list[str] = []
    for tick, of_tick in found.items():
        trials = len(next(iter(of_tick.values()))[0])
        lines += [
            f"### Counter in steps of {tick} mL",
            "",
            f"Median and worst of {trials} trials, read once a second.",
            "",
            head,
            rule,
        ]
        lines += [f"| {name} | " + " | ".join(map(_seconds, cells)) + " |" for name, cells in of_tick.items()]
        cells = [bound(seen[rate, tick], hours) for rate in RATES_ML_H]
        lines += ["| false alarms, in 1,000 h at 95 % | " + " | ".join(cells) + " |", ""]
    lines += [f"All together: {bound(sum(seen.values()), len(seen) * hours)} in 1,000 h.", ""]
    lines += [f"The goal, at most 1 in 1,000 h, is {goal(seen.values(), hours)}.", ""]
    return "\n".join([*lines, *limits()])


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
    seen = {(rate, tick): false_alarms(rate, tick, hours, seed) for tick in TICKS_ML for rate in RATES_ML_H}
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(text, tables(found, seen, hours)), encoding="utf-8")
    return sum(seen.values())


if __name__ == "__main__":
    print(write(5, 10, 1))
