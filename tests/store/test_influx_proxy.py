"""What the tests' own proxy must do, so that a test that failed fails alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import BaseServer

from tests.store.influx_proxy import LOOPBACK, ProxyServer


class _Database(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _served(server: BaseServer) -> Callable[[], None]:
    """Serve in a thread; return what ends it."""
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()

    def end() -> None:
        server.shutdown()
        serving.join()

    return end


def test_a_client_that_keeps_its_connection_does_not_keep_the_proxy() -> None:
    """A writer that a failed test did not close would hold up the end of the whole file for ever."""
    with HTTPServer((LOOPBACK, 0), _Database) as database:
        proxy = ProxyServer(database.server_address[1])
        ends = [_served(database), _served(proxy)]
        client = HTTPConnection(LOOPBACK, proxy.server_address[1], timeout=10)
        client.request("GET", "/ping")
        assert client.getresponse().status == 204
        for end in ends:
            end()
        closing = threading.Thread(target=proxy.server_close)
        closing.start()
        closing.join(5)
        held_up = closing.is_alive()
        client.close()
        closing.join()
    assert not held_up
