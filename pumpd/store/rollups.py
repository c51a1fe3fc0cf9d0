"""Which roll-up answers a question: pure arithmetic over aligned spans of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

READINGS = 1
"""The level of single readings: every millisecond is a span of its own."""
LEVELS_MS = (READINGS, 10_000, 300_000)
"""Lengths of the spans that are kept, finest first; each divides the next."""


@dataclass(frozen=True, slots=True)
class Span:
    """Time [start, end) answered from one level; both ends are multiples of the level."""

    level_ms: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Output buckets: bucket ``i`` is [origin + i x width, origin + (i + 1) x width)."""

    origin_ms: int
    width_ms: int
    count: int
    finest_ms: int
    """Origin and width are multiples of it."""

    def bucket(self, number: int) -> tuple[int, int]:
        """Return the start and the end of one bucket."""
        start_ms = self.origin_ms + number * self.width_ms
        return start_ms, start_ms + self.width_ms


def floor_to(at_ms: int, level_ms: int) -> int:
    """Return the start of the span of ``level_ms`` that holds ``at_ms``."""
    return at_ms // level_ms * level_ms


def grid(start_ms: int, end_ms: int, buckets: int, finest_ms: int) -> Grid:
    """Return at most ``buckets`` buckets over [start, end), none finer than ``finest_ms``.

    Where only roll-ups of that length are left, no roll-up lies across two buckets. ValueError unless
    start < end and buckets > 0.
    """
    if not start_ms < end_ms or buckets < 1:
        raise ValueError(f"a trend needs start < end and a bucket or more: {start_ms}, {end_ms}, {buckets}")
    origin_ms = floor_to(start_ms, finest_ms)
    width_ms = -(-(end_ms - origin_ms) // (buckets * finest_ms)) * finest_ms
    return Grid(origin_ms, width_ms, -(-(end_ms - origin_ms) // width_ms), finest_ms)


def cover(start_ms: int, end_ms: int, kept: Sequence[Span]) -> list[Span]:
    """Return the spans that answer [start, end) in time order, each from the first of ``kept`` that can.

    ``kept`` is what each level holds, the preferred first. Nothing is counted twice; what no level holds
    is left out.
    """
    if start_ms >= end_ms or not kept:
        return []
    first, rest = kept[0], kept[1:]
    inner_start = max(-(-start_ms // first.level_ms) * first.level_ms, first.start_ms)
    inner_end = min(floor_to(end_ms, first.level_ms), first.end_ms)
    if inner_start >= inner_end:
        return cover(start_ms, end_ms, rest)
    return [
        *cover(start_ms, inner_start, rest),
        Span(first.level_ms, inner_start, inner_end),
        *cover(inner_end, end_ms, rest),
    ]
