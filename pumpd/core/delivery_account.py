"""What is kept of a pump's delivery from reading to reading, and over a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from pumpd.core.delivery_bands import NONE, Excess
from pumpd.core.telemetry import PumpStatus, Telemetry

STILL_READINGS = 2
"""The counter must have stood in so many readings after the one that saw it move."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What of an account outlives a restart."""

    counter_nl: int
    """What the counter showed."""
    counted_nl: int
    infused_nl: int


class Account(NamedTuple):
    """Counter against set rate since watching began, as of the last reading with a counter."""

    begun_ns: int
    """When watching began."""
    taken_ns: int
    span_ns: int
    status: PumpStatus
    counter_nl: int
    low_nl_h: int
    """The least the pump should be delivering now."""
    high_nl_h: int
    """The most."""
    changed_ns: int
    """When status or set rate last changed."""
    set_nl_h: int
    to_come_nl: int | None
    counted_nl: int = 0
    """What the counter counted since watching began, over resets and roll-overs."""
    infused_nl: int = 0
    """The same without priming and KVO: what is of the programme."""
    owed_nl_ns_per_h: int = 0
    """What was to be delivered since the counter last moved."""
    still_readings: int = 0
    """Readings since then."""
    elsewhere_nl: int = 0
    """By how much the volume to be infused went down since then: the motor turns, the counter is frozen."""
    over: Excess = NONE
    under: Excess = NONE
    reset_ns: int | None = None
    """When the counter last began anew."""
    back_nl: int = 0
    """By how much the counter last ran backwards, or went on to."""
    back_ns: int | None = None
    """When it last did."""
    back_from_ns: int | None = None
    """Since when, with less than a minute between two steps back."""
    doubt: Telemetry | None = None
    """A reading whose counter fits nothing; the next one decides whether it was true."""
    step_nl: int = 0
    """The counter's step as it was seen, where it is coarser than the declared one; else 0."""

    def as_seen(self, counter: Counter) -> Counter:
        """Return what is known of the counter, with the coarser step that was seen."""
        return counter if self.step_nl <= counter.tick_nl else replace(counter, tick_nl=self.step_nl)

    @property
    def carried(self) -> Carried:
        """What of it outlives a restart."""
        return Carried(self.counter_nl, self.counted_nl, self.infused_nl)


@dataclass(frozen=True, slots=True)
class Counter:
    """What is known of a pump's counter."""

    tick_nl: int
    """Its step, 1 or more."""
    gap_ns: int
    """After a longer silence nobody knows what the pump did meanwhile."""
    ordered_nl: int | None = None
    """The volume that the order asks for; without one the pump's own programme counts."""

    def __post_init__(self) -> None:
        if self.tick_nl < 1 or self.gap_ns < 1:
            raise ValueError("counter: step and gap are above 0")
