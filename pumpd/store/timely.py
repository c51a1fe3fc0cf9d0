"""HTTP answers that are given up once their time is over, however little of them comes at a time."""

from __future__ import annotations

import http.client
import io
import socket
from typing import TYPE_CHECKING, Any

from pumpd.clock import SystemClock

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _TimelyReads(io.RawIOBase):
    """What comes from a socket, until its own time-out has passed since this was made; then TimeoutError.

    A socket's time-out is for each piece: a server that sends a byte at a time would hold a thread for ever.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._raw = connected.makefile("rb", buffering=0)
        self._clock = SystemClock()
        timeout_s = connected.gettimeout()
        assert timeout_s is not None
        self._ends_ns = self._clock.monotonic_ns() + round(timeout_s * 1e9)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left_s = (self._ends_ns - self._clock.monotonic_ns()) / 1e9
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimelyResponse(http.client.HTTPResponse):
    """An answer whose head and body must both have come within the time-out of the socket."""

    def __init__(self, sock: socket.socket, *rest: Any, **more: Any) -> None:
        super().__init__(sock, *rest, **more)
        self.fp.close()
        self.fp = io.BufferedReader(_TimelyReads(sock))


class TimelyConnection(http.client.HTTPConnection):
    """HTTP with timely answers."""

    response_class = TimelyResponse


class TimelyTlsConnection(http.client.HTTPSConnection):
    """HTTPS with timely answers."""

    response_class = TimelyResponse
