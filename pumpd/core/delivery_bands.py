"""How far too much or too little was counted: two bands as in the GPCA model, and the sum of all.

Each sum is the most by which *any* stretch of time up to this reading was off its band (Page's CUSUM): one
good reading takes back only itself, where the GPCA model began its timer anew, and a percentage is exact,
where its integer division made it 0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from pumpd.core.quantities import NS_PER_H, NS_PER_S

GRAINS_PER_NL = 100 * NS_PER_H
"""Sums count grains: a hundredth of nL/h x ns, so that a percent of an exact integral is a whole number."""

FAST_PERCENT = 25
"""Beyond this at once (the outer band of the GPCA model's detector)."""
SLOW_PERCENT = 10
"""Beyond this for SLOW_FOR_NS (GIP v1.0 1.2.2, 1.2.3)."""
SLOW_FOR_NS = 300 * NS_PER_S
"""GIP v1.0 allows 15 min, an eighth to a quarter of a short infusion; Open-PCA 1.0.0 takes 5 min."""
FLOOR_TICKS = 3
"""Nothing smaller than so many counter steps is ever told."""
FLOOR_PERCENT = 5
"""Of all that was delivered so much of the ordered volume may be off (GIP v1.0 1.2.1: +-5 %)."""


class Told(IntEnum):
    """By which rule a deviation is told; a higher one is more urgent."""

    NOTHING = 0
    TOTAL = 1
    """All together more than FLOOR_PERCENT of the ordered volume."""
    SLOW = 2
    """Beyond SLOW_PERCENT for SLOW_FOR_NS."""
    FAST = 3
    """Beyond FAST_PERCENT, and going on."""
    FREE = 4
    """Moving while nothing should."""


class Excess(NamedTuple):
    """How far one side (too much, or too little) is off, in grains; 0 or more."""

    fast_grains: int = 0
    """Beyond FAST_PERCENT."""
    slow_grains: int = 0
    """Beyond SLOW_PERCENT; a single step of the counter counts only as far as the fast band reaches."""
    total_grains: int = 0
    """Beyond the set rate itself."""
    slow_since_ns: int = 0
    """When ``slow_grains`` last left 0."""
    marked_grains: int = 0
    """``fast_grains`` when it passed its floor; 0 while it is below. One jolt stays there, a flow goes on."""
    peak_grains: int = 0
    """The most that ``total_grains`` has been, give or take a counter step."""
    peak_ns: int = 0
    """When it last rose."""
    told: Told = Told.NOTHING
    """Stays until nothing was off for a while."""


NONE = Excess()


class Floors(NamedTuple):
    """What is too small to be told, at this rate and with this counter."""

    tick_grains: int
    """A step of the counter, in grains."""
    margin_grains: int
    """Steps and jitter that a sound counter may show, in grains."""
    total_grains: int
    """What of all that was delivered may be off, in grains."""
    quiet_ns: int
    """After so long without a further deviation the present one has ended."""


def off(
    was: Excess, moved_grains: int, due_nl_ns_per_h: int, floors: Floors, now_ns: int, *, too_much: bool
) -> Excess:
    """Return one side's sums after ``moved_grains`` were counted where ``due_nl_ns_per_h`` were to flow.

    For the side of too much what is due is the most that could be lawful, for the other the least.
    """
    moved, due = moved_grains, due_nl_ns_per_h
    tick, margin, total_floor, quiet_ns = floors
    fast, slow, total, since_ns, marked, peak, peak_ns, told = was
    if too_much:
        outer = (100 + FAST_PERCENT) * due
        fast += moved - outer
        slow += min(moved, outer + tick) - (100 + SLOW_PERCENT) * due
        total += moved - 100 * due
    else:
        fast += (100 - FAST_PERCENT) * due - moved
        slow += (100 - SLOW_PERCENT) * due - moved
        total += 100 * due - moved
    if total <= 0 and slow <= 0 and fast <= 0:
        return NONE
    fast, slow, total = max(0, fast), max(0, slow), max(0, total)
    peak, peak_ns = (total, now_ns) if total > peak + tick else (peak, peak_ns or now_ns)
    if told and now_ns - peak_ns >= quiet_ns:
        return NONE  # it is over: what comes next is judged for itself
    marked = (marked or fast) if fast > margin else 0
    since_ns = (since_ns or now_ns) if slow else 0
    if moved if too_much else due:  # what stands still shows nothing new
        rule = Told.NOTHING
        if marked and fast > marked + tick:
            rule = Told.FAST
        elif slow > margin and now_ns - since_ns >= SLOW_FOR_NS:
            rule = Told.SLOW
        elif total > total_floor:
            rule = Told.TOTAL
        # Something that was over by the next reading (a flush of a second) does not flow freely.
        told = max(told, rule if due or rule is Told.TOTAL or not rule else Told.FREE)
    return Excess(fast, slow, total, since_ns, marked, peak, peak_ns, told)
