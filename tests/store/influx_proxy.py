"""A small proxy that gives InfluxDB 1.6 the write path of 2.x; the standard library alone, for an image."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

LOOPBACK = "127.0.0.1"


class _Proxy(BaseHTTPRequestHandler):
    """Passes everything on; ``/api/v2/write?bucket=B`` becomes ``/write?db=B``, as InfluxDB 1.8 has it."""

    server: ProxyServer
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = urlsplit(self.path)
        path = self.path
        headers = {"Content-Type": self.headers.get("Content-Type", "text/plain")}
        told = self.headers.get("Authorization", "")
        self.server.asked.append((self.path, told))
        if self.server.token and asked.path != "/ping" and told != f"Token {self.server.token}":
            self.send_error(401)
            return
        if self.server.host:
            headers["Authorization"] = told
        elif asked.path == "/api/v2/write":
            fields = parse_qs(asked.query)
            path = "/write?" + urlencode({"db": fields["bucket"][0], "precision": fields["precision"][0]})
        try:
            onward = HTTPConnection(self.server.host or LOOPBACK, self.server.behind_port, timeout=30)
            onward.request(self.command, path, body, headers)
            answer = onward.getresponse()
            said = answer.read()
            onward.close()
        except OSError:
            self.send_error(502)
            return
        self.send_response(answer.status)
        for header in ("X-Influxdb-Version", "Content-Type"):
            if answer.getheader(header):
                self.send_header(header, str(answer.getheader(header)))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - the names that the standard library calls

    def log_message(self, *_: object) -> None:
        """Say nothing: a test's output is its own."""


class ProxyServer(ThreadingHTTPServer):
    """The proxy; remembers what it was asked, the newest last."""

    daemon_threads = False
    block_on_close = True

    def __init__(
        self, behind_port: int, place: tuple[str, int] = (LOOPBACK, 0), token: str = "", host: str = ""
    ) -> None:
        """``token`` is what every request must bear; empty asks for none.

        ``host`` names a server that has the write path itself: to it everything goes on as it is.
        """
        self.host = host
        self.behind_port = behind_port
        self.token = token
        self.asked: list[tuple[str, str]] = []
        self._open: set[Any] = set()
        super().__init__(place, _Proxy)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End one connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close it; a client that keeps its connection open, as a test that failed does, is cut off."""
        for request in tuple(self._open):
            with suppress(OSError):  # it has just gone by itself
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the proxy's."""
