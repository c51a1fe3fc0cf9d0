"""Servers that messages are really sent to: mail, HTTP and syslog on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class MailServer:
    """Speaks as much of RFC 5321 as a client needs; ``refuse`` names a verb that it refuses."""

    port: int = 0
    refuse: str = ""
    account: str = ""
    """``user:password`` that must sign in; empty for nobody."""
    offers: ssl.SSLContext | None = None
    """With what it offers STARTTLS; None for not at all."""
    mails: list[Mail] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 ready")
        signed_in, upgraded = not self.account, False
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            self.heard.append(verb)
            if verb == self.refuse:
                say("451 not now")
            elif verb == "EHLO":
                say("250-here")
                if self.offers is not None and writer.get_extra_info("ssl_object") is None:
                    say("250-STARTTLS")
                say("250 AUTH PLAIN")
            elif verb == "STARTTLS" and self.offers is not None:
                say("220 go on")
                await writer.start_tls(self.offers)
                upgraded = True
            elif verb == "AUTH":
                signed_in = base64.b64decode(line.split()[2]).decode() == "\0" + self.account.replace(
                    ":", "\0"
                )
                say("235 welcome" if signed_in else "535 no")
            elif verb == "QUIT":
                say("221 bye")
                break
            elif not signed_in:
                say("530 sign in first")
            elif verb == "DATA":
                say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(body[:-3]))
                say("250 taken")
            else:
                say("250 well")
        writer.close()
        if not upgraded:  # Python 3.11 does not tell of the end of a connection that was upgraded
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def mail_server(
    port: int = 0, tls: ssl.SSLContext | None = None, **wanted: object
) -> AsyncIterator[MailServer]:
    """Yield a mail server on a port of its own; with ``tls`` it speaks nothing else from the first byte."""
    made = MailServer(**wanted)  # type: ignore[arg-type]
    async with _serving(made.serve, port, tls) as made.port:
        yield made


@contextlib.asynccontextmanager
async def _serving(serve: Serve, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve on ``port``, 0 for any, yield which it is, and leave when every client has been seen off."""
    clients: set[asyncio.Task[None]] = set()

    async def forgiving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client, who may hang up over a certificate."""
        with contextlib.suppress(OSError):
            await serve(reader, writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(asyncio.get_running_loop().create_task(forgiving(reader, writer), name="client"))

    server = await asyncio.start_server(begin, "127.0.0.1", port, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
    if clients:
        await asyncio.wait(clients, timeout=10)


@dataclass
class WebServer:
    """Takes POSTs, and answers with ``status``."""

    status: str = "204 No Content"
    more: str = ""
    port: int = 0
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """First line, headers in lower case, body."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append((head[0], headers, body))
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n{self.more}\r\n".encode())
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def web_server(
    port: int = 0, tls: ssl.SSLContext | None = None, **wanted: str
) -> AsyncIterator[WebServer]:
    """Yield an HTTP server on a port of its own."""
    made = WebServer(**wanted)  # type: ignore[arg-type]
    async with _serving(made.serve, port, tls) as made.port:
        yield made


@contextlib.contextmanager
def syslog_server() -> Iterator[socket.socket]:
    """Yield a UDP socket that listens as a syslog server does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening
