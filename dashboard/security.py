"""Who may talk to the dashboard: browsers that know it by its names, and pages that it served itself."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.visitor import is_encrypted

LOOPBACK_NAMES = frozenset({"localhost"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Of every answer; a route that says one of them itself is left to it."""
ENCRYPTED = {"Strict-Transport-Security": "max-age=31536000"}
"""Of every answer over TLS besides (RFC 6797)."""
LONGEST_BODY = 65_536
"""What a page asks is a form; no request needs more."""
BODY_WITHIN_S = 10.0


def is_loopback(host: str) -> bool:
    """Return whether ``host`` (a name or an address, no port) reaches this machine only."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _host_of(netloc: str) -> str:
    """Return the name without the port; "", which nobody is called, when it is no name and no address."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _is_named(host: str, names: frozenset[str]) -> bool:
    return is_loopback(host) or host in names


def _ours(origin: str, netloc: str, scope: Scope) -> bool:
    """Return whether ``origin`` is this page's; over TLS one in the clear is another's, whatever its name."""
    schemes = ("https",) if is_encrypted(scope) else ("https", "http")
    return origin in {f"{scheme}://{netloc}" for scheme in schemes}


class LocalOnly:
    """Refuses foreign Host headers (DNS rebinding) and requests that another site's page makes.

    ``names`` are those that the page is opened under besides this machine's own. A WebSocket and every
    request that changes something must name the Origin that served the page.
    """

    def __init__(
        self, app: ASGIApp, safe_methods: Iterable[str] = ("GET", "HEAD"), names: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._safe = frozenset(safe_methods)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        netloc = headers.get("host", "")
        needs_origin = scope["type"] == "websocket" or scope["method"] not in self._safe
        origin = headers.get("origin")
        same_origin = origin is not None and _ours(origin, netloc, scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in {**HEADERS, **(ENCRYPTED if is_encrypted(scope) else {})}.items():
                    out.setdefault(name, value)
            await send(message)

        if not _is_named(_host_of(netloc), self._names) or (needs_origin and not same_origin):
            await self._refuse(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "only pages of this dashboard"})
            return
        await _say(send, 403, "pumpd: only pages of this dashboard, opened under its own name, may ask\n")


class BoundedBodies:
    """Reads a request's body before anything looks at it, and refuses one that is too large or too slow."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer 413 or 408."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        body = b""
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > LONGEST_BODY:
                        await _say(send, 413, f"pumpd: at most {LONGEST_BODY} bytes\n")
                        return
        except TimeoutError:
            await _say(send, 408, f"pumpd: a request comes within {BODY_WITHIN_S:.0f} s\n")
            return
        told = False

        async def whole() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, whole, send)


async def _say(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
