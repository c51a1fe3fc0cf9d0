"""Roll-ups of 10 s and 5 min as lines of their own: lowest, highest, sum and count of each series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pumpd.store.line_protocol import ROLLUPS, Point
from pumpd.store.rising import NS_PER_MS
from pumpd.store.rollups import LEVELS_MS, floor_to

_FINE_MS, _COARSE_MS = LEVELS_MS[1:]


@dataclass(slots=True)
class _Part:
    """What is added up of one span so far; a span may be told in several parts, which add up."""

    span_ms: int
    """Where the span begins."""
    time_ns: int
    """When the first reading was: the time of its point, so that a longer telling overwrites a shorter."""
    sums: dict[str, list[float]] = field(default_factory=dict)
    """Lowest, highest, sum and count by series."""

    def line(self, level_ms: int, tags: str) -> str:
        said = ",".join(
            f"{name}_low={low!r},{name}_high={high!r},{name}_total={total!r},{name}_n={count:.0f}"
            for name, (low, high, total, count) in self.sums.items()
        )
        return f"{ROLLUPS[level_ms]}{tags} {said} {self.time_ns}"


class RollUps:
    """Adds up readings as they pass; what is open at the end is told as a part."""

    def __init__(self) -> None:
        self._fine: dict[str, _Part] = {}
        self._coarse: dict[str, _Part] = {}

    def add(self, point: Point) -> Iterator[str]:
        """Take one reading; yield the lines of the span that it ended."""
        at_ms = point.time_ns // NS_PER_MS
        part = self._fine.get(point.tags)
        if part is not None and not part.span_ms <= at_ms < part.span_ms + _FINE_MS:
            yield from self._end(point.tags, part)
            part = None
        if part is None:
            part = self._fine[point.tags] = _Part(floor_to(at_ms, _FINE_MS), point.time_ns)
        sums = part.sums
        for name, value in point.fields.items():
            known = sums.get(name)
            if known is None:
                sums[name] = [value, value, value, 1]
                continue
            if value < known[0]:
                known[0] = value
            elif value > known[1]:
                known[1] = value
            known[2] += value
            known[3] += 1

    def sweep(self, now_ms: int) -> Iterator[str]:
        """Yield the lines of spans that ended a while ago, of channels that say nothing any more."""
        for tags, part in list(self._fine.items()):
            if part.span_ms + 2 * _FINE_MS <= now_ms:
                del self._fine[tags]
                yield from self._end(tags, part)

    def all_open(self) -> Iterator[str]:
        """Yield the lines of every span that is still open, and forget them."""
        while self._fine:
            yield from self._end(*self._fine.popitem())

    def _end(self, tags: str, part: _Part) -> Iterator[str]:
        if not part.sums:
            return
        yield part.line(_FINE_MS, tags)
        span_ms = floor_to(part.span_ms, _COARSE_MS)
        coarse = self._coarse.get(tags)
        if coarse is None or coarse.span_ms != span_ms:
            coarse = self._coarse[tags] = _Part(span_ms, part.time_ns)
        for name, (low, high, total, count) in part.sums.items():
            known = coarse.sums.get(name)
            coarse.sums[name] = (
                [low, high, total, count]
                if known is None
                else [min(low, known[0]), max(high, known[1]), total + known[2], count + known[3]]
            )
        yield coarse.line(_COARSE_MS, tags)
