"""The connection to the broker, and nothing else; with ``mqtt_client`` the only door to aiomqtt.

aiomqtt 2.x neither reconnects nor resubscribes, and lets a publish wait for its time-out after the
connection was lost. ``MqttConnection.run`` keeps a session as long as it can, and makes another when it is
lost.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field

import aiomqtt
import structlog

from pumpd.errors import TransportError
from pumpd.mqtt_client import busy, enter, leave, prepare

CONNECT_TIMEOUT_S = 2.0
"""A broker that does not accept, or does not answer CONNECT, within this is tried again later."""
PENDING_PUBLISHES = 16
"""Publishes that may wait for their PUBACK at a time; below paho's own 20, so that paho queues nothing."""
INBOX_MESSAGES = 20_000
"""Incoming messages that may wait to be handled; what comes on top is counted and let go."""
FROZEN_AFTER_S = 1.0
"""A publish unanswered for longer means that the broker hangs: readings are not queued up behind it."""
FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0

_log = structlog.get_logger(__name__)
_library_log = logging.getLogger("pumpd.mqtt.aiomqtt")
_library_log.setLevel(logging.CRITICAL)  # what it reports as errors are lost connections, told here once


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are there; without a user name nobody."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    keepalive_s: int = 4
    """The broker tells our last will after one and a half of it; we notice a dead broker after two."""

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


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long to wait before the next try: doubling, and half of it chance, so that not all come at once."""

    first_s: float = FIRST_RETRY_S
    last_s: float = LAST_RETRY_S

    def wait_s(self, attempt: int, chance: random.Random) -> float:
        """Return the wait after failed attempt number ``attempt`` (0, 1, 2 ...)."""
        whole = min(self.last_s, self.first_s * 2.0 ** min(attempt, 16))
        return whole * chance.uniform(0.5, 1.0)


def _inbox_type(drop: Callable[[], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    class Inbox(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if self.full():
                drop()
            else:
                super().put_nowait(item)

    return Inbox


class MqttConnection:
    """One connection to one broker, made again whenever it is lost."""

    def __init__(
        self,
        broker: Broker,
        *,
        identifier: str,
        on_message: Callable[[Incoming], None],
        will: LastWill | None = None,
        subscriptions: Sequence[tuple[str, int]] = (),
        chance: random.Random | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        """``subscriptions`` are (filter, QoS), made anew at every connect.

        ``identifier`` stays the same over reconnects: the broker then ends the old session, and tells its
        last will, before it accepts the new one.
        """
        self.broker = broker
        self._identifier = identifier
        self._on_message = on_message
        self._will = will
        self._subscriptions = tuple(subscriptions)
        self._chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self._back_off = back_off or BackOff()
        self._client: aiomqtt.Client | None = None
        self._window = asyncio.Semaphore(PENDING_PUBLISHES)
        self._unanswered: dict[object, float] = {}
        self._was_up = False
        self.dropped = 0
        """Incoming messages there was no room for, since start."""

    @property
    def up(self) -> bool:
        """True while the broker has accepted us and has not been lost."""
        return self._client is not None

    @property
    def unanswered_s(self) -> float:
        """For how long the oldest publish has waited for its PUBACK; 0 when none waits."""
        if not self._unanswered:
            return 0.0
        return asyncio.get_running_loop().time() - next(iter(self._unanswered.values()))

    async def run(self, while_up: Callable[[], Coroutine[None, None, None]]) -> None:
        """Keep connected; ``while_up`` runs in every session and is cancelled when the broker is lost.

        Returns when ``while_up`` does, after saying goodbye to the broker. Otherwise runs until cancelled;
        then there is no goodbye, and the broker tells the last will.
        """
        attempt, told_down = 0, False
        while True:
            began_s = asyncio.get_running_loop().time()
            try:
                await self._session(while_up)
            except TransportError as error:
                if asyncio.get_running_loop().time() - began_s > 2 * self.broker.keepalive_s:
                    attempt = 0
                if self._was_up or not told_down:
                    told_down = True
                    _log.warning(
                        "broker down", host=self.broker.host, port=self.broker.port, reason=str(error)
                    )
                await asyncio.sleep(self._back_off.wait_s(attempt, self._chance))
                attempt += 1
            else:
                return

    async def _session(self, while_up: Callable[[], Coroutine[None, None, None]]) -> None:
        self._was_up = False
        client = self._make_client()
        await enter(client)
        running: list[asyncio.Task[None]] = []
        goodbye = False
        try:
            for topic, qos in self._subscriptions:
                await _told(client.subscribe(topic, qos=qos, timeout=CONNECT_TIMEOUT_S))
            self._window = asyncio.Semaphore(PENDING_PUBLISHES)
            self._unanswered = {}
            self._client, self._was_up = client, True
            _log.info("broker up", host=self.broker.host, port=self.broker.port)
            name = f"mqtt[{self._identifier}]"
            running.append(asyncio.create_task(while_up(), name=f"{name}.work"))
            running.append(asyncio.create_task(self._read(client), name=f"{name}.read"))
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
            goodbye = True
        finally:
            self._client = None
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await leave(client, goodbye=goodbye)

    def _make_client(self) -> aiomqtt.Client:
        will = self._will
        client = aiomqtt.Client(
            self.broker.host,
            self.broker.port,
            logger=_library_log,
            username=self.broker.username or None,
            password=self.broker.password or None,
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=self.broker.keepalive_s,
            timeout=CONNECT_TIMEOUT_S,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=1, retain=True),
            queue_type=_inbox_type(self._drop),
            max_queued_incoming_messages=INBOX_MESSAGES,
        )
        prepare(client, CONNECT_TIMEOUT_S)
        return client

    def _drop(self) -> None:
        self.dropped += 1

    async def _read(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                self._on_message(Incoming(message.topic.value, message.payload, message.retain))
        except aiomqtt.MqttError as error:
            raise TransportError(f"{error}: {error.__cause__ or 'no reason given'}") from error

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and return once the broker has it (PUBACK); TransportError while down.

        Waits as long as the broker lets it; losing the broker cancels it together with ``while_up``.
        """
        async with self._window:
            client = self._up()
            key = object()
            self._unanswered[key] = asyncio.get_running_loop().time()
            try:
                await _told(client.publish(topic, payload, qos=1, retain=retain, timeout=math.inf))
            finally:
                self._unanswered.pop(key, None)

    async def offer(self, topic: str, payload: bytes) -> bool:
        """Publish with QoS 0 if it can go out at once; False when the broker is away, hangs or lags.

        So nothing old waits behind a broker that hangs: the caller drops it and offers newer things later.
        """
        client = self._client
        if client is None or self.unanswered_s > FROZEN_AFTER_S:
            return False
        if busy(client):
            await asyncio.sleep(0)  # what was queued in this turn of the loop is written in the next
            if busy(client):
                return False
        try:
            await client.publish(topic, payload, qos=0, timeout=FROZEN_AFTER_S)
        except aiomqtt.MqttError:
            return False
        return True

    async def subscribe(self, topic: str, qos: int) -> None:
        """Subscribe for this session only; TransportError while down. Waits as ``publish`` does."""
        await _told(self._up().subscribe(topic, qos=qos, timeout=math.inf))

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription; TransportError while down. Waits as ``publish`` does."""
        await _told(self._up().unsubscribe(topic, timeout=math.inf))

    def _up(self) -> aiomqtt.Client:
        if self._client is None:
            raise TransportError(f"no connection to the broker at {self.broker.host}:{self.broker.port}")
        return self._client


async def _told(call: Awaitable[object]) -> None:
    try:
        await call
    except aiomqtt.MqttError as error:
        raise TransportError(str(error)) from error
