"""What the dashboard knows right now, from MQTT alone: the snapshot is the truth, telemetry its numbers.

Nothing here reads a clock: arrival times are parameters, in milliseconds of this machine's monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from pydantic import ValidationError

from pumpd.contract.age import Transit
from pumpd.contract.payloads import (
    EventPayload,
    NodeStatusPayload,
    ReadingPart,
    ReplyPayload,
    SnapshotPayload,
    TelemetryPayload,
)
from pumpd.contract.topics import Topics

EVENTS_KEPT = 200
"""Transitions a page that opens can be told without asking the history."""


class NotLive(Enum):
    """Why a channel's numbers are not shown as live."""

    LIVE = ""
    """They are live."""
    BROKER = "broker"
    """This dashboard has lost the broker."""
    WAITING = "waiting"
    """Only what the broker kept is known: no fresh message of the same boot has followed."""
    NODE_LOST = "node-lost"
    """The daemon is gone without a word."""
    NODE_OFFLINE = "node-offline"
    """The daemon was stopped."""
    NEVER = "never"
    """Configured, but nothing was ever heard of it."""


@dataclass(slots=True)
class Node:
    """One daemon as this dashboard sees it."""

    name: str
    status: NodeStatusPayload | None = None
    fresh_boot: str | None = None
    """The boot id of the last message that was not retained; None before the first on this connection."""
    sent_ms: int = 0
    arrived_ms: int = 0
    """When ``sent_ms`` was last heard, so that the node's clock can be carried on."""
    transits: dict[str, Transit] = field(default_factory=dict)
    """Per boot id: monotonic clocks of different boots can not be compared."""

    def heard(self, boot_id: str, sent_ms: int, now_ms: int, *, retained: bool) -> None:
        """Take note of one message: of its travel, and of the boot that is alive when it was not retained."""
        if boot_id not in self.transits:
            self.transits = {boot: rule for boot, rule in self.transits.items() if boot == self.fresh_boot}
            self.transits[boot_id] = Transit()
        self.transits[boot_id].observe(sent_ms, now_ms)
        if not retained:
            self.fresh_boot = boot_id
            self.sent_ms, self.arrived_ms = sent_ms, now_ms

    def clock_ms(self, now_ms: int) -> int | None:
        """Return the node's monotonic clock at ``now_ms``, None before a fresh message was heard."""
        return None if self.fresh_boot is None else self.sent_ms + now_ms - self.arrived_ms


@dataclass(slots=True)
class Channel:
    """One delivery channel: its last snapshot and the newest numbers of the same boot."""

    snapshot: SnapshotPayload
    reading: ReadingPart | None
    sent_ms: int
    """``sent_ms`` of the message the reading came with, on the node's monotonic clock."""


class Kind(Enum):
    """What a message changed."""

    NOTHING = "nothing"
    CARD = "card"
    """A whole picture of a channel: alarms, programme, link."""
    NUMBERS = "numbers"
    """Numbers of some channels."""
    NODE = "node"
    EVENT = "event"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Change:
    """What one message changed, for those who must be told."""

    kind: Kind
    keys: tuple[str, ...] = ()
    event: EventPayload | None = None
    reply: ReplyPayload | None = None


NOTHING = Change(Kind.NOTHING)


def key_of(pump: str, channel: str) -> str:
    """Return the key of a channel on the page."""
    return f"{pump}/{channel}"


class LiveWard:
    """All channels of one site as they are now."""

    def __init__(self, site: str) -> None:
        self.topics = Topics(site)
        self.channels: dict[str, Channel] = {}
        self.nodes: dict[str, Node] = {}
        self.broker_up = False
        self.broker_since_ms = 0
        self.events: dict[str, EventPayload] = {}
        """The last transitions by id, oldest first; one that is sent again takes its own place."""
        self.refused = 0
        """Messages that were not what the contract says; counted, never shown."""

    def broker(self, *, up: bool, now_ms: int) -> None:
        """Take note that the connection to the broker came or went: what was fresh must prove itself anew."""
        self.broker_up = up
        self.broker_since_ms = now_ms
        for node in self.nodes.values():
            node.fresh_boot = None

    def receive(self, topic: str, payload: bytes, *, retained: bool, now_ms: int) -> Change:
        """Take one MQTT message; a malformed one is counted and changes nothing."""
        rest = topic.removeprefix(self.topics.prefix + "/")
        try:
            match rest.split("/"):
                case ["pump", pump, channel, "snapshot"]:
                    return self._snapshot(key_of(pump, channel), payload, retained=retained, now_ms=now_ms)
                case ["node", name, "telemetry"] if not retained:
                    return self._telemetry(name, TelemetryPayload.model_validate_json(payload), now_ms)
                case ["node", name, "status"]:
                    return self._status(name, payload)
                case ["node", name, "event"] if not retained:
                    return self._event(name, EventPayload.model_validate_json(payload))
                case ["node", _, "reply", _] if not retained:
                    return Change(Kind.REPLY, reply=ReplyPayload.model_validate_json(payload))
                case _:
                    return NOTHING
        except ValidationError:
            return self._refused()

    def _snapshot(self, key: str, payload: bytes, *, retained: bool, now_ms: int) -> Change:
        if not payload:
            return Change(Kind.CARD, (key,)) if self.channels.pop(key, None) else NOTHING
        snapshot = SnapshotPayload.model_validate_json(payload)
        reading = snapshot.reading
        if key_of(snapshot.pump, snapshot.channel) != key or (
            reading is not None and key_of(reading.pump, reading.channel) != key
        ):
            return self._refused()
        node = self._node(snapshot.node)
        present = self.channels.get(key)
        channel = Channel(snapshot, snapshot.reading, snapshot.sent_ms)
        if present is not None and present.snapshot.boot_id == snapshot.boot_id:
            if snapshot.sent_ms < present.snapshot.sent_ms:
                return NOTHING
            newest = present.reading
            if newest is not None and (snapshot.reading is None or newest.seq > snapshot.reading.seq):
                channel = Channel(snapshot, newest, present.sent_ms)
        elif retained and present is not None and present.snapshot.boot_id == node.fresh_boot:
            return NOTHING
        node.heard(snapshot.boot_id, snapshot.sent_ms, now_ms, retained=retained)
        self.channels[key] = channel
        return Change(Kind.CARD, (key,))

    def _refused(self) -> Change:
        self.refused += 1
        return NOTHING

    def _telemetry(self, name: str, telemetry: TelemetryPayload, now_ms: int) -> Change:
        if telemetry.node != name:
            return self._refused()
        node = self._node(name)
        proved = node.fresh_boot != telemetry.boot_id
        node.heard(telemetry.boot_id, telemetry.sent_ms, now_ms, retained=False)
        keys = [key for key, channel in self.channels.items() if proved and channel.snapshot.node == name]
        for reading in telemetry.readings:
            key = key_of(reading.pump, reading.channel)
            channel = self.channels.get(key)
            if channel is None or channel.snapshot.boot_id != telemetry.boot_id:
                continue
            if channel.snapshot.node != name:
                continue
            if channel.reading is not None and reading.seq <= channel.reading.seq:
                continue
            channel.reading, channel.sent_ms = reading, telemetry.sent_ms
            if not proved:
                keys.append(key)
        if not keys:
            return NOTHING
        return Change(Kind.CARD if proved else Kind.NUMBERS, tuple(keys))

    def _status(self, name: str, payload: bytes) -> Change:
        if not payload:
            self.nodes.pop(name, None)
            return Change(Kind.NODE)
        status = NodeStatusPayload.model_validate_json(payload)
        if status.node != name:
            return self._refused()
        self._node(name).status = status
        return Change(Kind.NODE)

    def _event(self, name: str, event: EventPayload) -> Change:
        if event.node != name:
            return self._refused()
        self.events[event.id] = event
        if len(self.events) > EVENTS_KEPT:
            del self.events[next(iter(self.events))]
        return Change(Kind.EVENT, event=event)

    def _node(self, name: str) -> Node:
        return self.nodes.setdefault(name, Node(name))

    def not_live(self, channel: Channel) -> NotLive:
        """Return why this channel's numbers are not live, LIVE when they are (stale is told by their age)."""
        node = self._node(channel.snapshot.node)
        boot = channel.snapshot.boot_id
        if not self.broker_up:
            return NotLive.BROKER
        if node.status is not None and node.status.boot_id == boot and node.status.state != "online":
            return NotLive.NODE_LOST if node.status.state == "lost" else NotLive.NODE_OFFLINE
        if node.fresh_boot != boot:
            return NotLive.WAITING
        return NotLive.LIVE

    def age_ms(self, channel: Channel, now_ms: int) -> int | None:
        """Return the age of the channel's reading at ``now_ms``, None when there is none."""
        if channel.reading is None:
            return None
        transit = self._node(channel.snapshot.node).transits.get(channel.snapshot.boot_id)
        if transit is None:
            return None
        return transit.age_ms(channel.reading.age_ms, channel.sent_ms, now_ms)
