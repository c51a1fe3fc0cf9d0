"""Total dose: an order that would exceed is refused at its beginning, and what goes on is looked at ahead.

Looked at ahead over what is left of the order, never further than a window is long. So a lawful order does
not alarm at its start, and flow that goes on can not fill a window unheard.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from pumpd.core.drug_library import DrugLimits, TotalLimit, TotalOver
from pumpd.core.infusion import Programme
from pumpd.core.quantities import G_PER_KG, NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.total_dose import Course, DoseAccount, most_ahead

PAST_END_NS = 600 * NS_PER_S
"""What flows on after the end of the order is looked at so far ahead."""


class DoseBound(NamedTuple):
    """One limit of the total dose for one patient, in millionths of a picogram (or pico-unit)."""

    over: TotalOver
    window_ns: int | None
    soft_e6_p: int | None
    hard_e6_p: int | None

    @property
    def words(self) -> str:
        """Over what it adds up."""
        if self.window_ns is None:
            return f"in this {self.over.value}"
        return f"within {self.window_ns // NS_PER_H} h"


class Given(NamedTuple):
    """What was given, by whose measure."""

    infusion_e6_p: int
    series_e6_p: int
    account: DoseAccount


def bounds_of(entry: DrugLimits, programme: Programme) -> tuple[DoseBound, ...]:
    """Return the entry's limits of the total dose for this patient, rounded down."""

    def amount(limit: TotalLimit, name: str) -> int | None:
        bound = getattr(limit.amount, name)
        return None if bound is None else int(bound.p_for(programme.weight) * NL_PER_ML)

    return tuple(
        DoseBound(
            limit.over,
            None if limit.window_s is None else limit.window_s * NS_PER_S,
            amount(limit, "soft_max"),
            amount(limit, "hard_max"),
        )
        for limit in entry.totals
    )


def whole_order(programme: Programme, flowed_ns: int = 0, given_nl: int = 0) -> Course | None:
    """Return what the order still allows to be given at its highest dose; None when it names no end."""
    pace = programme.dose_max.p_per_h
    if programme.dose_max.unit.per_kg:
        assert programme.weight is not None
        pace = pace * programme.weight.g / G_PER_KG
    if not pace:
        return Course(pace, 0)
    ends_ns: list[int] = []
    if programme.duration_s is not None:
        ends_ns.append(programme.duration_s * NS_PER_S - flowed_ns)
    if programme.volume is not None:
        left = Fraction((programme.volume.nl - given_nl) * programme.concentration.p_per_ml, NL_PER_ML)
        ends_ns.append(int(left * NS_PER_H / pace))
    return Course(pace, max(0, min(ends_ns))) if ends_ns else None


def worst_e6_p(bound: DoseBound, given: Given, now_ns: int, course: Course) -> Fraction:
    """Return the most that will have been given by the measure of ``bound``, exact."""
    if bound.over is TotalOver.WINDOW:
        return most_ahead(given.account, bound.window_ns, now_ns, course) * NL_PER_ML
    before = given.infusion_e6_p if bound.over is TotalOver.INFUSION else given.series_e6_p
    return before + course.until(course.for_ns) * NL_PER_ML


def passed_by_order(
    bounds: tuple[DoseBound, ...], given: Given, now_ns: int, course: Course | None, *, hard: bool
) -> Iterator[tuple[DoseBound, int, int]]:
    """Yield every limit that the whole order would pass: which, what it comes to, and what is allowed."""
    for bound in bounds:
        limit = bound.hard_e6_p if hard else bound.soft_e6_p
        if limit is None:
            continue
        if course is None:
            yield bound, -1, limit
            continue
        worst = worst_e6_p(bound, given, now_ns, course)
        if worst > limit:
            yield bound, -(-worst.numerator // worst.denominator), limit
