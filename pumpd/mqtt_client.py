"""One session with a broker: aiomqtt's client, made so that nothing is left behind. The only door to aiomqtt.

aiomqtt 2.x leaves a socket and a task behind when the broker does not answer CONNECT, waits for a broker that
hangs when it says goodbye, and registers descriptors that may be closed by then. That is settled here, in
part through its private parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import math
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import aiomqtt
from paho.mqtt.client import Client as Paho

from pumpd.certificate_files import ends_of
from pumpd.errors import TransportError

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

CONNECT_TIMEOUT_S = 2.0
"""A broker that does not accept, or does not answer CONNECT, within this is tried again later."""
INBOX_MESSAGES = 20_000
"""Incoming messages that may wait to be handled; what comes on top is counted and let go."""

_library_log = logging.getLogger("pumpd.mqtt.aiomqtt")
_library_log.setLevel(logging.CRITICAL)  # what it reports as errors are lost connections, told once by us


class _ClosingSocket(ssl.SSLSocket):
    """A socket that is closed when the other side is not who it should be; paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as SSLSocket
        """Agree on keys; the socket is closed when that fails."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Tls:
    """What a broker must show, and what we show it."""

    ca_file: str
    """Who vouches for the broker."""
    certificate_file: str = ""
    """Who we are; empty: only by user name and password."""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        """Return how to speak; OSError when a file is not there or holds no certificate."""
        made = ssl.create_default_context(cafile=self.ca_file)  # checks the broker's name and dates as well
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.sslsocket_class = _ClosingSocket
        if self.certificate_file:
            made.load_cert_chain(self.certificate_file, self.key_file or None)
        return made


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are there; without a user name nobody."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    keepalive_s: int = 4
    """The broker tells our last will after one and a half of it; we notice a dead broker after two."""
    tls: Tls | None = None
    """None: in the clear, which is for this machine only."""

    @property
    def loopback(self) -> bool:
        """True when the broker is reached without leaving this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class LastWill:
    """What the broker publishes, retained and with QoS 1, when we vanish without saying goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker."""

    topic: str
    payload: bytes
    retained: bool
    """True when the broker had kept it: it may be as old as you like."""


class MqttClient:
    """One session: ``enter`` once, ``leave`` once, whatever happened in between."""

    def __init__(
        self, broker: Broker, identifier: str, will: LastWill | None, on_dropped: Callable[[], None]
    ) -> None:
        """``on_dropped`` is called for each incoming message there is no room for.

        TransportError when the files for TLS can not be used: they may be mended while we try again.
        """
        try:
            context = None if broker.tls is None else broker.tls.context()
        except OSError as error:
            raise TransportError(f"the files for TLS can not be used: {error}") from error
        self._client = aiomqtt.Client(
            broker.host,
            broker.port,
            logger=_library_log,
            username=broker.username or None,
            password=broker.password or None,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=broker.keepalive_s,
            timeout=CONNECT_TIMEOUT_S,
            tls_context=context,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=1, retain=True),
            queue_type=_inbox_type(on_dropped),
            max_queued_incoming_messages=INBOX_MESSAGES,
        )
        self._client._client.connect_timeout = CONNECT_TIMEOUT_S
        self._write_at_once()

    async def enter(self) -> None:
        """Connect; TransportError when there is no broker or it does not want us.

        Whatever goes wrong, and also when cancelled, no socket, thread or task is left behind.
        """
        client = self._client
        entering = asyncio.create_task(client.__aenter__(), name="mqtt.connect")
        try:
            await asyncio.shield(entering)
        except aiomqtt.MqttError as error:
            await self.leave(goodbye=False)
            raise TransportError(str(error)) from error
        except asyncio.CancelledError:
            # paho connects in a thread that can not be interrupted: wait until it has opened a socket and
            # aiomqtt has registered it (its task is made right after that), or until it has given up.
            while not entering.done() and client._misc_task is None:
                await asyncio.wait({entering}, timeout=0.02)
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            await self.leave(goodbye=False)
            raise

    async def leave(self, *, goodbye: bool) -> None:
        """Close everything at once; with ``goodbye``, if the socket takes it, the last will stays untold."""
        client, paho = self._client, self._client._client
        if goodbye:
            paho.disconnect()
        await asyncio.sleep(0)  # aiomqtt registers a socket one turn of the loop late
        if goodbye:
            with contextlib.suppress(OSError):
                paho.loop_write()
        paho._reset_sockets()
        ending = client._misc_task
        if ending is not None:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)
        if client._disconnected.done() and not client._disconnected.cancelled():
            client._disconnected.exception()  # asyncio reports one that nobody looked at

    @property
    def busy(self) -> bool:
        """True while something waits to be written to the socket."""
        return self._client._client.want_write()

    @property
    def shown_until(self) -> datetime | None:
        """When the certificate ends that the broker showed; None without TLS or a connection."""
        socket = self._client._client.socket()
        shown = socket.getpeercert(binary_form=True) if isinstance(socket, ssl.SSLSocket) else None
        return None if not shown else ends_of(shown)

    async def read(self, on_message: Callable[[Incoming], None]) -> None:
        """Hand on messages until the session is lost; TransportError then."""
        try:
            async for message in self._client.messages:
                on_message(Incoming(message.topic.value, message.payload, message.retain))
        except aiomqtt.MqttError as error:
            raise TransportError(str(error.__cause__ or error)) from error

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Publish; with QoS 1 return once the broker has it, and wait for that as long as it takes."""
        await _told(self._client.publish(topic, payload, qos=qos, retain=retain, timeout=math.inf))

    async def subscribe(self, topic: str, qos: int, timeout_s: float | None = None) -> None:
        """Subscribe for this session; TransportError after ``timeout_s`` without an answer, None waits."""
        # aiomqtt would take asyncio.wait_for, which swallows a cancel that comes with the answer (3.11).
        try:
            async with asyncio.timeout(timeout_s):
                await _told(self._client.subscribe(topic, qos=qos, timeout=math.inf))
        except TimeoutError:
            raise TransportError(f"the broker does not confirm the subscription to {topic}") from None

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        await _told(self._client.unsubscribe(topic, timeout=math.inf))

    def _write_at_once(self) -> None:
        """Register for writing while the socket is known to be open.

        aiomqtt does it one turn of the loop later: if the connection is lost in between, it would register a
        closed descriptor, or one that belongs to somebody else by then.
        """
        client, paho, loop = self._client, self._client._client, asyncio.get_running_loop()
        loop_thread = threading.get_ident()

        def write() -> None:
            try:
                paho.loop_write()
            except Exception as error:  # noqa: BLE001 - as aiomqtt: whatever it is, the connection is broken
                if not client._disconnected.done():
                    client._disconnected.set_exception(error)

        def register(_client: Paho, _userdata: object, sock: SocketLike) -> None:
            def add() -> None:
                if paho.socket() is sock:
                    loop.add_writer(sock.fileno(), write)

            if threading.get_ident() == loop_thread:
                add()
            else:
                loop.call_soon_threadsafe(add)  # paho sends CONNECT from the thread it connects in

        paho.on_socket_register_write = register


def _inbox_type(on_dropped: Callable[[], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    class Inbox(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if self.full():
                on_dropped()
            else:
                super().put_nowait(item)

    return Inbox


async def _told(call: Awaitable[object]) -> None:
    try:
        await call
    except aiomqtt.MqttError as error:
        raise TransportError(str(error)) from error
