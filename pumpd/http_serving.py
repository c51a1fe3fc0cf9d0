"""uvicorn inside a loop that somebody else runs: signals stay theirs, and a taken port is told in words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pumpd.errors import TransportError

REQUEST_WITHIN_S = 10.0
"""A connection on which no whole request comes for so long is ended, at most twice as long after the last."""
ANSWER_WITHIN_S = 60.0
"""So long an answer may take, to be worked out and to be read by who asked."""


class ImpatientHttp(H11Protocol):
    """HTTP/1.1 that ends connections on which nothing comes: uvicorn waits for a first request for ever.

    Whoever opens many and sends nothing, or a letter now and then, would keep everybody else out.
    """

    _look_again: asyncio.TimerHandle | None = None
    _last: object = None
    _same_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Look no more: a page's heartbeats tell whether it is there."""
        self._stop()
        super().handle_websocket_upgrade(event)

    def _look_later(self) -> None:
        self._look_again = self.loop.call_later(REQUEST_WITHIN_S, self._look)

    def _look(self) -> None:
        same = self.cycle is self._last
        self._last, self._same_s = self.cycle, self._same_s + REQUEST_WITHIN_S if same else 0.0
        is_asked = not getattr(self.cycle, "response_complete", True)  # there is no cycle before a request
        if same and self._same_s >= (ANSWER_WITHIN_S if is_asked else REQUEST_WITHIN_S):
            self.transport.abort()
        else:
            self._look_later()

    def _stop(self) -> None:
        if self._look_again is not None:
            self._look_again.cancel()


class LoopServer(uvicorn.Server):
    """uvicorn without its signal handlers: it raises the signal again at the end, which would be an error."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the loop."""
        yield


def bound_socket(host: str, port: int, who: str, remedy: str, send_buffer_bytes: int = 0) -> socket.socket:
    """Return a socket bound to the place; TransportError, with ``who`` and ``remedy``, when it is taken.

    ``send_buffer_bytes`` 0 leaves the system's own size.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if send_buffer_bytes:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise TransportError(f"{who}: {host}:{port} can not be used: {error.strerror}. {remedy}") from error
    return bound
