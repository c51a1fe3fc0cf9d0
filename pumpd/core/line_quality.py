"""How well a pump's line carries what is said on it, over the last ten minutes."""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.quantities import NS_PER_S

WINDOW_NS = 600 * NS_PER_S
MARRED_PERCENT = 1
"""Beyond this share of questions the line wants an engineer; a recommendation of this project."""
LEAST_MARRED = 3
"""One spark is none, however few questions there were."""


class Sample(NamedTuple):
    """What was counted at one moment, since the daemon began."""

    at_ns: int
    asked: int
    marred: int


Quality = tuple[Sample, ...]
"""The samples of the window, and the last one before it; oldest first."""


def sampled(quality: Quality, sample: Sample) -> Quality:
    """Return the samples with one more, without those that the window has left behind."""
    begin_ns = sample.at_ns - WINDOW_NS
    following = (*quality, sample)[1:]
    return (*(s for s, after in zip(quality, following, strict=True) if after.at_ns > begin_ns), sample)


def disturbance(quality: Quality) -> str | None:
    """Return how much of what was asked was marred, when that is too much; empty when it was not.

    None while the samples do not reach back far enough to say that all is well.
    """
    first, last = quality[0], quality[-1]
    asked, marred = last.asked - first.asked, last.marred - first.marred
    if marred >= LEAST_MARRED and marred * 100 > asked * MARRED_PERCENT:
        return f"{marred} of {asked} questions in 10 min"
    return "" if last.at_ns - first.at_ns >= WINDOW_NS else None
