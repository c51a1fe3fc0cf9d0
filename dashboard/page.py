"""What travels to a page: frames of plain JSON values, each with the server's monotonic ``sent_ms``.

The page works out ages from ``sent_ms`` by the same rule as the server does from the daemon's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dashboard.live import Channel, LiveWard, NotLive, key_of
from dashboard.plain_text import plain_values
from pumpd.clock import Clock
from pumpd.contract.payloads import EventPayload

Frame = dict[str, Any]


class FrameKind(StrEnum):
    """What a page is told."""

    PICTURE = "picture"
    CARDS = "cards"
    NUMBERS = "numbers"
    SITE = "site"
    BEAT = "beat"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class ConfiguredPump:
    """A pump of the configuration: what is shown of it before the daemon ever spoke."""

    pump: str
    bed: str
    ward: str
    label: str
    provenance: str
    """``real`` or ``demo``, as configured."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes the frames."""

    ward: LiveWard
    clock: Clock
    site: str
    version: str
    configured: tuple[ConfiguredPump, ...] = ()

    def now_ms(self) -> int:
        """Return this machine's monotonic clock in ms."""
        return self.clock.monotonic_ns() // 1_000_000

    def _frame(self, kind: FrameKind, **parts: Any) -> Frame:
        return {"t": kind.value, "sent_ms": self.now_ms(), **parts}

    def picture(self) -> Frame:
        """Return everything: the first frame of every page, and ``/api/state``."""
        now_ms = self.now_ms()
        known = {channel.snapshot.pump for channel in self.ward.channels.values()}
        cards = [self._card(key, channel, now_ms) for key, channel in self.ward.channels.items()]
        cards += [self._unheard(pump) for pump in self.configured if pump.pump not in known]
        return self._frame(
            FrameKind.PICTURE,
            site=self.site,
            version=self.version,
            **self._site_state(),
            pumps=cards,
            events=[self.event_part(event) for event in self.ward.events.values()],
        )

    def cards(self, keys: Iterable[str]) -> Frame:
        """Return whole cards of ``keys``; one that is gone is named in ``gone``."""
        now_ms = self.now_ms()
        present, gone = [], []
        for key in keys:
            channel = self.ward.channels.get(key)
            if channel is None:
                gone.append(key)
            else:
                present.append(self._card(key, channel, now_ms))
        return self._frame(FrameKind.CARDS, pumps=present, gone=gone)

    def numbers(self, keys: Iterable[str]) -> Frame:
        """Return the newest numbers of ``keys``."""
        now_ms = self.now_ms()
        parts = []
        for key in keys:
            channel = self.ward.channels.get(key)
            if channel is not None:
                parts.append({"key": key, **self._numbers(channel, now_ms)})
        return self._frame(FrameKind.NUMBERS, pumps=parts)

    def site_state(self) -> Frame:
        """Return what is so for all cards, after a node or the broker came or went."""
        now_ms = self.now_ms()
        live = {key: self.ward.not_live(channel).value for key, channel in self.ward.channels.items()}
        ages = {key: self.ward.age_ms(channel, now_ms) for key, channel in self.ward.channels.items()}
        return self._frame(FrameKind.SITE, **self._site_state(), not_live=live, ages=ages)

    def beat(self, number: int) -> Frame:
        """Return the heartbeat: server time, once a second."""
        return self._frame(FrameKind.BEAT, n=number, server_time=self.clock.wall().isoformat())

    def event(self, event: EventPayload) -> Frame:
        """Return one transition; these are never collapsed."""
        return self._frame(FrameKind.EVENT, event=self.event_part(event))

    @staticmethod
    def event_part(event: EventPayload) -> Frame:
        """Return a transition as it stands in frames."""
        part: Frame = plain_values(event.model_dump(mode="json", exclude={"v", "advisory"}))
        return part

    def _site_state(self) -> Frame:
        nodes = []
        for node in self.ward.nodes.values():
            status = node.status.model_dump(mode="json", exclude={"v", "advisory"}) if node.status else None
            heard = node.fresh_boot is not None
            nodes.append({"node": node.name, "status": plain_values(status), "heard": heard})
        return {
            "server_time": self.clock.wall().isoformat(),
            "broker_up": self.ward.broker_up,
            "nodes": nodes,
        }

    def _numbers(self, channel: Channel, now_ms: int) -> Frame:
        reading = channel.reading
        return {
            "reading": reading.model_dump(mode="json") if reading else None,
            "age_ms": self.ward.age_ms(channel, now_ms),
            "not_live": self.ward.not_live(channel).value,
        }

    def _card(self, key: str, channel: Channel, now_ms: int) -> Frame:
        snapshot = channel.snapshot.model_dump(
            mode="json", exclude={"v", "advisory", "reading", "sent_ms", "seq"}
        )
        return {"key": key, **plain_values(snapshot), **self._numbers(channel, now_ms)}

    @staticmethod
    def _unheard(pump: ConfiguredPump) -> Frame:
        return {
            "key": key_of(pump.pump, "1"),
            "pump": pump.pump,
            "channel": "1",
            "bed": pump.bed,
            "ward": pump.ward,
            "label": pump.label,
            "provenance": pump.provenance,
            "reading": None,
            "age_ms": None,
            "not_live": NotLive.NEVER.value,
            "alarms": [],
        }
