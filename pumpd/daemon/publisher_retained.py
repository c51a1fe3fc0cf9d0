"""Retained topics: always the present state, also for a broker that came back empty.

Nothing is queued: a topic that changed is noted, and what it says is worked out when its turn comes. So a
broker that hangs gets the newest state and none of the states in between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from pumpd.clock import Clock
from pumpd.contract.topics import Topics
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon import publisher_state as state
from pumpd.daemon.publisher_snapshot import SnapshotWriter
from pumpd.daemon.publisher_telemetry import TelemetryWriter
from pumpd.daemon.seams import LivePump, Ward
from pumpd.mqtt import Incoming

REFRESH_WITHIN_S = 30.0
"""Every snapshot is published again within this."""
REFRESH_ROUND_S = 25.0
"""How long one round over all snapshots is meant to take, so that a slow broker does not make it late."""
REFRESH_AT_LEAST_EVERY_S = 1.0
"""Some snapshot is published at least this often: its PUBACK also shows that the broker is alive."""

Publish = Callable[[str, bytes], Awaitable[None]]
"""Publishes retained with QoS 1 and returns when the broker has it."""

Channel = tuple[PumpId, ChannelId]


class RetainedTopics:
    """What this node keeps at the broker; ``run`` lives as long as one connection, the rest outlives them."""

    def __init__(self, ward: Ward, readings: TelemetryWriter, clock: Clock, commands_refused: str) -> None:
        self._ward = ward
        self._topics = Topics(ward.site)
        self._clock = clock
        self._snapshots = {
            channel: SnapshotWriter(ward, live, readings, clock) for channel, live in ward.pumps.items()
        }
        self._commands_refused = commands_refused
        self._node_changed = False
        self._changed: dict[Channel, None] = {}
        self._new_to_broker: dict[Channel, None] = {}
        """Whom this connection has not published yet: they come after those that change."""
        self._refresh: dict[Channel, None] = dict.fromkeys(ward.pumps)
        """Whose snapshot was published longest ago comes first."""
        self._alarms_there: dict[Channel, dict[str, bytes]] = {channel: {} for channel in ward.pumps}
        """What stands on the alarm topics at the broker, as far as this connection knows."""
        self._abandoned: dict[str, None] = {}
        """Topics of ours at the broker that nothing stands behind."""
        self._wake = asyncio.Event()
        self._snapshot_topics = {self._topics.snapshot(*channel) for channel in ward.pumps}
        self._channel_of = {self._topics.alarm(*channel, "").rstrip("/"): channel for channel in ward.pumps}

    def changed(self, live: LivePump) -> None:
        """Note that a channel's snapshot or alarms say something else."""
        self._changed[live.pump, live.channel] = None
        self._wake.set()

    def node_changed(self) -> None:
        """Note that the node's status says something else."""
        self._node_changed = True
        self._wake.set()

    @property
    def idle(self) -> bool:
        """True when everything at the broker is as it should be."""
        return not (self._changed or self._new_to_broker or self._node_changed or self._abandoned)

    def found(self, message: Incoming) -> None:
        """Take note of what the broker keeps of a pump: ours with nothing behind it will be emptied."""
        if self._wanted(message.topic):
            channel = self._channel_of.get(message.topic.rpartition("/")[0])
            if channel is not None:
                self._alarms_there[channel].setdefault(message.topic, message.payload)
            return
        try:
            node = json.loads(message.payload)["node"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return  # not ours to judge
        if node == self._ward.node:
            self._abandoned[message.topic] = None
            self._wake.set()

    def _wanted(self, topic: str) -> bool:
        """Return whether something stands behind a topic; a broker may keep thousands, so it is looked up."""
        if topic in self._snapshot_topics:
            return True
        above, _, condition = topic.rpartition("/")
        channel = self._channel_of.get(above)
        return channel is not None and any(
            told.value == condition for told in self._ward.pumps[channel].told.alarms
        )

    async def run(self, publish: Publish) -> None:
        """Bring a broker that may know nothing, or something old, up to date, and keep it so."""
        for there in self._alarms_there.values():
            there.clear()
        self._abandoned.clear()
        self._new_to_broker = dict(self._refresh)
        self._node_changed = True
        loop = asyncio.get_running_loop()
        refresh_at_s = node_at_s = loop.time()
        while True:
            self._wake.clear()
            if loop.time() >= node_at_s:
                self._node_changed = True
                node_at_s = loop.time() + REFRESH_ROUND_S
            pause_s = min(REFRESH_AT_LEAST_EVERY_S, REFRESH_ROUND_S / max(1, len(self._refresh)))
            if self._node_changed:
                self._node_changed = False
                await self._publish_node(publish)
            elif channels := self._changed or self._new_to_broker:
                await self._publish_channel(publish, next(iter(channels)))
            elif self._abandoned:
                topic = next(iter(self._abandoned))
                del self._abandoned[topic]
                if not self._wanted(topic):
                    await publish(topic, b"")
            elif loop.time() >= refresh_at_s:
                refresh_at_s = max(refresh_at_s + pause_s, loop.time() - pause_s)
                if self._refresh:
                    self._changed[next(iter(self._refresh))] = None
                else:
                    self._node_changed = True
            else:
                timer = loop.call_at(refresh_at_s, self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    timer.cancel()

    async def _publish_node(self, publish: Publish) -> None:
        payload = state.online(self._ward, self._clock, self._commands_refused)
        await publish(self._topics.node_status(self._ward.node), payload.model_dump_json().encode())

    async def _publish_channel(self, publish: Publish, channel: Channel) -> None:
        self._changed.pop(channel, None)
        self._new_to_broker.pop(channel, None)
        self._refresh.pop(channel, None)
        self._refresh[channel] = None
        live, there = self._ward.pumps[channel], self._alarms_there[channel]
        picture = self._snapshots[channel].write()
        alarms = {
            self._topics.alarm(*channel, condition): payload.model_dump_json().encode()
            for condition, payload in state.alarms(self._ward, live).items()
        }
        over = {topic: b"" for topic in there if topic not in alarms}
        await publish(self._topics.snapshot(*channel), picture)
        for topic, said in (alarms | over).items():
            if there.get(topic) != said:
                await publish(topic, said)
            if said:
                there[topic] = said
            else:
                there.pop(topic, None)
