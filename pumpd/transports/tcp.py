"""A TCP connection: Modbus TCP, or a serial line behind a raw serial server."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, cast

from pumpd.errors import TransportError
from pumpd.transports.base import Receiver

CONNECT_TIMEOUT_S: Final = 3.0
_DEAD_PEER_MS: Final = 10_000
"""How long bytes may stay unacknowledged before the connection counts as gone."""
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))
"""Seconds idle before the first probe, seconds between probes, most unanswered."""
_MOST_UNSENT_BYTES: Final = 4096
_AT_ONCE_S: Final = 3.0
"""A connection that ends sooner was not wanted: many devices have room for one client."""
_LONGEST_FAREWELL: Final = 60


class TcpTransport(asyncio.Protocol):
    """Implements ``Transport``; it is the connection's protocol itself, so bytes go straight through."""

    bits_per_byte = 10

    def __init__(self, name: str, host: str, port: int, baud: int | None) -> None:
        """``baud`` is the speed of the serial line behind a serial server, None where there is none."""
        self.name = name
        self.baud = baud
        self._host = host
        self._port = port
        self._receiver: Receiver | None = None
        self._socket: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] | None = None
        self._opened_at_s = 0.0
        self._first_words = b""

    async def open(self, receiver: Receiver) -> None:
        """Connect; TransportError with the reason when it can not be done in 3 s."""
        loop = asyncio.get_running_loop()
        self._gone = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                self._receiver = receiver
                await loop.create_connection(lambda: self, self._host, self._port)
        except TimeoutError as error:
            self._receiver = None
            raise TransportError(
                f"{self.name}: no connection in {CONNECT_TIMEOUT_S:g} s; check address and cable"
            ) from error
        except OSError as error:
            self._receiver = None
            raise TransportError(
                f"{self.name}: {error.strerror or error}; check that the device is on and the port is right"
            ) from error

    def write(self, data: bytes) -> None:
        """Send bytes; TransportError when not connected, or when the peer takes none any more."""
        transport = self._socket
        if transport is None or transport.is_closing():
            raise TransportError(f"{self.name}: not connected")
        if transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            raise TransportError(f"{self.name}: the device takes no more bytes")
        transport.write(data)

    async def close(self) -> None:
        """Close the connection and wait until it is gone."""
        self._receiver = None
        if self._socket is not None:
            self._socket.abort()
            self._socket = None
            if self._gone is not None:
                await self._gone

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the connection up for short questions and answers."""
        self._socket = cast("asyncio.Transport", transport)  # uvloop's transports do not derive from it
        self._opened_at_s = asyncio.get_running_loop().time()
        self._first_words = b""
        wire: socket.socket = transport.get_extra_info("socket")
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (*_KEEP_ALIVE, ("TCP_USER_TIMEOUT", _DEAD_PEER_MS)):
            if hasattr(socket, option):  # Linux has them all
                wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def data_received(self, data: bytes) -> None:
        """Hand bytes on as they come."""
        self._first_words += data[: _LONGEST_FAREWELL - len(self._first_words)]
        if self._receiver is not None:
            self._receiver.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say why it ended, unless we ended it."""
        self._socket = None
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_lost(TransportError(f"{self.name}: {self._ended_by(exc)}"))

    def _ended_by(self, exc: Exception | None) -> str:
        """Return why the connection ended, and what to do where that is known."""
        if isinstance(exc, TimeoutError):
            return "the device has gone without a word; check its power and the network"
        if exc is not None and not isinstance(exc, ConnectionError):
            return str(exc)
        ended = "the device closed the connection" if exc is None else "the device broke the connection"
        if asyncio.get_running_loop().time() - self._opened_at_s >= _AT_ONCE_S:
            return ended
        said = self._first_words.decode("ascii", "replace").strip()
        words = f", saying {said!r}" if said.isascii() and said.isprintable() and said else ""
        return f"{ended} at once{words}; is another client connected? many have room for one"
