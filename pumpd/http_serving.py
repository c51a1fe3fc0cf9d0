"""uvicorn inside a loop that somebody else runs: signals stay theirs, and a taken port is told in words."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from pumpd.errors import TransportError


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
