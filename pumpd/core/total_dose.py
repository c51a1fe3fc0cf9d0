"""How much drug a patient got in any stretch of time, and will have got: exact, and looked at ahead.

What is still to come counts, not only what was given: a bolus that is lawful beside what was delivered so
far, and not beside a full window of what goes on, is the overdose that Open-PCA 1.0.0's first rule allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, Concentration, FlowRate

STRETCH_NS = 60 * 1_000_000_000
"""What is given evenly is kept as one stretch, of at most this length: 1,440 a day."""


def amount_e6_p(nl: int, concentration: Concentration) -> int:
    """Return the drug in ``nl`` nanolitres, in millionths of a picogram (or pico-unit), exact."""
    return nl * concentration.p_per_ml


def pace_p_h(flow: FlowRate, concentration: Concentration) -> Fraction:
    """Return what ``flow`` gives, in picograms (or pico-units) per hour, exact."""
    return Fraction(flow.nl_per_h * concentration.p_per_ml, NL_PER_ML)


@dataclass(frozen=True, slots=True)
class Stretch:
    """An amount given evenly from one time to another; a bolus may take no time."""

    begun_ns: int
    ended_ns: int
    amount_e6_p: int

    def __post_init__(self) -> None:
        if self.ended_ns < self.begun_ns or self.amount_e6_p < 0:
            raise ValueError("stretch: ends before it begins, or gives less than nothing")

    def since(self, at_ns: int) -> Fraction:
        """Return what of it was given from ``at_ns`` on, in picograms."""
        if at_ns <= self.begun_ns:
            return Fraction(self.amount_e6_p, NL_PER_ML)
        if at_ns >= self.ended_ns:
            return Fraction(0)
        left_ns = self.ended_ns - at_ns
        return Fraction(self.amount_e6_p * left_ns, NL_PER_ML * (self.ended_ns - self.begun_ns))


class DoseAccount(NamedTuple):
    """What was given, oldest first and without overlap; what left the longest window is only summed up."""

    keep_ns: int
    """The longest window asked about; 0: only the sum of all."""
    before: tuple[Stretch, ...] = ()
    """What is kept, but for the newest: 1,440 a day, that no reading copies."""
    newest: Stretch | None = None
    """The stretch that still grows; None while nothing is kept."""
    kept_e6_p: int = 0
    """The sum of ``stretches``: no window can hold more."""
    total_e6_p: int = 0
    """Everything since the beginning."""
    flow_nl_h: int = -1
    """At what rate the newest stretch was given: the same rate goes on in it."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All that is kept, oldest first."""
        return self.before if self.newest is None else (*self.before, self.newest)

    def with_stretches(self, kept: Sequence[Stretch]) -> DoseAccount:
        """Return the account with ``kept``, oldest first, instead of what it keeps; sums stay as they are."""
        return self._replace(before=tuple(kept[:-1]), newest=kept[-1] if kept else None)

    def plus(self, stretch: Stretch, flow_nl_h: int) -> DoseAccount:
        """Return the account with ``stretch`` at its end, given at the rate ``flow_nl_h``.

        ValueError when it begins before what is already there has ended.
        """
        newest = self.newest
        if newest is not None and stretch.begun_ns < newest.ended_ns:
            raise ValueError("dose account: a stretch begins before the last one has ended")
        total_e6_p = self.total_e6_p + stretch.amount_e6_p
        if not self.keep_ns:
            return self._replace(total_e6_p=total_e6_p)
        kept_e6_p = self.kept_e6_p + stretch.amount_e6_p
        if (
            newest is not None
            and flow_nl_h == self.flow_nl_h
            and stretch.begun_ns == newest.ended_ns
            and stretch.ended_ns - newest.begun_ns <= STRETCH_NS
        ):
            joined = Stretch(newest.begun_ns, stretch.ended_ns, newest.amount_e6_p + stretch.amount_e6_p)
            return DoseAccount(self.keep_ns, self.before, joined, kept_e6_p, total_e6_p, flow_nl_h)
        kept = self.stretches
        first_ns = stretch.ended_ns - self.keep_ns
        past = 0
        while past < len(kept) and kept[past].ended_ns < first_ns:
            kept_e6_p -= kept[past].amount_e6_p
            past += 1
        return DoseAccount(self.keep_ns, kept[past:], stretch, kept_e6_p, total_e6_p, flow_nl_h)

    def given(self, window_ns: int | None, now_ns: int) -> Fraction:
        """Return what was given in the last ``window_ns``, or in all, in picograms (or pico-units)."""
        if window_ns is None:
            return Fraction(self.total_e6_p, NL_PER_ML)
        oldest = self.before[0] if self.before else self.newest
        if oldest is None or now_ns - window_ns <= oldest.begun_ns:
            return Fraction(self.kept_e6_p, NL_PER_ML)
        return sum((s.since(now_ns - window_ns) for s in self.stretches), Fraction(0))


@dataclass(frozen=True, slots=True)
class Course:
    """What is to come: a rate that goes on for a time, and perhaps a bolus now."""

    pace_p_h: Fraction
    for_ns: int
    """How long it goes on, 0 or more."""
    bolus_p: Fraction = Fraction(0)

    def until(self, ahead_ns: int) -> Fraction:
        """Return what will have been given after ``ahead_ns``, in picograms (or pico-units)."""
        return self.bolus_p + self.pace_p_h * min(ahead_ns, self.for_ns) / NS_PER_H


def most_ahead(account: DoseAccount, window_ns: int | None, now_ns: int, course: Course) -> Fraction:
    """Return the most that any window ending between now and the end of ``course`` will hold.

    It looks ahead over the shorter of course and window: beyond, no window holds more. ``window_ns`` None
    is a limit on everything that was and will be given.
    """
    if window_ns is None:
        return account.given(None, now_ns) + course.until(course.for_ns)
    held = _held(account, window_ns, now_ns, course)
    return max(held(point) for point in _bends(account, window_ns, now_ns, course))


def _bends(account: DoseAccount, window_ns: int | None, now_ns: int, course: Course) -> list[int]:
    """Return the moments ahead, in order, between which what leaves the window and what comes in is even."""
    if window_ns is None:
        return [0, course.for_ns]
    ahead_ns = min(course.for_ns, window_ns)
    ends = {stretch.begun_ns for stretch in account.stretches} | {s.ended_ns for s in account.stretches}
    points = {0, ahead_ns} | {at_ns + window_ns - now_ns for at_ns in ends}
    return sorted(point for point in points if 0 <= point <= ahead_ns)


def _held(
    account: DoseAccount, window_ns: int | None, now_ns: int, course: Course
) -> Callable[[int], Fraction]:
    """Return what says how much the window holds so many ns ahead."""
    if window_ns is None:
        return lambda ahead_ns: account.given(None, now_ns) + course.until(ahead_ns)
    stretches = account.stretches
    ended_ns = [stretch.ended_ns for stretch in stretches]
    after_e6_p = [0]
    for stretch in reversed(stretches):
        after_e6_p.append(after_e6_p[-1] + stretch.amount_e6_p)
    after_e6_p.reverse()

    def held(ahead_ns: int) -> Fraction:
        first_ns = now_ns + ahead_ns - window_ns
        at = bisect_left(ended_ns, first_ns)
        if at == len(stretches):
            return course.until(ahead_ns)
        return (
            stretches[at].since(first_ns) + Fraction(after_e6_p[at + 1], NL_PER_ML) + course.until(ahead_ns)
        )

    return held


def may_exceed(
    account: DoseAccount, limit_p: Fraction, window_ns: int | None, now_ns: int, course: Course
) -> bool:
    """Return whether ``course`` takes the patient above ``limit_p``; what is exactly the limit does not.

    Quick while far from the limit: no window holds more than all that is kept and all that is to come.
    """
    held_e6_p = account.total_e6_p if window_ns is None else account.kept_e6_p
    ahead_ns = course.for_ns if window_ns is None else min(course.for_ns, window_ns)
    if Fraction(held_e6_p, NL_PER_ML) + course.until(ahead_ns) <= limit_p:
        return False
    return most_ahead(account, window_ns, now_ns, course) > limit_p


def exceeds_in_ns(
    account: DoseAccount, limit_p: Fraction, window_ns: int | None, now_ns: int, course: Course
) -> int | None:
    """Return after how many ns the limit is passed if ``course`` goes on, None when it never is."""
    if not may_exceed(account, limit_p, window_ns, now_ns, course):
        return None

    held = _held(account, window_ns, now_ns, course)
    if held(0) > limit_p:
        return 0
    for before, after in pairwise(_bends(account, window_ns, now_ns, course)):
        low, high = held(before), held(after)
        if high > limit_p:
            share = (limit_p - low) / (high - low)
            return before + int(share * (after - before))
    return None


def account_of(stretches: Iterable[Stretch], keep_ns: int) -> DoseAccount:
    """Return the account of what an earlier run kept."""
    account = DoseAccount(keep_ns)
    for stretch in stretches:
        account = account.plus(stretch, -1)
    return account
