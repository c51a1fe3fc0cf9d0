"""A wire inside one loop, for virtual time: two ends, and hooks where faults do to bytes what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from pumpd.errors import TransportError
from pumpd.transports.base import Receiver

OnTheWay = Callable[[bytes], Iterable[tuple[float, bytes]]]
"""Takes what is written; returns what arrives: (seconds later, bytes), in any number."""


def untouched(data: bytes) -> Iterable[tuple[float, bytes]]:
    """Return what is written, at once."""
    return ((0.0, data),)


class MemoryEnd:
    """One end of a memory wire; implements ``Transport``."""

    def __init__(self, wire: MemoryWire, name: str, baud: int | None, bits_per_byte: int) -> None:
        self.name = name
        self.baud = baud
        self.bits_per_byte = bits_per_byte
        self.on_the_way: OnTheWay = untouched
        """What happens to the bytes written at this end."""
        self.other: MemoryEnd
        self._wire = wire
        self._receiver: Receiver | None = None
        self._line_free_at = 0.0

    async def open(self, receiver: Receiver) -> None:
        """Open this end; TransportError while the wire is unplugged."""
        if not self._wire.plugged:
            raise TransportError(f"{self.name}: the wire is unplugged")
        self._receiver = receiver

    def write(self, data: bytes) -> None:
        """Send bytes to the other end; they take their time at the baud rate, one after the other."""
        if self._receiver is None:
            raise TransportError(f"{self.name}: the wire is not open")
        loop = asyncio.get_running_loop()
        for delay_s, piece in self.on_the_way(data):
            if delay_s <= 0 and not self.baud:
                loop.call_soon(self.other.deliver, piece)
            else:
                begins_at = max(loop.time() + delay_s, self._line_free_at if self.baud else 0.0)
                wire_s = len(piece) * self.bits_per_byte / self.baud if self.baud else 0.0
                self._line_free_at = begins_at + wire_s
                loop.call_at(begins_at + wire_s, self.other.deliver, piece)

    async def close(self) -> None:
        """Close this end; the other one is told."""
        if self._receiver is not None:
            self._receiver = None
            self.other.lose(TransportError(f"{self.other.name}: the other end closed the wire"))

    def deliver(self, data: bytes) -> None:
        """Hand ``data`` to whoever opened this end; nobody there, nothing happens."""
        if self._receiver is not None:
            self._receiver.data_received(data)

    def lose(self, error: TransportError) -> None:
        """Take this end's wire away."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_lost(error)


class MemoryWire:
    """Two ends: ``asking`` for a link, ``answering`` for a simulator."""

    def __init__(self, name: str = "memory", baud: int | None = None, bits_per_byte: int = 10) -> None:
        self.plugged = True
        self.asking = MemoryEnd(self, name, baud, bits_per_byte)
        self.answering = MemoryEnd(self, f"{name} (answering)", baud, bits_per_byte)
        self.asking.other, self.answering.other = self.answering, self.asking

    def unplug(self) -> None:
        """Take the wire away from the asking end, which can not open it again until ``plug``."""
        self.plugged = False
        self.asking.lose(TransportError(f"{self.asking.name}: the wire was unplugged"))

    def plug(self) -> None:
        """Put the wire back."""
        self.plugged = True
