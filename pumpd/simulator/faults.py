"""What goes wrong on a wire: faults of a pump or a line, for a span of time, from a seeded source."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

Arrival = tuple[float, bytes]
"""Seconds later than usual, and the bytes that arrive then."""


class FaultKind(Enum):
    """What happens to a reply."""

    SILENCE = "silence"
    """It never comes, and the pump did nothing."""
    DELAY = "delay"
    """It comes ``delay_s`` later; beyond the time-out that makes it a late reply."""
    DAMAGE = "damage"
    """One to ``most_bits`` of its bits are flipped."""
    TRUNCATE = "truncate"
    """Its end is missing."""
    DUPLICATE = "duplicate"
    """It comes twice, the second time ``delay_s`` later."""
    GARBAGE = "garbage"
    """One to sixteen bytes of noise stand in front of it."""
    EXCEPTION = "exception"
    """The pump refuses with ``exception_code``."""
    FOREIGN = "foreign"
    """The reply of another pump of the line stands in front of it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, from now until ``until_s``."""

    kind: FaultKind
    until_s: float = math.inf
    """On the loop's time."""
    hit_share: float = 1.0
    """How many of the replies it hits, 0 to 1."""
    delay_s: float = 0.0
    exception_code: int = 4
    most_bits: int = 3
    """How many bits damage flips at most."""

    @property
    def ends(self) -> bool:
        """False when it stays until somebody ends it."""
        return self.until_s < math.inf


class FaultDesk:
    """The faults of one line. ``seeded`` makes the same run of faults every time."""

    def __init__(self, seeded: random.Random) -> None:
        self.tally: dict[FaultKind, int] = dict.fromkeys(FaultKind, 0)
        """How often each kind was done, so that a test can say so."""
        self._random = seeded
        self._faults: dict[int | None, list[Fault]] = {}

    def add(self, unit: int | None, fault: Fault) -> None:
        """Let ``fault`` befall one unit, or the whole line with None."""
        self._faults.setdefault(unit, []).append(fault)

    def clear(self, unit: int | None) -> None:
        """End the faults of a unit, or those of the whole line."""
        self._faults.pop(unit, None)

    def standing(self, unit: int, now_s: float) -> list[Fault]:
        """Return the faults that may hit a unit now, those of the whole line first; nothing is drawn."""
        both = [*self._faults.get(None, ()), *self._faults.get(unit, ())]
        return [fault for fault in both if now_s < fault.until_s]

    def drawn(self, unit: int, now_s: float) -> list[Fault]:
        """Return the faults that hit this reply."""
        if not self._faults:
            return []
        hit = []
        for key in (None, unit):
            left = [fault for fault in self._faults.get(key, ()) if now_s < fault.until_s]
            if left:
                self._faults[key] = left
            else:
                self._faults.pop(key, None)
            hit += [
                fault for fault in left if fault.hit_share >= 1 or self._random.random() < fault.hit_share
            ]
        return hit

    def on_the_way(
        self, frame: bytes, faults: list[Fault], foreign: Callable[[], bytes | None]
    ) -> list[Arrival]:
        """Return what arrives instead of ``frame``; ``foreign`` makes another pump's reply, if any."""
        arrivals: list[Arrival] = [(0.0, frame)]
        for fault in faults:
            if fault.kind not in {FaultKind.EXCEPTION, FaultKind.SILENCE}:  # done before there was a reply
                self.tally[fault.kind] += self._strike(fault, arrivals, foreign)
        return arrivals

    def _strike(self, fault: Fault, arrivals: list[Arrival], foreign: Callable[[], bytes | None]) -> bool:
        delay_s, data = arrivals[-1]
        if fault.kind is FaultKind.DELAY:
            arrivals[:] = [(later + fault.delay_s, piece) for later, piece in arrivals]
        elif fault.kind is FaultKind.DAMAGE:
            arrivals[-1] = (delay_s, self._flip(data, fault.most_bits))
        elif fault.kind is FaultKind.TRUNCATE:
            arrivals[-1] = (delay_s, data[: self._random.randrange(len(data))])
        elif fault.kind is FaultKind.DUPLICATE:
            arrivals.append((delay_s + fault.delay_s, data))
        elif fault.kind is FaultKind.GARBAGE:
            arrivals[-1] = (delay_s, self._random.randbytes(self._random.randint(1, 16)) + data)
        elif fault.kind is FaultKind.FOREIGN:
            other = foreign()
            if other is None:
                return False
            arrivals[-1] = (delay_s, other + data)
        return True

    def _flip(self, data: bytes, most_bits: int) -> bytes:
        damaged = bytearray(data)
        for bit in self._random.sample(range(8 * len(data)), self._random.randint(1, most_bits)):
            damaged[bit // 8] ^= 1 << (bit % 8)
        return bytes(damaged)
