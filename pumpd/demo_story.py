"""What happens on the demo's ward, in plain words, from what the node tells on MQTT and from nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import ValidationError

from pumpd.brokers import broker_of
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.contract.payloads import EventPayload, ReadingPart, TelemetryPayload
from pumpd.contract.topics import Topics
from pumpd.mqtt import Incoming, MqttConnection

Tell = Callable[[str], None]

HOLD_S = 0.6
"""Lines wait this long and come out in the order in which things happened: readings travel together."""

_RESTRAINT = {
    "asked": "pumpd pauses the pump ({detail})",
    "paused": "read back: the pump is PAUSED, and only a hand at the pump starts it again",
    "failed": "THE PAUSE DID NOT WORK ({detail}): stop the pump by hand",
}


_INFUSION = {
    "begun": "{by} begins an infusion for {detail}",
    "observed": "{by} has looked at the patient: {detail}",
    "titrated": "titrated at the pump, {detail}",
    "ended": "{by} ends the infusion of {detail}",
}


def sentence(event: EventPayload) -> str | None:
    """Return what to tell of an event, None for what a visitor need not hear."""
    if event.resent:
        return None
    where = f"bed {event.bed}" if event.bed else (event.pump or "the node")
    if event.kind == "restraint":
        words = _RESTRAINT.get(event.event)
        return words and f"{where}: {words.format(detail=event.detail.partition(': ')[2] or event.detail)}"
    if event.kind == "infusion":
        words = _INFUSION.get(event.event)
        return words and f"{where}: {words.format(by=event.by, detail=event.detail.partition(';')[0])}"
    alarm = event.alarm
    if alarm is None:
        return None
    if event.event == "acknowledge":
        return f"{where}: {event.by} has it: {alarm.title}"
    if event.event in {"raise", "worsen"}:
        return f"{where}: {alarm.priority} alarm: {alarm.title}"
    return f"{where}: over: {alarm.title}" if event.event == "clear" else None


def rate_change(before: ReadingPart, now: ReadingPart) -> str | None:
    """Return what a hand at the pump did to its rate between two readings."""
    old, new = before.set_flow_ml_h, now.set_flow_ml_h
    if old is None or new is None or old == new:
        return None
    return f"at the pump, the rate is set from {old} to {new} mL/h"


def status_change(before: ReadingPart, now: ReadingPart) -> str | None:
    """Return what the pump says of itself, where it said something else before."""
    return None if before.status == now.status else f"the pump says: {now.status} (it said {before.status})"


class Story:
    """Follows a node and tells what happens, with the time of day."""

    def __init__(self, config: Config, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._beds = {pump.id: f"bed {pump.bed}" if pump.bed else pump.id for pump in config.pumps}
        self._unheard = set(self._beds)
        self._last: dict[str, tuple[datetime, ReadingPart]] = {}
        self._waiting: list[tuple[datetime, int, str]] = []
        self._count = 0
        topics = Topics(config.site)
        self._event = topics.node_event(config.node)
        self._connection = MqttConnection(
            broker_of(config),
            identifier="pumpd-demo-story",
            on_message=self._hear,
            subscriptions=((topics.node_telemetry(config.node), 0), (self._event, 1)),
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._connection.run(_for_ever)

    def _hear(self, message: Incoming) -> None:
        with contextlib.suppress(ValidationError):
            if message.topic == self._event:
                event = EventPayload.model_validate_json(message.payload)
                words = sentence(event)
                if words is not None:
                    self._say(event.at, words)
            else:
                for reading in TelemetryPayload.model_validate_json(message.payload).readings:
                    self._read(reading)

    def _read(self, reading: ReadingPart) -> None:
        at = self._clock.wall() - timedelta(milliseconds=reading.age_ms)
        last = self._last.get(reading.pump)
        self._last[reading.pump] = (at, reading)
        where = self._beds.get(reading.pump, reading.pump)
        if last is not None:
            # A rate was changed after the reading before; that pumpd acted on it comes after that.
            earliest, before = last
            if words := rate_change(before, reading):
                self._say(earliest, f"{where}: {words}")
            if words := status_change(before, reading):
                self._say(at, f"{where}: {words}")
        elif self._unheard:
            self._unheard.discard(reading.pump)
            if not self._unheard:
                self._say(at, f"all {len(self._beds)} simulated pumps are live")

    def _say(self, at: datetime, words: str) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, words))
        asyncio.get_running_loop().call_later(HOLD_S, self._tell_oldest)

    def _tell_oldest(self) -> None:
        at, _, words = heapq.heappop(self._waiting)
        self._tell(f"{at.astimezone():%H:%M:%S}  {words}")


async def _for_ever() -> None:
    await asyncio.Event().wait()
