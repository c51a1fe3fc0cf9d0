"""The dashboard's end of MQTT: what comes in goes to the live ward and the pages, commands go out."""

from __future__ import annotations

import asyncio

from dashboard.commands import Commands
from dashboard.live import Change, Kind, LiveWard
from dashboard.stream import Hub
from pumpd.clock import Clock
from pumpd.contract.payloads import PresencePayload
from pumpd.mqtt import Broker, Incoming, LastWill, MqttConnection
from pumpd.signing import Signer

PRESENCE_EVERY_S = 1.0
"""How often the number of open pages is looked at; it is published when it changes."""


class Feed:
    """Keeps the connection to the broker."""

    def __init__(self, ward: LiveWard, hub: Hub, clock: Clock, broker: Broker, signer: Signer) -> None:
        self._ward = ward
        self._hub = hub
        self._clock = clock
        dashboard_id = self._dashboard_id = signer.dashboard
        self._presence_topic = ward.topics.presence(dashboard_id)
        self.connection = MqttConnection(
            broker,
            identifier=f"pumpd-{dashboard_id}-{clock.boot_id}",
            on_message=self.on_message,
            will=LastWill(self._presence_topic, self._presence(watching=False)),
            subscriptions=[(topic, 1) for topic in ward.topics.everything_live()],
        )
        self.commands = Commands(ward, clock, signer, self.connection.publish)

    def on_message(self, message: Incoming) -> None:
        """Take one message from the broker."""
        now_ms = self._clock.monotonic_ns() // 1_000_000
        change = self._ward.receive(message.topic, message.payload, retained=message.retained, now_ms=now_ms)
        if change.reply is not None:
            self.commands.reply(change.reply)
        self._hub.tell(change)

    async def run(self) -> None:
        """Keep connected until cancelled."""
        await self.connection.run(self._while_up)

    async def _while_up(self) -> None:
        self._broker(up=True)
        told: int | None = None
        try:
            while True:
                if self._hub.open_pages != told:
                    told = self._hub.open_pages
                    payload = self._presence(watching=True, pages=told)
                    await self.connection.publish(self._presence_topic, payload, retain=True)
                await asyncio.sleep(PRESENCE_EVERY_S)
        finally:
            self._broker(up=False)

    def _broker(self, *, up: bool) -> None:
        self._ward.broker(up=up, now_ms=self._clock.monotonic_ns() // 1_000_000)
        self._hub.tell(Change(Kind.NODE))

    def _presence(self, *, watching: bool, pages: int = 0) -> bytes:
        payload = PresencePayload(dashboard=self._dashboard_id, watching=watching, pages=pages)
        return payload.model_dump_json().encode()
