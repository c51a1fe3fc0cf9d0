"""From the motor to the outlet: how far it has moved, and what it has pushed out on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pumpd.core.quantities import NS_PER_H
from pumpd.simulator.mechanism import Mechanism


@dataclass(slots=True)
class Drive:
    """The moving parts. What is pushed out follows from ``moved_nl_ns_h`` and the last standstill alone."""

    mechanism: Mechanism
    moved_nl_ns_h: int = 0
    """What the motor has moved while it had hold of the fluid."""
    _swept_from_nl: int = 0
    _pushed_from_nl: int = 0
    _slack_nl: int = 0
    _softness: float = 0.0
    _plain: bool = field(default=True, init=False)
    _when: dict[int, int] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self._plain = self.mechanism.plain
        self.put_in()

    @property
    def moved_nl(self) -> int:
        """Whole nanolitres that the motor has moved."""
        return self.moved_nl_ns_h // NS_PER_H

    def pushed_nl(self) -> int:
        """Return what has come out of it, in whole nanolitres; it never falls."""
        return self._pushed_at(self.moved_nl_ns_h // NS_PER_H)

    def _pushed_at(self, moved_nl: int) -> int:
        if self._plain:
            return moved_nl
        beyond_nl = self.mechanism.swept_nl(moved_nl) - self._swept_from_nl - self._slack_nl
        if beyond_nl <= 0:
            return self._pushed_from_nl
        return self._pushed_from_nl + beyond_nl - round(self._given_nl(beyond_nl))

    def _given_nl(self, beyond_nl: int) -> float:
        """Return what the rubber has swallowed."""
        soft_nl = self.mechanism.soft_nl
        return self._softness * soft_nl * -math.expm1(-beyond_nl / soft_nl) if soft_nl else 0.0

    def moved_when(self, pushed_nl: int) -> int:
        """Return the least movement, in nL, at which ``pushed_nl`` have come out."""
        if self._plain:
            return pushed_nl
        found = self._when.get(pushed_nl)
        if found is None:
            if len(self._when) > 50:
                self._when.clear()
            found = self._when[pushed_nl] = self._search(pushed_nl)
        return found

    def _search(self, pushed_nl: int) -> int:
        low, step = self.moved_nl, 1
        if self._pushed_at(low) >= pushed_nl:
            return low
        while self._pushed_at(low + step) < pushed_nl:
            low, step = low + step, 2 * step
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if self._pushed_at(middle) < pushed_nl:
                low = middle
            else:
                high = middle
        return high

    def put_in(self) -> None:
        """Take a fresh syringe or set: all its free play lies ahead."""
        self._rest(self.mechanism.slack_nl, 1.0 if self.mechanism.slack_nl else 0.0)

    def stand_still(self) -> None:
        """Come to a standstill: some free play and give come back."""
        beyond_nl = self.mechanism.swept_nl(self.moved_nl) - self._swept_from_nl - self._slack_nl
        softness = self._softness
        if beyond_nl > 0 and self.mechanism.soft_nl:
            softness *= math.exp(-beyond_nl / self.mechanism.soft_nl)
        self._rest(
            max(-beyond_nl, self.mechanism.restart_slack_nl),
            max(softness, self.mechanism.restart_soft_permille / 1000),
        )

    def _rest(self, slack_nl: int, softness: float) -> None:
        if self._plain:
            return
        self._pushed_from_nl = self.pushed_nl()
        self._swept_from_nl = self.mechanism.swept_nl(self.moved_nl)
        self._slack_nl, self._softness = slack_nl, softness
        self._when.clear()
