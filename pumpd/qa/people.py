"""A person at a dashboard: sees what the broker says, and asks the daemon for what a person may ask."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from pumpd.contract.infusion_payloads import InfusionPart
from pumpd.contract.parts import CommandPayload, Part
from pumpd.contract.payloads import (
    AcknowledgePayload,
    AlarmPart,
    NodeStatusPayload,
    PausePumpPayload,
    ReplyPayload,
)
from pumpd.contract.quieting import (
    AcceptPayload,
    AlarmCommandPayload,
    OffLinePayload,
    PauseAudioPayload,
    ResumeAudioPayload,
    ShelvePayload,
    UnshelvePayload,
)
from pumpd.contract.roles import Role
from pumpd.contract.topics import Topics
from pumpd.errors import TransportError
from pumpd.mqtt import Broker, Incoming, MqttConnection, OpenSession
from pumpd.qa.carried import Carried, carried
from pumpd.qa.happenings import TYPED, SiteEvent
from pumpd.qa.record import Channel, Record
from pumpd.qa.seeded_keys import seeded_signer

DASHBOARD = "qa-desk"
OF_AN_ALARM: Mapping[str, type[AlarmCommandPayload]] = {
    "acknowledge": AcknowledgePayload,
    "pause-audio": PauseAudioPayload,
    "resume-audio": ResumeAudioPayload,
    "shelve": ShelvePayload,
    "unshelve": UnshelvePayload,
    "accept": AcceptPayload,
}
NOT_ON_SCREEN = {"infusion": "none on the screen", "version": 1}
"""What is asked of an infusion that no page shows: the daemon refuses it."""
SHOWN = "shown"
"""What a timeline types for the hash of a newer drug library: the one that is on the screen."""
ASKS_FOR_MS = 5_000
"""How long a request is valid."""


class Shown(Part):
    """What a person asks for something by, of the picture that comes every second."""

    pump: str
    infusion: InfusionPart | None = None
    alarms: list[AlarmPart]


class Desk:
    """One dashboard with people at it; what it hears is all that it knows."""

    def __init__(
        self,
        session: OpenSession,
        where: Broker,
        topics: Topics,
        node: str,
        record: Record,
        chance: random.Random,
        now_s: Callable[[], float],
    ) -> None:
        """Make it; ``now_s`` returns the seconds since the scenario began."""
        self._topics = topics
        self._signer = seeded_signer(DASHBOARD)
        self._node = node
        self._record = record
        self._now_s = now_s
        self._status: NodeStatusPayload | None = None
        self._revisions: dict[tuple[str | None, str], list[int]] = {}
        self._infusions: dict[Channel, dict[str, object]] = {}
        """What a page names when it asks something of an infusion: as it was last on the screen."""
        self._newer: dict[Channel, str] = {}
        """The hash of the tighter library that was last on the screen."""
        self._asked: dict[str, str] = {}
        self._count = 0
        self._sending: dict[asyncio.Task[None], None] = {}
        self._connection = MqttConnection(
            where,
            identifier=DASHBOARD,
            on_message=self._hear,
            subscriptions=[(topic, 1) for topic in topics.everything_live()],
            chance=chance,
            session=session,
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            await self._connection.run(_for_ever)
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    def ask(self, event: SiteEvent, now_ms: int) -> None:
        """Ask for what the timeline says; the answer is written down when it comes."""
        self._count += 1
        command_id = f"qa-request-{self._count:04}"
        if event.name is not None:
            self._record.answers[event.name] = "nothing"
            self._asked[command_id] = event.name
        common = {
            "id": command_id,
            "dashboard": DASHBOARD,
            "user": event.by,
            "role": Role.NURSE,
            "boot_id": "" if self._status is None else self._status.boot_id,
            "expires_ms": now_ms + ASKS_FOR_MS,
        }
        command: CommandPayload
        verb = event.action
        if event.action in OF_AN_ALARM:
            said = {
                **common,
                "pump": event.pump,
                "channel": None if event.pump is None else event.channel,
                "condition": event.alarm,
                "revision": self._revision(event),
                "for_s": None if event.for_s is None else round(event.for_s),
                "reason": "a person has a reason",
            }
            model = OF_AN_ALARM[event.action]
            command = model.model_validate({key: said[key] for key in said if key in model.model_fields})
        elif event.action == "off-line":
            command = OffLinePayload.model_validate(
                {
                    **common,
                    "pump": event.pump,
                    "channel": event.channel,
                    "for_s": round(event.for_s or 0),
                    "reason": "it goes to the workshop",
                }
            )
        elif event.action in TYPED:
            assert event.pump is not None
            verb, payload = TYPED[event.action]
            typed = dict(event.typed or {})
            if typed.get("library_sha256") == SHOWN:
                typed["library_sha256"] = self._newer.get((event.pump, event.channel), "none on the screen")
            command = payload.model_validate(
                {**common, "pump": event.pump, "channel": event.channel}
                | self._infusions.get((event.pump, event.channel), NOT_ON_SCREEN)
                | typed
            )
        else:
            reason = "a person at the bed asked for it"
            command = PausePumpPayload.model_validate(
                {**common, "pump": event.pump, "channel": event.channel, "reason": reason}
            )
        topic = self._topics.command(self._node, verb)
        task = asyncio.get_running_loop().create_task(
            self._send(topic, self._signer.message(topic, command)), name=f"qa.{command_id}"
        )
        self._sending[task] = None
        task.add_done_callback(lambda sent: self._sending.pop(sent, None))

    async def _send(self, topic: str, payload: bytes) -> None:
        try:
            await self._connection.publish(topic, payload)
        except TransportError:
            return  # the page says "not done: use the pump"; the scenario sees no answer

    def _revision(self, event: SiteEvent) -> int:
        seen = self._revisions.get((event.pump, event.alarm or ""), [0])
        return seen[max(0, len(seen) - 1 - (event.revisions_ago or 0))]

    def _hear(self, message: Incoming) -> None:
        if message.topic.endswith("/snapshot"):
            pump, channel = message.topic.split("/")[-3:-1]
            carries = b'"infusion":{' in message.payload
            if not carries and (pump, channel) in self._infusions:
                self._record.carries((pump, channel), Carried(self._now_s()))
            if b'"condition"' not in message.payload and not carries:
                return  # there is nothing to ask for, and there are many of them
            snapshot = Shown.model_validate_json(message.payload)
            if (infusion := snapshot.infusion) is not None:
                on_screen = {
                    "infusion": infusion.id,
                    "version": infusion.version,
                    "dose_revision": infusion.dose_revision,
                }
                self._infusions[pump, channel] = on_screen
                if infusion.newer_library is not None:
                    self._newer[pump, channel] = infusion.newer_library.sha256
                self._record.carries((pump, channel), carried(self._now_s(), infusion))
            for alarm in snapshot.alarms:
                self._saw(snapshot.pump, alarm.condition, alarm.revision)
        elif message.topic == self._topics.node_status(self._node):
            self._status = NodeStatusPayload.model_validate_json(message.payload)
            for alarm in self._status.alarms:
                self._saw(None, alarm.condition, alarm.revision)
        elif "/reply/" in message.topic:
            reply = ReplyPayload.model_validate_json(message.payload)
            name = self._asked.get(reply.id)
            if name is not None:
                self._record.answers[name] = "accepted" if reply.accepted else "refused"
            self._record.write(
                self._now_s(), "answer", id=reply.id, accepted=reply.accepted, reason=reply.reason
            )

    def _saw(self, pump: str | None, condition: str, revision: int) -> None:
        seen = self._revisions.setdefault((pump, condition), [])
        if revision not in seen:
            seen.append(revision)


async def _for_ever() -> None:
    await asyncio.Event().wait()
