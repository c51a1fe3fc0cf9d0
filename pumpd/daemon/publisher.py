"""The node on the network: readings, state, events and commands over one connection.

Nothing here makes the daemon wait: what it tells is noted and goes out when the broker takes it.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import structlog
from pydantic import ValidationError

from pumpd.clock import Clock
from pumpd.contract.payloads import EventPayload, NodeStatusPayload, ReplyPayload
from pumpd.contract.topics import Topics
from pumpd.daemon import publisher_state as state
from pumpd.daemon.commands import Commands
from pumpd.daemon.outbox_publisher import OutboxPublisher
from pumpd.daemon.permission import Permission
from pumpd.daemon.publisher_retained import RetainedTopics
from pumpd.daemon.publisher_telemetry import TelemetryLane, TelemetryWriter
from pumpd.daemon.seams import CommandPort, LivePump, Ward
from pumpd.errors import TransportError
from pumpd.mqtt import Broker, Incoming, LastWill, MqttConnection, OpenSession
from pumpd.mqtt_client import MqttClient
from pumpd.store.base import Journal, OutboxLine

SWEEP_QUIET_S = 2.0
"""After this long without a retained message of a pump the broker has told all it keeps."""
REPLIES_WAITING = 256
NAMESAKES_TOLD = 20
FAREWELL_S = 0.7
"""How long ``close`` lets the last events and state go out."""
OFFLINE_S = 0.2
"""And then the goodbye; a broker that does not take it in time tells the last will."""

_log = structlog.get_logger("pumpd.publisher")


class NodePublisher:
    """The daemon's publisher; see ``seams.Publisher``."""

    def __init__(
        self,
        broker: Broker,
        ward: Ward,
        journal: Journal,
        commands: CommandPort,
        clock: Clock,
        *,
        permission: Permission,
        chance: random.Random | None = None,
        session: OpenSession = MqttClient,
    ) -> None:
        self.permission = permission
        """Whom this node listens to; it may be changed while it runs."""
        self._ward = ward
        self._clock = clock
        self._topics = Topics(ward.site)
        self._events = OutboxPublisher(journal, clock)
        readings = TelemetryWriter(ward)
        self._telemetry = TelemetryLane(readings, clock, self._offer_telemetry)
        safe = broker.loopback or broker.tls is not None
        refused = "" if safe else f"the broker {broker.host} is not on this machine, and there is no TLS"
        if refused:
            _log.warning("commands refused", reason=refused)
        self._retained = RetainedTopics(ward, readings, clock, refused)
        self._replies: deque[ReplyPayload] = deque(maxlen=REPLIES_WAITING)
        self._replied = asyncio.Event()
        self.commands = Commands(ward, commands, journal.command_seen, clock, self._reply, permission)
        self._swept = asyncio.Event()
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._connection = MqttConnection(
            broker,
            identifier=f"pumpd-{ward.site}-{ward.node}",
            on_message=self._take,
            will=LastWill(self._topics.node_status(ward.node), self._status(None)),
            subscriptions=[
                (self._topics.node_status(ward.node), 1),
                *([] if refused else [(self._topics.commands(ward.node), 1)]),
            ],
            chance=chance,
            session=session,
        )
        self._told = self._told_before = False
        """Whether the broker has had our status at all, and whether in an earlier connection."""
        self._namesakes: set[str] = set()

    @property
    def up(self) -> bool:
        """True while there is a broker."""
        return self._connection.up

    @property
    def shown_until(self) -> datetime | None:
        """When the certificate ends that the broker showed last; None when it never showed one."""
        return self._connection.shown_until

    @property
    def events(self) -> OutboxPublisher:
        """Events on their way to the broker."""
        return self._events

    def reading(self, live: LivePump) -> None:
        """Tell that ``live.state.last`` is new."""
        self._telemetry.reading(live)

    def changed(self, live: LivePump) -> None:
        """Tell that something other than numbers changed."""
        self._retained.changed(live)

    def node_changed(self) -> None:
        """Tell that the node's own told alarms changed."""
        self._retained.node_changed()

    def journalled(self, lines: Sequence[OutboxLine]) -> None:
        """Send these events: they are on disk."""
        self._events.journalled(lines)

    def unjournalled(self, event: EventPayload) -> None:
        """Send this event although it is not on disk."""
        self._events.unjournalled(event)

    async def run(self) -> None:
        """Keep the connection to the broker until ``close`` or cancellation."""
        running = asyncio.create_task(self._connection.run(self._while_up), name="publisher.connection")
        closing = asyncio.create_task(self._closing.wait(), name="publisher.closing")
        try:
            await asyncio.wait({running, closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._connection.up:  # else there is nobody to say goodbye to
                await asyncio.wait({running}, timeout=FAREWELL_S + OFFLINE_S)
            if running.done():
                running.result()
        finally:
            for task in (running, closing):
                task.cancel()
            await asyncio.gather(running, closing, return_exceptions=True)
            await self.commands.close()
            self._ended.set()

    async def close(self) -> None:
        """Publish what waits and ``offline``, and disconnect; at most 1 s."""
        self._closing.set()
        await self._ended.wait()

    async def _while_up(self) -> None:
        self._told_before = self._told
        try:
            lanes = [
                asyncio.create_task(lane, name=f"publisher.{name}")
                for name, lane in (
                    ("telemetry", self._telemetry.run()),
                    ("retained", self._retained.run(self._publish_retained)),
                    ("events", self._events.run(self._publish_event)),
                    ("replies", self._send_replies()),
                    ("sweep", self._sweep()),
                    ("farewell", self._farewell()),
                )
            ]
            *_, farewell = lanes
            try:
                running = set(lanes)
                while not farewell.done():
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for lane in done:
                        lane.result()
            except TransportError:
                raise
            except Exception as error:
                # A new connection starts from present state; one fault must not silence all for good.
                _log.exception("publisher failed")
                raise TransportError(f"the publisher failed: {error!r}") from error
            finally:
                for lane in lanes:
                    lane.cancel()
                await asyncio.gather(*lanes, return_exceptions=True)
            await self._publish_retained(self._topics.node_status(self._ward.node), self._status(self._clock))
        finally:
            self._events.lost()

    async def _farewell(self) -> None:
        await self._closing.wait()
        try:
            async with asyncio.timeout(FAREWELL_S):
                while not (self._events.idle and self._retained.idle and not self._replies):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            _log.warning("not everything was published before the end")

    def _status(self, clock: Clock | None) -> bytes:
        return state.gone(self._ward, clock).model_dump_json().encode()

    async def _publish_retained(self, topic: str, payload: bytes) -> None:
        await self._connection.publish(topic, payload, retain=True)
        self._told = True

    async def _publish_event(self, payload: bytes) -> None:
        await self._connection.publish(self._topics.node_event(self._ward.node), payload)

    async def _offer_telemetry(self, payload: bytes) -> bool:
        return await self._connection.offer(self._topics.node_telemetry(self._ward.node), payload)

    def _take(self, message: Incoming) -> None:
        if message.topic == self._topics.node_status(self._ward.node):
            self._told_of_us(message)
        elif message.topic.startswith(f"{self._topics.prefix}/pump/"):
            if message.retained:
                self._swept.set()
                self._retained.found(message)
        else:
            self.commands.take(message)

    def _told_of_us(self, message: Incoming) -> None:
        """Tell when somebody else speaks for this node, and put our own word in its place."""
        if not message.payload or (message.retained and not self._told_before):
            return  # an earlier run's, or an emptied one
        try:
            boot_id = NodeStatusPayload.model_validate_json(message.payload).boot_id
        except ValidationError:
            boot_id = "unreadable"
        if boot_id == self._ward.boot_id:
            return
        self.node_changed()
        if boot_id not in self._namesakes and len(self._namesakes) < NAMESAKES_TOLD:
            self._namesakes.add(boot_id)
            _log.error(
                "another program speaks for this node: every pumpd needs a node name of its own",
                node=self._ward.node,
                its_boot_id=boot_id,
            )

    async def _sweep(self) -> None:
        """Look through what the broker keeps of pumps, so that topics of removed ones can be emptied."""
        filters = self._topics.everything_of_pumps()
        for topic in filters:
            await self._connection.subscribe(topic, qos=0)
        while True:
            self._swept.clear()
            try:
                async with asyncio.timeout(SWEEP_QUIET_S):
                    await self._swept.wait()
            except TimeoutError:
                break
        for topic in filters:
            await self._connection.unsubscribe(topic)

    def _reply(self, answer: ReplyPayload) -> None:
        self._replies.append(answer)
        self._replied.set()

    async def _send_replies(self) -> None:
        while True:
            self._replied.clear()
            while self._replies:
                answer = self._replies[0]
                topic = self._topics.reply(self._ward.node, answer.id)
                await self._connection.publish(topic, answer.model_dump_json().encode())
                if self._replies and self._replies[0] is answer:
                    self._replies.popleft()
            await self._replied.wait()
