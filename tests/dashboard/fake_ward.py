"""A ward of canned pumps on a broker, to look at the page without a daemon.

``python -m tests.dashboard.fake_ward PORT SCENE`` publishes until it is stopped.
Scenes: calm, busy, stale, real, mixed (beds 1 to 3 are real), hostile, laboratory (bed 12).
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pumpd.clock import SystemClock
from pumpd.contract.envelope import SignedPayload, digest_of
from pumpd.contract.payloads import (
    AcknowledgePayload,
    AlarmPart,
    EventPayload,
    LinkPart,
    NodeStatusPayload,
    ReplyPayload,
    SnapshotPayload,
)
from pumpd.contract.topics import Topics
from pumpd.core.conditions import ConditionId
from pumpd.mqtt import Broker, Incoming, LastWill, MqttConnection
from tests.dashboard import canned

NAMES = ["B.K.", "A.M.", "J.d.V.", "S.O.", "R.T.", "E.L.", "H.B.", "C.W.", "M.N.", "P.F.", "I.G.", "D.Z."]

EVENTS_AFTER_S = 4.0
"""A dashboard that starts at the same time is there by then."""


@dataclass
class FakePump:
    """One canned pump whose volume runs on."""

    number: int
    snapshot: dict[str, Any]
    flow: float
    volume: float
    silent_since_s: float | None = None
    alarms: list[AlarmPart] = field(default_factory=list)
    seq: int = 0
    taken_s: float = 0.0

    @property
    def name(self) -> str:
        """The asset number."""
        return f"PUMP-{self.number:02}"


def _pumps(scene: str, now: datetime) -> list[FakePump]:
    pumps = []
    for number in range(1, 13):
        flow = [10.5, 7.0, 14.0, 10.5, 5.3, 8.8, 12.3, 3.5, 10.5, 17.5, 7.0, 10.5][number - 1]
        fields: dict[str, Any] = {"label": NAMES[number - 1], "bed": str(number)}
        if scene == "real" or (scene == "mixed" and number <= 3):
            fields["provenance"] = "real"
        if scene == "hostile":
            fields |= _hostile(number)
        pumps.append(FakePump(number, fields, flow, 4.0 + 1.7 * number))
    if scene == "busy":
        _make_busy(pumps, now)
    if scene == "stale":
        pumps[2].silent_since_s = pumps[6].silent_since_s = 0.0
        pumps[6].alarms = [canned.alarm(ConditionId.LINK_LOST, since=now)]
    if scene == "laboratory":
        pumps[11].snapshot |= {"provenance": "real", "make": "New Era", "model": "NE-1000"}
        pumps[11].snapshot["link"] = LinkPart(
            state="up", driver="new-era", verified="simulator", human_use=False, url="serial:///dev/ttyUSB0"
        )
    pumps[8].flow = 0.0
    pumps[8].snapshot["status"] = "stopped"
    pumps[11].flow = 0.0
    pumps[11].snapshot |= {"status": "standby", "programme": None, "limits": None, "label": ""}
    return pumps


def _make_busy(pumps: list[FakePump], now: datetime) -> None:
    def since(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    pumps[3].flow = 49.0
    pumps[3].alarms = [
        canned.alarm(ConditionId.OVER_HARD, measured="1.4 mg/kg/h", allowed="1 mg/kg/h", since=since(0.2))
    ]
    pumps[6].flow = 0.0
    pumps[6].snapshot["status"] = "paused"
    pumps[6].alarms = [
        canned.alarm(
            ConditionId.OVER_HARD,
            signal="latched",
            measured="1.2 mg/kg/h",
            allowed="1 mg/kg/h",
            since=since(4),
        ),
        canned.alarm(ConditionId.RESTRAINED, measured="1.2 mg/kg/h", allowed="1 mg/kg/h", since=since(4)),
    ]
    pumps[9].flow = 21.0
    pumps[9].alarms = [
        canned.alarm(ConditionId.OVER_SOFT, measured="0.6 mg/kg/h", allowed="0.5 mg/kg/h", since=since(2))
    ]
    pumps[1].alarms = [
        canned.alarm(
            ConditionId.OCCLUSION,
            signal="acknowledged",
            since=since(6),
            acknowledged_by="Ann",
            acknowledged_at=since(5),
        )
    ]
    pumps[1].snapshot["status"] = "alarm"
    pumps[1].flow = 0.0
    pumps[4].alarms = [canned.alarm(ConditionId.NEAR_END, since=since(1))]
    pumps[7].silent_since_s = 0.0
    pumps[7].alarms = [canned.alarm(ConditionId.LINK_LOST, since=now)]


def _hostile(number: int) -> dict[str, Any]:
    """Return words that would bend a page that trusts them."""
    markup = "<img src=x onerror=alert(1)>"
    long = canned.KETAMINE.model_copy(
        update={"drug": "Polyhexamethylenbiguanid" * 400, "concentration": "2 mg/mL"}
    )
    return {
        "label": [markup, "W" * 10_000, "\u202eB.K.", "\u200b\u200b"][number % 4 - 1],
        "bed": str(number) if number % 3 else f"{number} \u202e window, behind the second curtain {markup}",
        "model": "\u2066" * 5000,
        "programme": long,
    }


class FakeWard:
    """Publishes what a daemon would, and answers "I have it"."""

    def __init__(self, port: int, scene: str) -> None:
        self.clock = SystemClock()
        self.topics = Topics(canned.SITE)
        self.pumps = _pumps(scene, self.clock.wall())
        self.seq = 0
        self.events = 0
        self.connection = MqttConnection(
            Broker("127.0.0.1", port),
            identifier="fake-ward",
            on_message=self.on_message,
            will=LastWill(self.topics.node_status(canned.NODE), self._status("lost")),
            subscriptions=[(self.topics.commands(canned.NODE), 1)],
        )
        self.commands: asyncio.Queue[tuple[str, AcknowledgePayload]] = asyncio.Queue()

    def _now_s(self) -> float:
        return self.clock.monotonic_ns() / 1e9

    def _status(self, state: Any) -> bytes:
        notes = [canned.alarm(ConditionId.HISTORY_FAILING, measured="disk full", since=self.clock.wall())]
        payload: NodeStatusPayload = canned.status(
            state, boot_id=self.clock.boot_id, pumps=[f"{p.name}/1" for p in self.pumps], alarms=notes
        )
        return payload.model_dump_json().encode()

    def on_message(self, message: Incoming) -> None:
        """Take a command."""
        if message.topic.endswith("/acknowledge"):
            said = SignedPayload.model_validate_json(message.payload).command
            self.commands.put_nowait(
                (digest_of(message.payload), AcknowledgePayload.model_validate_json(said))
            )

    async def _answer(self) -> None:
        while True:
            of, command = await self.commands.get()
            pump = next(p for p in self.pumps if p.name == command.pump)
            if pump.number == 10:
                continue
            found = next((a for a in pump.alarms if a.condition == command.condition), None)
            accepted = found is not None and found.revision == command.revision
            if found is not None and accepted:
                pump.alarms.remove(found)
                seen = found.model_copy(
                    update={
                        "signal": "acknowledged",
                        "acknowledged_by": command.user,
                        "acknowledged_at": self.clock.wall(),
                    }
                )
                if found.signal == "on":
                    pump.alarms.append(seen)
                await self._event(pump, seen, "acknowledge", command.user)
                await self._snapshot(pump)
            reason = "" if accepted else "no such alarm"
            reply = ReplyPayload(id=command.id, of=of, accepted=accepted, reason=reason)
            await self.connection.publish(
                self.topics.reply(canned.NODE, command.id), reply.model_dump_json().encode()
            )

    async def _event(self, pump: FakePump, alarm: AlarmPart, event: str, by: str = "") -> None:
        self.events += 1
        payload = EventPayload(
            id=f"{self.clock.boot_id}-{self.events}",
            node=canned.NODE,
            boot_id=self.clock.boot_id,
            seq=self.events,
            journalled=True,
            at=alarm.since if event == "raise" else self.clock.wall(),
            kind="alarm",
            pump=pump.name,
            channel="1",
            bed=str(pump.number),
            ward="pain-clinic",
            provenance="demo",
            event=event,
            alarm=alarm,
            by=by,
        )
        await self.connection.publish(self.topics.node_event(canned.NODE), payload.model_dump_json().encode())

    def _reading(self, pump: FakePump) -> Any:
        status = pump.snapshot.get("status", "running")
        return canned.reading(
            pump.name,
            seq=pump.seq,
            age_ms=round((self._now_s() - pump.taken_s) * 1000),
            status=status,
            flow_ml_h=f"{pump.flow:g}",
            set_flow_ml_h=f"{pump.flow:g}",
            volume_ml=f"{pump.volume:.1f}",
            vtbi_ml=f"{50 - pump.volume:.1f}",
            dose=None if pump.snapshot.get("programme", 0) is None else f"{pump.flow * 2 / 70:.6f}",
            provenance=pump.snapshot.get("provenance", "demo"),
        )

    async def _snapshot(self, pump: FakePump) -> None:
        fields = {key: value for key, value in pump.snapshot.items() if key != "status"}
        payload: SnapshotPayload = canned.snapshot(
            pump.name,
            seq=pump.seq,
            sent_ms=round(self._now_s() * 1000),
            boot_id=self.clock.boot_id,
            at=self.clock.wall(),
            reading=self._reading(pump),
            alarms=pump.alarms,
            **fields,
        )
        topic = self.topics.snapshot(pump.name, "1")
        await self.connection.publish(topic, payload.model_dump_json().encode(), retain=True)

    async def _publish(self) -> None:
        await self.connection.publish(
            self.topics.node_status(canned.NODE), self._status("online"), retain=True
        )
        for pump in self.pumps:
            pump.seq, pump.taken_s = 1, self._now_s()
            await self._snapshot(pump)
        await asyncio.sleep(EVENTS_AFTER_S)
        for pump in self.pumps:
            for found in pump.alarms:
                await self._event(pump, found, "raise")
        while True:
            await asyncio.sleep(0.5)
            live = [pump for pump in self.pumps if pump.silent_since_s is None]
            for pump in live:
                pump.seq += 1
                pump.taken_s = self._now_s() - 0.1
                pump.volume += pump.flow / 7200
            self.seq += 1
            payload = canned.telemetry(
                *map(self._reading, live),
                seq=self.seq,
                sent_ms=round(self._now_s() * 1000),
                boot=self.clock.boot_id,
            )
            await self.connection.offer(
                self.topics.node_telemetry(canned.NODE), payload.model_dump_json().encode()
            )

    async def run(self) -> None:
        """Publish until cancelled."""

        async def work() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._publish(), name="fake-ward.publish")
                group.create_task(self._answer(), name="fake-ward.answer")

        await self.connection.run(work)


if __name__ == "__main__":
    asyncio.run(FakeWard(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "calm").run())
