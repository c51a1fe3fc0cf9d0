"""Which requests bring which values: neighbours together, a value never split, worked out once per map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pumpd.protocols.registers_fields import Place, Quirks

MOST_BITS = 2000
"""Coils or discrete inputs in one request: Modbus Application Protocol V1.1b3, 6.1."""


@dataclass(frozen=True, slots=True)
class Read:
    """One request: ``count`` registers (bits for function 1 and 2) from PDU address ``start``."""

    function: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value stands in the replies: which reply, and from which word."""

    reply: int
    at: int


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """The requests of one cycle, in order, and the slot of each value by its path."""

    reads: tuple[Read, ...]
    slots: Mapping[str, Slot]

    @property
    def rtu_bytes(self) -> int:
        """Bytes of a whole cycle on an RTU line: questions and answers with unit and CRC (AP 6.1 to 6.4)."""
        held = (-(-read.count // 8) if read.function in {1, 2} else 2 * read.count for read in self.reads)
        return sum(8 + 5 + size for size in held)


def plan(places: Mapping[str, Place], address_base: int, quirks: Quirks) -> ReadPlan:
    """Return the fewest requests that bring ``places`` within ``quirks``."""
    ordered = sorted(places.items(), key=lambda item: (item[1].function, item[1].address, -item[1].width))
    reads: list[Read] = []
    slots: dict[str, Slot] = {}
    for path, place in ordered:
        start = place.address - address_base
        if reads and _fits(reads[-1], place, start, quirks):
            last = reads[-1]
            count = max(last.count, start + place.width - last.start)
            reads[-1] = Read(last.function, last.start, count)
        else:
            reads.append(Read(place.function, start, place.width))
        slots[path] = Slot(len(reads) - 1, start - reads[-1].start)
    return ReadPlan(tuple(reads), slots)


def _fits(last: Read, place: Place, start: int, quirks: Quirks) -> bool:
    if last.function != place.function:
        return False
    count = start + place.width - last.start
    if count <= last.count:
        return True
    most = MOST_BITS if place.function in (1, 2) else quirks.largest_read
    gap = start - (last.start + last.count)
    return not quirks.one_field_per_request and gap <= quirks.readable_gap and count <= most
