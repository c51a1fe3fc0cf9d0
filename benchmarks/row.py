"""One line of the page of figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its goal."""

    what: str
    measured: str
    goal: str
    reached: bool | None
    """None for a figure without a goal, told for the ratio's sake."""
    said: str = ""


def verdict(row: Row) -> str:
    """Return whether a goal was reached; nothing where there is none."""
    return "" if row.reached is None else "reached" if row.reached else "MISSED"
