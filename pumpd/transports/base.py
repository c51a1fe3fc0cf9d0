"""Bytes in and out: what a serial line, a socket and an in-memory wire have in common."""

from __future__ import annotations

from typing import Protocol

from pumpd.errors import TransportError


class Receiver(Protocol):
    """Who is told what the wire brings; called on the event loop."""

    def data_received(self, data: bytes) -> None:
        """Take bytes as they arrive."""
        ...

    def connection_lost(self, error: TransportError) -> None:
        """Learn, once per opening, that the wire is gone and why; not called after ``close``."""
        ...


class Transport(Protocol):
    """One wire. ``open`` may be called again after it was lost or closed."""

    @property
    def name(self) -> str:
        """What to call it in messages: the URL without secrets."""
        ...

    @property
    def baud(self) -> int | None:
        """Bits per second, for wire time; None where the wire is as good as instant."""
        ...

    @property
    def bits_per_byte(self) -> int:
        """Start, data, parity and stop bits of one byte on the wire; 10 for 8N1."""
        ...

    async def open(self, receiver: Receiver) -> None:
        """Open it; TransportError with the reason and what to do when it can not be."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes without waiting; TransportError when it is not open."""
        ...

    async def close(self) -> None:
        """Close it and leave nothing behind; safe to call twice."""
        ...
