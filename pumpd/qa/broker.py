"""A broker in memory, at the seam of ``pumpd.mqtt``: sessions behave as ``MqttClient`` does with Mosquitto.

Held against Mosquitto and the embedded broker by one test of the contract.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from pumpd.errors import TransportError
from pumpd.mqtt import Broker, Incoming, LastWill
from pumpd.mqtt_client import CONNECT_TIMEOUT_S, INBOX_MESSAGES

Heard = Callable[[str, bytes, bool], None]
"""Told of each message that reaches the broker: topic, payload, retain flag."""


@lru_cache(maxsize=4096)
def matches(topic: str, wanted: str) -> bool:
    """Return whether ``topic`` is in the MQTT filter ``wanted``."""
    levels, filters = topic.split("/"), wanted.split("/")
    if filters[-1] == "#":
        filters.pop()
        levels = levels[: len(filters)]
    return len(levels) == len(filters) and all(
        f in {"+", level} for f, level in zip(filters, levels, strict=True)
    )


@dataclass(slots=True)
class MemoryBroker:
    """What stands between daemon and dashboards; ``up`` and ``frozen`` are for the scenario to change."""

    up: bool = True
    frozen: bool = False
    retained: dict[str, bytes] = field(default_factory=dict)
    sessions: dict[str, MemorySession] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    """Witnesses: what reached the broker, whoever is connected."""
    shown_until: datetime | None = None
    """When the certificate ends that it shows to new connections; None: it shows none."""
    _waiting: deque[Callable[[], None]] = field(default_factory=deque)
    _thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def session(
        self, broker: Broker, identifier: str, will: LastWill | None, on_dropped: Callable[[], None]
    ) -> MemorySession:
        """Return a session that is not connected yet; implements ``pumpd.mqtt.OpenSession``."""
        return MemorySession(self, identifier, will, broker.keepalive_s, on_dropped)

    # --- what can befall it ---------------------------------------------------------------------------

    def go_down(self) -> None:
        """End as a crash would: connections break; what it kept is still there when it comes back."""
        self.up = self.frozen = False
        self._waiting.clear()
        for session in list(self.sessions.values()):
            session.cut("the broker went away")
        self.sessions.clear()

    def come_up(self) -> None:
        """Accept connections again."""
        self.up = True

    def restart_empty(self) -> None:
        """End and come back at once, with nothing kept."""
        self.go_down()
        self.retained.clear()
        self.come_up()

    def freeze(self) -> None:
        """Stop in its tracks: connections stay open, nothing answers, what is sent waits in the sockets."""
        self.frozen = True
        self._thawed.clear()
        for session in self.sessions.values():
            session.expect_nothing()

    def thaw(self) -> None:
        """Go on: what waited in the sockets is dealt with first."""
        self.frozen = False
        self._thawed.set()
        for session in self.sessions.values():
            session.expect_answers()
        while self._waiting:
            self._waiting.popleft()()

    # --- what sessions ask of it ----------------------------------------------------------------------

    async def answer(self) -> None:
        """Return once it would answer a new connection; TransportError when it does not in time."""
        if not self.up:
            raise TransportError("connection refused")
        if self.frozen:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._thawed.wait()
            except TimeoutError:
                raise TransportError("the broker does not answer CONNECT") from None

    def do(self, work: Callable[[], None]) -> None:
        """Deal with what arrived: now, or once it is no longer frozen."""
        if self.frozen:
            self._waiting.append(work)
        elif self.up:
            work()

    def route(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Keep and hand on one message."""
        for witness in self.heard:
            witness(topic, payload, retain)
        if retain and payload:
            self.retained.pop(topic, None)
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)
        for session in self.sessions.values():
            if any(matches(topic, wanted) for wanted in session.filters):
                session.deliver(Incoming(topic, payload, retained=False))

    def enter(self, session: MemorySession) -> None:
        """Take a new connection; an old one of the same name is ended first, and its will is told."""
        old = self.sessions.pop(session.identifier, None)
        if old is not None:
            old.cut("another client took the name")
            self.tell_will(old)
        self.sessions[session.identifier] = session

    def left(self, session: MemorySession, *, goodbye: bool) -> None:
        """Learn that a connection was closed."""
        if self.sessions.get(session.identifier) is session:
            del self.sessions[session.identifier]
            if not goodbye:
                self.tell_will(session)

    def tell_will(self, session: MemorySession) -> None:
        """Publish the last will of a client that vanished."""
        if session.will is not None:
            self.route(session.will.topic, session.will.payload, retain=True)


class MemorySession:
    """One client's connection; implements ``pumpd.mqtt.Session``."""

    def __init__(
        self,
        broker: MemoryBroker,
        identifier: str,
        will: LastWill | None,
        keepalive_s: int,
        on_dropped: Callable[[], None],
    ) -> None:
        self.identifier = identifier
        self.will = will
        self.filters: dict[str, None] = {}
        self._broker = broker
        self._keepalive_s = keepalive_s
        self._on_dropped = on_dropped
        self._inbox: deque[Incoming] = deque()
        self._woken = asyncio.Event()
        self._unconfirmed: dict[asyncio.Future[None], None] = {}
        self._lost = "it is not connected"
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """False: a socket in memory takes anything."""
        return False

    @property
    def shown_until(self) -> datetime | None:
        """When the certificate ends that the broker is said to show."""
        return self._broker.shown_until

    async def enter(self) -> None:
        """Connect; TransportError when there is no broker or it does not answer."""
        await self._broker.answer()
        self._lost = ""
        self._broker.enter(self)

    async def leave(self, *, goodbye: bool) -> None:
        """Close; with ``goodbye`` the last will stays untold."""
        if not self._lost:
            self.cut("it was closed")
            self._broker.do(lambda: self._broker.left(self, goodbye=goodbye))

    async def read(self, on_message: Callable[[Incoming], None]) -> None:
        """Hand on messages until the session is lost; TransportError then."""
        while True:
            while self._inbox:
                on_message(self._inbox.popleft())
            if self._lost:
                raise TransportError(self._lost)
            self._woken.clear()
            await self._woken.wait()

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Publish; with QoS 1 return once the broker has it."""
        confirmed = self._ask(lambda: self._broker.route(topic, payload, retain=retain))
        if qos:
            await confirmed

    async def subscribe(self, topic: str, qos: int, timeout_s: float | None = None) -> None:  # noqa: ARG002
        """Subscribe for this session, and hear what is kept there."""

        def subscribed() -> None:
            self.filters[topic] = None
            for kept, payload in list(self._broker.retained.items()):
                if matches(kept, topic):
                    self.deliver(Incoming(kept, payload, retained=True))

        try:
            async with asyncio.timeout(timeout_s):
                await self._ask(subscribed)
        except TimeoutError:
            raise TransportError(f"the broker does not confirm the subscription to {topic}") from None

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        await self._ask(lambda: self.filters.pop(topic, None))

    def deliver(self, message: Incoming) -> None:
        """Hand a message to the client."""
        if len(self._inbox) >= INBOX_MESSAGES:
            self._on_dropped()
        else:
            self._inbox.append(message)
            self._woken.set()

    def cut(self, reason: str) -> None:
        """Take the connection away."""
        self._lost = reason
        self.expect_answers()
        self._woken.set()
        for future in self._unconfirmed:
            if not future.done():
                future.set_exception(TransportError(reason))
                future.exception()  # of a publish with QoS 0 nobody asks what became of it
        self._unconfirmed.clear()

    def expect_nothing(self) -> None:
        """A broker that answers no PINGREQ counts as lost after two keepalives."""
        wait_s = 2.0 * self._keepalive_s
        self._deadline = asyncio.get_running_loop().call_later(wait_s, self._give_up)

    def expect_answers(self) -> None:
        """The broker answers again."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self.cut("the broker does not answer")
        self._broker.do(lambda: self._broker.left(self, goodbye=False))

    def _ask(self, work: Callable[[], object]) -> asyncio.Future[None]:
        """Let the broker do something; the future ends when it has confirmed it."""
        if self._lost:
            raise TransportError(self._lost)
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed[confirmed] = None

        def arrived() -> None:
            work()
            self._unconfirmed.pop(confirmed, None)
            if not confirmed.done():
                confirmed.set_result(None)

        self._broker.do(arrived)
        return confirmed
