"""The connection to the broker, and nothing else: one session after the other, as long as it is wanted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from pumpd.errors import TransportError
from pumpd.mqtt_client import CONNECT_TIMEOUT_S, Broker, Incoming, LastWill, MqttClient

__all__ = ["BackOff", "Broker", "Incoming", "LastWill", "MqttConnection", "OpenSession", "Session"]

PENDING_PUBLISHES = 16
"""Publishes that may wait for their PUBACK at a time; below paho's own 20, so that paho queues nothing."""
FROZEN_AFTER_S = 1.0
"""A publish unanswered for longer means that the broker hangs: readings are not queued up behind it."""
WRITTEN_WITHIN_TURNS = 3
"""Turns of the loop within which a socket that takes anything has taken what was queued before."""
FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0

_log = structlog.get_logger("pumpd.mqtt")


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long to wait before the next try: doubling, and half of it chance, so that not all come at once."""

    first_s: float = FIRST_RETRY_S
    last_s: float = LAST_RETRY_S

    def wait_s(self, attempt: int, chance: random.Random) -> float:
        """Return the wait after failed attempt number ``attempt`` (0, 1, 2 ...)."""
        whole_s = min(self.last_s, self.first_s * 2.0 ** min(attempt, 16))
        return whole_s * chance.uniform(0.5, 1.0)


class Session(Protocol):
    """One session with a broker, as ``MqttClient`` is one; the broker in memory has another."""

    @property
    def busy(self) -> bool:
        """True while something waits to be written to the socket."""
        ...

    @property
    def shown_until(self) -> datetime | None:
        """When the certificate ends that the broker showed; None without TLS or a connection."""
        ...

    async def enter(self) -> None:
        """Connect; TransportError when there is no broker or it does not want us."""
        ...

    async def leave(self, *, goodbye: bool) -> None:
        """Close everything at once; with ``goodbye``, if the socket takes it, the last will stays untold."""
        ...

    async def read(self, on_message: Callable[[Incoming], None]) -> None:
        """Hand on messages until the session is lost; TransportError then."""
        ...

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Publish; with QoS 1 return once the broker has it, and wait for that as long as it takes."""
        ...

    async def subscribe(self, topic: str, qos: int, timeout_s: float | None = ...) -> None:
        """Subscribe for this session."""
        ...

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        ...


OpenSession = Callable[[Broker, str, LastWill | None, Callable[[], None]], Session]
"""Makes a session, not connected: broker, identifier, last will, and whom to tell of a dropped message."""


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
        session: OpenSession = MqttClient,
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
        self._open = session
        self._client: Session | None = None
        self._window = asyncio.Semaphore(PENDING_PUBLISHES)
        self._unanswered: dict[object, float] = {}
        self._was_up = False
        self.shown_until: datetime | None = None
        """When the certificate ends that the broker showed at the last connect; None when it showed none."""
        self.dropped = 0
        """Incoming messages there was no room for, since start."""
        self.failed = 0
        """Incoming messages whose receiver failed, since start; the first is logged."""

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
        client = self._open(self.broker, self._identifier, self._will, self._count_dropped)
        await client.enter()
        running: list[asyncio.Task[None]] = []
        goodbye = False
        try:
            for topic, qos in self._subscriptions:
                await client.subscribe(topic, qos, CONNECT_TIMEOUT_S)
            self._window = asyncio.Semaphore(PENDING_PUBLISHES)
            self._unanswered = {}
            self._client, self._was_up = client, True
            self.shown_until = client.shown_until
            _log.info("broker up", host=self.broker.host, port=self.broker.port)
            name = f"mqtt[{self._identifier}]"
            running.append(asyncio.create_task(while_up(), name=f"{name}.work"))
            running.append(asyncio.create_task(client.read(self._hand_on), name=f"{name}.read"))
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
            goodbye = True
        finally:
            self._client = None
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await client.leave(goodbye=goodbye)

    def _hand_on(self, message: Incoming) -> None:
        try:
            self._on_message(message)
        except Exception:  # noqa: BLE001 - whatever a stranger sends, the connection stays
            if not self.failed:
                _log.exception("message failed", topic=message.topic)
            self.failed += 1

    def _count_dropped(self) -> None:
        self.dropped += 1

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and return once the broker has it (PUBACK); TransportError while down.

        Waits as long as the broker lets it; losing the broker cancels it together with ``while_up``.
        """
        async with self._window:
            client = self._up()
            key = object()
            self._unanswered[key] = asyncio.get_running_loop().time()
            try:
                await client.publish(topic, payload, qos=1, retain=retain)
            finally:
                self._unanswered.pop(key, None)

    async def offer(self, topic: str, payload: bytes) -> bool:
        """Publish with QoS 0 if it can go out at once; False when the broker is away, hangs or lags.

        So nothing old waits behind a broker that hangs: the caller drops it and offers newer things later.
        """
        client = self._client
        if client is None or self.unanswered_s > FROZEN_AFTER_S:
            return False
        for _ in range(WRITTEN_WITHIN_TURNS):
            if not client.busy:
                break
            await asyncio.sleep(0)
        else:
            return False
        try:
            async with asyncio.timeout(FROZEN_AFTER_S):
                await client.publish(topic, payload, qos=0)
        except (TransportError, TimeoutError):
            return False
        return True

    async def subscribe(self, topic: str, qos: int) -> None:
        """Subscribe for this session only; TransportError while down. Waits as ``publish`` does."""
        await self._up().subscribe(topic, qos)

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription; TransportError while down. Waits as ``publish`` does."""
        await self._up().unsubscribe(topic)

    def _up(self) -> Session:
        if self._client is None:
            raise TransportError(f"no connection to the broker at {self.broker.host}:{self.broker.port}")
        return self._client
