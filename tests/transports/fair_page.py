"""What docs/fair-bus.md shows: ``python -m tests.transports.fair_page`` writes page and picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache

from pumpd.qa.virtual_time import run_virtual
from tests.house.tree import ROOT
from tests.simulator.chart import Panel, picture
from tests.transports.fair_line import (
    EXCHANGE_S,
    INTERVAL_S,
    PUMPS,
    Deaths,
    Seen,
    polled,
    polled_by_stock,
)

PAGE = ROOT / "docs" / "fair-bus.md"
PICTURE = ROOT / "docs" / "img" / "fair-bus.svg"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
FOR_S = 120.0
_FOR_EVER_S = 1e9
_EIGHT = range(1, PUMPS + 1, 4)

CASES: dict[str, Deaths] = {
    "all well": {},
    "1 dead from the start": {7: (0.0, _FOR_EVER_S)},
    "8 dead from the start": dict.fromkeys(_EIGHT, (0.0, _FOR_EVER_S)),
    "31 dead from the start": {unit: (0.0, _FOR_EVER_S) for unit in range(1, PUMPS + 1) if unit != 17},
    "8 die after 20 s, one by one, and return at 60 s": {unit: (20 + unit / 10, 60.0) for unit in _EIGHT},
    "31 die at 20 s and return at 60 s": dict.fromkeys(range(2, PUMPS + 1), (20.0, 60.0)),
}
_HIGHEST_S = 20.0


@cache
def ours(case: str, for_s: float = FOR_S) -> Seen:
    """Return what our bus does in a case."""
    seen, _ = run_virtual(polled(CASES[case], for_s))
    return seen


@cache
def stock(case: str) -> Seen:
    """Return what stock pymodbus does in a case; what it logs of each silence is left out."""
    logger = logging.getLogger("pymodbus.logging")
    was, logger.disabled = logger.disabled, True
    try:
        return run_virtual(polled_by_stock(CASES[case], FOR_S))
    finally:
        logger.disabled = was


def possible(case: str, for_s: float = FOR_S) -> float:
    """Return what share of the time good exchanges could take: every pump that is well, on its interval."""
    well_s = sum(for_s - max(0.0, min(for_s, last) - first) for first, last in CASES[case].values())
    well_s += (PUMPS - len(CASES[case])) * for_s
    return well_s / for_s * EXCHANGE_S / INTERVAL_S


def figures() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| pumps | age, p99 | in intervals | line used | could be | back after | stock pymodbus: age, p99 |"
    yield "|---|---|---|---|---|---|---|"
    for case in CASES:
        seen, other_s = ours(case), stock(case).p99_s()
        back = f"up to {max(seen.rejoined_s.values()):.1f} s" if seen.rejoined_s else ""
        yield (
            f"| {case} | {seen.p99_s():.2f} s | {seen.p99_s() / INTERVAL_S:.2f} "
            f"| {100 * seen.used():.1f} % | {100 * possible(case):.1f} % | {back} | {other_s:.1f} s |"
        )


def drawn() -> str:
    """Return the picture: the oldest reading of a pump that is well, over time."""
    panels = []
    for case in ("1 dead from the start", "8 dead from the start"):
        panel = Panel(case, "s", "oldest reading, s", (0, 20, 40, 60, 80, 100, 120), (0, 5, 10, 15, 20))
        panel.level(2 * INTERVAL_S, "two intervals")
        for seen, label, at in (
            (ours(case), "pumpd", (84.0, 0.7)),
            (stock(case), "stock pymodbus", (78.0, 18.2)),
        ):
            every = seen.worst_s[::5]
            points = [(FOR_S * n / len(every), min(age_s, _HIGHEST_S)) for n, age_s in enumerate(every)]
            panel.line(points, label, at)
        panels.append(panel)
    return picture(panels, "Age of the oldest reading of pumps that are well, beside dead ones")


def page(text: str) -> str:
    """Return ``text`` with its figures computed anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(figures()) + f"\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write page and picture."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    main()
