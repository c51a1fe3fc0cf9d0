"""What keeps a pump alive: mains, a battery with its curve, and how fast it drains."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class BatteryTraits:
    """What a battery is like."""

    life_ns: int
    """How long it runs the motor when full."""
    idle_percent: int = 100
    """What it gives while nothing flows, of what it gives while something does."""
    charge_factor: int = 2
    """How much faster it fills on mains than it empties."""
    curve: tuple[tuple[int, int], ...] = ((0, 0), (100, 100))
    """Charge and what the pump shows for it, in percent, both rising from 0 to 100."""

    def __post_init__(self) -> None:
        ends = (self.curve[0], self.curve[-1]) if self.curve else ()
        if ends != ((0, 0), (100, 100)) or any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(self.curve)):
            raise ValueError("a battery's curve rises from (0, 0) to (100, 100)")

    def shown_percent(self, charge_ns: int) -> int:
        """Return what the gauge shows, rounded down; an empty battery alone shows 0 for certain."""
        if charge_ns >= self.life_ns:
            return 100
        for (low, low_shown), (high, high_shown) in pairwise(self.curve):
            if 100 * charge_ns <= high * self.life_ns:
                above_ns = 100 * charge_ns - low * self.life_ns
                return low_shown + above_ns * (high_shown - low_shown) // ((high - low) * self.life_ns)
        return 100


@dataclass(slots=True)
class Battery:
    """How much is left, counted so finely that no rounding depends on how time is cut."""

    traits: BatteryTraits
    _left: int = -1

    def __post_init__(self) -> None:
        if self._left < 0:
            self._left = 100 * self.traits.life_ns

    @property
    def empty(self) -> bool:
        """True when nothing is left."""
        return self._left == 0

    @property
    def percent(self) -> int:
        """What the pump shows."""
        return self.traits.shown_percent(self._left // 100)

    def _drain(self, *, flows: bool) -> int:
        return 100 if flows else self.traits.idle_percent

    def lasts_ns(self, *, flows: bool) -> int:
        """Return how long it lasts from here, off mains; 0 when it is empty."""
        drain = self._drain(flows=flows)
        return -(-self._left // drain) if drain else 1 << 62

    def pass_time(self, elapsed_ns: int, *, on_mains: bool, used: bool, flows: bool) -> None:
        """Fill on mains, run down off mains while the pump is on."""
        change = 0
        if on_mains:
            change = 100 * self.traits.charge_factor * elapsed_ns
        elif used:
            change = -self._drain(flows=flows) * elapsed_ns
        self._left = max(0, min(100 * self.traits.life_ns, self._left + change))
