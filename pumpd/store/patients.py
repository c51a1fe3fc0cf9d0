"""Which readings are one patient's, by the label that stood at the pump; the same for every history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError

SETTLED_MS = 10 * 60_000
"""The longest roll-up of a stay is over by then."""
FOR_EVER_MS = 9_000_000_000_000


@dataclass(frozen=True, slots=True)
class Stay:
    """A label at one channel, from its beginning until it stood there no more."""

    label: str
    pump: PumpId
    channel: ChannelId
    start_ms: int
    end_ms: int | None
    """None while it still stands there."""

    @property
    def until_ms(self) -> int:
        """Return when it ends, for questions."""
        return FOR_EVER_MS if self.end_ms is None else self.end_ms

    def ended_ms(self, now_ms: int) -> int:
        """Return when it ended; StoreError while it goes on, or a roll-up of it may."""
        if self.end_ms is None:
            raise StoreError(f"the label still stands at {self.pump}/{self.channel}: end the infusion first")
        if now_ms < self.end_ms + SETTLED_MS:
            raise StoreError(f"{self.pump}/{self.channel}: it ended just now: try again in ten minutes")
        return self.end_ms


def within(stays: Sequence[Stay], start_ms: int, end_ms: int) -> Sequence[Stay]:
    """Return the stays that have a part in [start, end), in order of their beginnings."""
    return sorted(
        (stay for stay in stays if stay.start_ms < end_ms and stay.until_ms > start_ms),
        key=lambda stay: (stay.start_ms, stay.pump, stay.channel),
    )


class PatientRecords(Protocol):
    """Finds, hands out and erases what a history holds under a label; blocks, and raises StoreError."""

    def stays(self, label: str, start_ms: int, end_ms: int) -> Sequence[Stay]:
        """Return every stay under ``label`` with a part in [start, end) of which something is held.

        A label is a pseudonym and may have stood for others before: look at the times.
        """
        ...

    def readings(self, stay: Stay) -> Iterator[str]:
        """Yield the readings of a stay in order, each as a line of JSON with its time in ms since 1970."""
        ...

    def erase(self, stay: Stay, now_ms: int) -> int:
        """Erase the readings of a stay and what was made of them; return how many readings those were.

        StoreError while the stay goes on, or ended less than ten minutes before ``now_ms``.
        """
        ...
