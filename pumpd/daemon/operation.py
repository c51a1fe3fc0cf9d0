"""Health and metrics of a daemon over HTTP, for the machine that it runs on: three pages, all to be read."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
import uvicorn

from pumpd.config_operation import OperationSection
from pumpd.daemon.inside import Inside
from pumpd.daemon.metrics import NodeMetrics
from pumpd.daemon.node_health import node_health
from pumpd.errors import TransportError
from pumpd.exposition import CONTENT_TYPE, Exposition
from pumpd.http_serving import ImpatientHttp, LoopServer, bound_socket

JSON = "application/json"
WORDS = "text/plain; charset=utf-8"
AGAIN_AFTER_S = 2.0
REMEDY = "Choose another operation.port, or 0 to serve none."

_log = structlog.get_logger("pumpd.operation")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Page = tuple[int, str, bytes]
"""Status, content type and body."""


class Operation:
    """The three pages as an ASGI application."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._exposition = Exposition(NodeMetrics(inside))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body = self.page(scope["method"], scope["path"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def page(self, method: str, path: str) -> Page:
        """Return what is at ``path`` now."""
        if method not in {"GET", "HEAD"}:
            return 405, WORDS, b"pumpd: these pages are read, with GET\n"
        match path:
            case "/healthz":
                health = node_health(self._inside)
                return (200 if health.alive else 503), JSON, _json(health.body())
            case "/readyz":
                health = node_health(self._inside)
                return (200 if health.ready else 503), JSON, _json(health.body())
            case "/metrics":
                return 200, CONTENT_TYPE, self._exposition.text()
            case _:
                return 404, WORDS, b"pumpd: /healthz, /readyz and /metrics are here\n"


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


async def serve_operation(section: OperationSection, inside: Inside) -> None:
    """Serve the pages where ``section`` says, until cancelled; a place that is taken is tried again.

    It stops no daemon: pumps are watched with these pages or without.
    """
    lag = asyncio.create_task(inside.measure_lag(), name="pumpd.loop-lag")
    told = False
    try:
        while True:
            try:
                bound = bound_socket(section.host, section.port, "health and metrics", REMEDY)
            except TransportError as error:
                if not told:
                    _log.error("health and metrics down", reason=str(error))
                told = True
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            await _serve(bound, inside)
    finally:
        lag.cancel()
        await asyncio.gather(lag, return_exceptions=True)


async def _serve(bound: socket.socket, inside: Inside) -> None:
    server = LoopServer(
        uvicorn.Config(
            Operation(inside),
            http=ImpatientHttp,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    host, port = bound.getsockname()[:2]
    _log.info("health and metrics up", address=f"http://{host}:{port}/")
    serving = asyncio.create_task(server.serve(sockets=[bound]), name="pumpd.operation.http")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        bound.close()
