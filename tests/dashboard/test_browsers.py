"""What the console of a page may say while a test ends its server, and what fails the test."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser

from tests.dashboard.browsers import IN_A_BROWSER, complaints

pytestmark = IN_A_BROWSER

OK = b"HTTP/1.1 200 OK\r\n"
CUT_OFF = {
    "nothing": b"",
    "half-of-chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf",
    "half-a-body": OK + b"Content-Length: 100\r\n\r\nhalf",
}
WHOLE = {
    "": OK + b"Content-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "favicon.ico": OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
    "not-there": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "unwell": b"HTTP/1.1 500 Unwell\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "refused": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


class EndsEarly(socketserver.StreamRequestHandler):
    """Answers each path by its name, whole or cut off."""

    timeout = 0.5
    """A browser opens connections before it needs them."""

    def handle(self) -> None:
        """Answer one question and close."""
        with suppress(TimeoutError):
            first = self.rfile.readline().split(b" ")
            while self.rfile.readline().strip():
                pass
            if len(first) > 1:
                self.wfile.write({**CUT_OFF, **WHOLE}[first[1].decode().strip("/")])


@contextmanager
def ends_early() -> Iterator[str]:
    """Serve on a port of its own."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), EndsEarly) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_only_a_server_that_ends_is_excused(browser: Browser) -> None:
    """However far the question had come; what is not there, fails or throws stays a complaint."""
    context = browser.new_context()
    page = context.new_page()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("console", lambda message: told.append(message.text))

    def said(path: str) -> list[str]:
        told.clear()
        with page.expect_event("console"):
            page.evaluate("path => fetch(path).then(r => r.text()).catch(() => null)", path)
        return list(told)

    with ends_early() as url:
        page.goto(url)
        excused = {path: said(path) for path in (*CUT_OFF, "refused")}
        counted = {path: said(path) for path in ("not-there", "unwell")}
    excused["nobody listens"] = said("")
    with page.expect_event("pageerror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('a slip') }) }")
    counted["thrown"] = told[-1:]
    context.close()
    assert all(excused.values())
    assert not any(complaints(lines) for lines in excused.values())
    assert {path: complaints(lines) for path, lines in counted.items()} == counted
    assert complaints(["net::ERR_SOCKET_NOT_CONNECTED"]) == []
    assert complaints(["net::ERR_BLOCKED_BY_CSP"]) == ["net::ERR_BLOCKED_BY_CSP"]
