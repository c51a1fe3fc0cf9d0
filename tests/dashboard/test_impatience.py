"""Connections on which nothing comes, or nothing is taken, are ended; those of pages are not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from pumpd import http_serving
from pumpd.http_serving import ImpatientHttp, LoopServer, bound_socket
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("HTTPS-1")]
LOOK_S, ANSWER_S = 0.2, 0.6
ENDED_WITHIN_S = 10.0
ASKED = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LARGE = b"x" * 20_000_000


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``/`` at once, ``/slow`` after two looks, ``/large`` at length; give a page its heartbeat."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(5 * LOOK_S)
        await send({"type": "websocket.send", "text": "beat"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * LOOK_S)
    body = LARGE if scope["path"] == "/large" else b"well"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Yield the port of a server that looks often."""
    monkeypatch.setattr(http_serving, "REQUEST_WITHIN_S", LOOK_S)
    monkeypatch.setattr(http_serving, "ANSWER_WITHIN_S", ANSWER_S)
    bound = bound_socket("127.0.0.1", 0, "test", "", 65_536)
    config = uvicorn.Config(_app, http=ImpatientHttp, log_config=None, lifespan="off")
    server = LoopServer(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]), name="tested.server")
    await until(lambda: server.started)
    try:
        yield int(bound.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
        bound.close()


async def ended(*sent: bytes, port: int) -> bytes:
    """Send this, a quarter of a look apart, and wait until the server ends it; return what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in sent:
            writer.write(part)
            await asyncio.sleep(LOOK_S / 4)
        async with asyncio.timeout(ENDED_WITHIN_S):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_whoever_sends_nothing_or_never_ends_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent connection, half a head, a letter now and then, half a head after a whole one."""
    async with served(monkeypatch) as port:
        drops = [bytes([letter]) for letter in b"GET / HTTP/1.1\r\nHost: 1"]
        silent, half, dripping, second = await asyncio.gather(
            ended(port=port),
            ended(ASKED[:20], port=port),
            ended(*drops, port=port),
            ended(ASKED, ASKED[:20], port=port),
        )
    assert (silent, half, dripping) == (b"", b"", b"")
    assert second.endswith(b"well")


async def test_whoever_takes_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody reads holds its connection for a bounded time."""
    async with served(monkeypatch) as port:
        deaf = socket.create_connection(("127.0.0.1", port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(ASKED.replace(b"/ ", b"/large ", 1))
        await asyncio.sleep(ANSWER_S + 4 * LOOK_S)
        deaf.settimeout(5)
        got = await asyncio.to_thread(_rest, deaf)
        deaf.close()
    assert got < len(LARGE)


def _rest(deaf: socket.socket) -> int:
    """Return how many bytes still come, however it ends."""
    got = 0
    with contextlib.suppress(ConnectionError):
        while part := deaf.recv(1_000_000):
            got += len(part)
    return got


async def test_a_slow_answer_and_a_page_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being worked out comes, and a WebSocket stays for as long as it is wanted."""
    async with served(monkeypatch) as port:
        slow = ended(ASKED.replace(b"/ ", b"/slow ", 1), port=port)

        async def page() -> str:
            async with connect(f"ws://127.0.0.1:{port}/") as socket:
                return str(await socket.recv())

        said, beat = await asyncio.gather(slow, page())
    assert said.endswith(b"well")
    assert beat == "beat"
