"""Rules of the core worked out a second time, each from the whole history. Imports nothing of pumpd."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate


def blind_s(ml_per_kpa: Fraction, limit_kpa: Fraction, rests_kpa: Fraction, ml_h: Fraction) -> Fraction:
    """Return after how many seconds a closed line of this compliance reaches the limit."""
    return max(Fraction(0), (limit_kpa - rests_kpa) * ml_per_kpa / ml_h * 3600)


def gap_left_ml(moved_ml: Fraction, ml_h: Fraction, gap_s: Fraction, tick_ml: Fraction) -> Fraction:
    """Return what is left of the margin after a gap: below 0 the counter does not account for it.

    Three steps, a second of lag and 5 % of what was due may be missing or too much.
    """
    due_ml = ml_h * gap_s / 3600
    return 3 * tick_ml + ml_h / 3600 + due_ml / 20 - abs(moved_ml - due_ml)


def bolus_ml(ml_h: Fraction, begun_s: Fraction, ended_s: Fraction, at_s: Fraction) -> Fraction:
    """Return what a bolus from one time to another has given up to a moment."""
    return ml_h * max(Fraction(0), min(at_s, ended_s) - begun_s) / 3600


def starts_after(history: list[tuple[int, set[str], bool]], within_s: int) -> dict[str, int]:
    """Return how often each alarm was started after, in the last ``within_s`` up to the last entry.

    ``history`` holds (at s, alarms while it stands, started), oldest first.
    """
    now_s = history[-1][0]
    counts: dict[str, int] = {}
    stopped_by: set[str] = set()
    for at_s, alarms, started in history:
        if not started:
            stopped_by |= alarms
            continue
        for alarm in stopped_by:
            if now_s - at_s <= within_s:
                counts[alarm] = counts.get(alarm, 0) + 1
        stopped_by = set()
    return counts


def two_of_three(broken: list[bool | None]) -> bool:
    """Return whether something that needs two of three readings stands after these; None: none was judged.

    It comes with the second of three, by a reading that breaks it, and goes when none of three did.
    """
    stands, judged = False, [one for one in broken if one is not None]
    for last in range(len(judged)):
        three = judged[max(0, last - 2) : last + 1]
        if judged[last] and sum(three) >= 2:
            stands = True
        elif not any(three):
            stands = False
    return stands


def next_look_min(intervals: list[tuple[int, int | None]], looked_min: Fraction | None) -> int | None:
    """Return the first moment that no look counts for, of (every min, until min) one after the other."""
    begins = 0
    for every, until in intervals:
        moment = begins + every
        while until is None or moment <= until:
            if looked_min is None or looked_min < 0 or looked_min + Fraction(every, 2) < moment:
                return moment
            moment += every
        begins = until
    return None


def marred(samples: list[tuple[int, int, int]], window_s: int) -> tuple[int, int]:
    """Return (asked, marred) of the last ``window_s`` of samples (at s, asked, marred), from their sum."""
    last = samples[-1]
    before = [one for one in samples if one[0] <= last[0] - window_s]
    first = before[-1] if before else samples[0]
    return last[1] - first[1], last[2] - first[2]


def stands(readings: list[tuple[Fraction, bool | None]], delay_s: int, clear_s: int) -> bool:
    """Return whether a condition with a delay stands after readings of (at s, broken; None: not judged).

    Bad time counts in full, good time takes half of itself back, time that ends in no judgement neither. It
    is forgotten when nothing is left and ``clear_s`` were good; what stands ends when ``clear_s`` were good.
    """
    is_on, good_s = False, Fraction(0)
    spans: list[Fraction] = []
    before_s = readings[0][0]
    for at_s, broken in readings:
        span, before_s = at_s - before_s, at_s
        if broken:
            good_s = Fraction(0)
            spans.append(span if spans else Fraction(0))
        elif broken is False and spans:
            good_s += span
            spans.append(-span / 2)
        else:
            continue
        # What the walk, held at nought from below, has come to: the most that any of its ends adds up to.
        held_s = max(Fraction(0), *accumulate(reversed(spans)))
        is_on = is_on or (broken and held_s >= delay_s)
        if good_s >= clear_s and (is_on or held_s == 0):
            is_on, spans = False, []
    return is_on
