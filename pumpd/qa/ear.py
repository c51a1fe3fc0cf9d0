"""What is heard from a real broker, as any other system would hear it, and when that was."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime

from pumpd.contract.payloads import EventPayload, NodeStatusPayload, SnapshotPayload
from pumpd.contract.topics import Topics
from pumpd.mqtt import BackOff, Broker, Incoming, MqttConnection
from pumpd.qa.record import Channel, Record

LISTENER = "qa-judge"
AT_ONCE = BackOff(first_s=0.05, last_s=0.2)
KEEPALIVE_S = 60
"""Longer than a broker is frozen in any scenario: the judge's own connection outlasts it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the retained snapshot of a channel says of its reading."""

    freshness: str
    stale_after_ms: int
    lost_after_ms: int

    def freshness_of(self, age_ms: float) -> str:
        """Return what a reading of this age is shown as."""
        if age_ms < self.stale_after_ms:
            return "fresh"
        return "stale" if age_ms < self.lost_after_ms else "lost"


class Ear:
    """The judge's own client at the broker; everything it hears is written down."""

    def __init__(
        self, port: int, topics: Topics, node: str, record: Record, now_s: Callable[[], float]
    ) -> None:
        """Make it; ``now_s`` returns the seconds since the scenario began."""
        self._topics = topics
        self._node = node
        self._record = record
        self._now_s = now_s
        self._heard = hashlib.sha256()
        self._away_since_s: float | None = None
        self._away: list[tuple[float, float]] = []
        self.began: datetime | None = None
        """Time of day at which the scenario began."""
        self.shown: dict[Channel, Shown] = {}
        self.state = ""
        """What the node's retained status says: online, offline or lost."""
        self._connection = MqttConnection(
            Broker("127.0.0.1", port, keepalive_s=KEEPALIVE_S),
            identifier=LISTENER,
            on_message=self._hear,
            subscriptions=[(topic, 1) for topic in topics.everything_live()],
            chance=random.Random(0),  # noqa: S311 - jitter, no secret
            back_off=AT_ONCE,
        )

    async def run(self, while_up: Callable[[], Coroutine[None, None, None]]) -> None:
        """Listen until cancelled."""
        await self._connection.run(while_up)

    @property
    def sha256(self) -> str:
        """Hash of all that was heard, in hex."""
        return self._heard.hexdigest()

    @property
    def up(self) -> bool:
        """True while it is connected."""
        return self._connection.up

    @property
    def away(self) -> bool:
        """True from the moment that broker or daemon were taken away until the daemon is heard again."""
        return self._away_since_s is not None

    def take_away(self) -> None:
        """Take note that broker or daemon are gone from here on."""
        if self._away_since_s is None:
            self._away_since_s = self._now_s()

    def _hear(self, message: Incoming) -> None:
        self._heard.update(message.topic.encode() + b" " + message.payload)
        if b'"provenance":"real"' in message.payload:
            self._record.not_demo_count += 1
        if message.topic == self._topics.node_event(self._node):
            self._take_event(EventPayload.model_validate_json(message.payload))
        elif message.topic.endswith("/telemetry"):
            self._back()
        elif message.topic.endswith("/snapshot"):
            snapshot = SnapshotPayload.model_validate_json(message.payload)
            self.shown[snapshot.pump, snapshot.channel] = Shown(
                snapshot.freshness, snapshot.stale_after_ms, snapshot.lost_after_ms
            )
        elif message.topic == self._topics.node_status(self._node):
            self.state = NodeStatusPayload.model_validate_json(message.payload).state

    def _back(self) -> None:
        if self._away_since_s is not None:
            self._away.append((self._away_since_s, self._now_s()))
            self._away_since_s = None

    def _take_event(self, event: EventPayload) -> None:
        if event.journalled:
            self._record.published.add(event.id)
        self._record.told(self._told_at_s(event), event)

    def _told_at_s(self, event: EventPayload) -> float:
        """Return when it counts as told: when it was heard, unless nobody could hear it meanwhile."""
        heard_s = self._now_s()
        if self.began is None:
            return 0.0
        happened_s = (event.at - self.began).total_seconds()
        open_end = [] if self._away_since_s is None else [(self._away_since_s, heard_s)]
        if any(since_s <= heard_s and happened_s <= until_s for since_s, until_s in [*self._away, *open_end]):
            return max(0.0, happened_s)
        return heard_s
