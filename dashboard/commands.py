"""Requests of people: to the daemon over MQTT, and its answer within three seconds or none."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.acting import Acting
from dashboard.live import LiveWard
from dashboard.plain_text import plain
from pumpd.clock import Clock
from pumpd.contract.envelope import digest_of
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import AcknowledgePayload, ReplyPayload
from pumpd.contract.quieting import (
    AcceptPayload,
    AlarmCommandPayload,
    PauseAudioPayload,
    ResumeAudioPayload,
    ShelvePayload,
    UnshelvePayload,
)
from pumpd.core.inactivation import LONGEST_AUDIO_PAUSE_S, LONGEST_SHELF_S
from pumpd.errors import TransportError
from pumpd.signing import Signer

ANSWER_WITHIN_S = 3.0
"""After this the page says NOT DONE; the command itself expires at the same moment."""

Publish = Callable[[str, bytes], Awaitable[None]]
"""Publish with QoS 1, not retained; TransportError while the broker is away."""


class Outcome(Enum):
    """What became of a command."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    """No answer in time: whether it was done is not known, so the page says that it was not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page is told."""

    outcome: Outcome
    reason: str = ""
    field: str = ""
    """The key of the command that a refusal is about; empty: the whole."""

    @property
    def body(self) -> dict[str, str]:
        """What a route answers with."""
        return {"outcome": self.outcome.value, "reason": self.reason, "field": self.field}


class AlarmRequest(BaseModel):
    """What a page asks of one alarm; who asks is known from the session or the PIN, not from here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node: str = Field(min_length=1, max_length=64)
    boot_id: str = Field(min_length=1, max_length=64)
    """Of the daemon that the page saw."""
    pump: str | None = Field(default=None, max_length=64)
    """None for an alarm of the node itself."""
    channel: str | None = Field(default=None, max_length=64)
    condition: str = Field(min_length=1, max_length=64)

    @model_validator(mode="after")
    def _of_a_pump_or_of_the_node(self) -> Self:
        if (self.pump is None) is not (self.channel is None):
            raise ValueError("pump and channel go together: both, or both null for an alarm of the node")
        return self


class AcknowledgeRequest(AlarmRequest):
    """What a page asks of an alarm as it stood on the screen: "I have it"."""

    revision: int = Field(ge=0, lt=2**53)


class PauseAudioRequest(AcknowledgeRequest):
    """Silence it for a while."""

    for_s: int = Field(gt=0, le=LONGEST_AUDIO_PAUSE_S)


class AcceptRequest(AcknowledgeRequest):
    """Accept a soft limit, and say why."""

    reason: str = Field(max_length=200)

    @field_validator("reason")
    @classmethod
    def _readable(cls, reason: str) -> str:
        """Return the reason as it will be read by others; one that nobody could read is refused."""
        said = plain(reason)
        if not said:
            raise ValueError("a reason is needed")
        return said


class ShelveRequest(AcceptRequest):
    """Put it off, and say why."""

    for_s: int = Field(gt=0, le=LONGEST_SHELF_S)


VERBS: Mapping[str, tuple[type[AlarmRequest], type[AlarmCommandPayload]]] = {
    "acknowledge": (AcknowledgeRequest, AcknowledgePayload),
    "pause-audio": (PauseAudioRequest, PauseAudioPayload),
    "resume-audio": (AlarmRequest, ResumeAudioPayload),
    "shelve": (ShelveRequest, ShelvePayload),
    "accept": (AcceptRequest, AcceptPayload),
    "unshelve": (AlarmRequest, UnshelvePayload),
}
"""What a page may ask of an alarm: what it sends, and what the daemon is sent."""


class Commands:
    """Sends commands and pairs them with their replies."""

    def __init__(self, ward: LiveWard, clock: Clock, signer: Signer, publish: Publish) -> None:
        self._ward = ward
        self._clock = clock
        self._signer = signer
        self._publish = publish
        self._waiting: dict[str, asyncio.Future[ReplyPayload]] = {}
        """By the digest of the message that was sent: an altered copy's answer is not ours."""

    def reply(self, reply: ReplyPayload) -> None:
        """Take a reply from the daemon; one that nobody waits for, or that comes again, changes nothing."""
        waiting = self._waiting.get(reply.of)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)

    async def ask(self, verb: str, request: AlarmRequest, who: Acting) -> Answer:
        """Ask the daemon for one of VERBS and return its answer."""
        fields = request.model_dump(exclude={"node"})
        return await self.send(verb, VERBS[verb][1], request.node, fields, who)

    async def send(
        self,
        verb: str,
        payload: type[CommandPayload],
        node_id: str,
        fields: Mapping[str, object],
        who: Acting,
        within_s: float = ANSWER_WITHIN_S,
    ) -> Answer:
        """Ask node ``node_id`` for ``verb``; ``fields`` are those of ``payload`` that a page chooses.

        The node must have it within ANSWER_WITHIN_S; its answer is waited for ``within_s``.

        pydantic.ValidationError when they do not make one.
        """
        node = self._ward.nodes.get(node_id)
        node_ms = node.clock_ms(self._clock.monotonic_ns() // 1_000_000) if node is not None else None
        command = payload.model_validate(
            {
                **fields,
                "id": uuid.uuid4().hex,
                "dashboard": self._signer.dashboard,
                "user": who.user,
                "role": who.role,
                "wards": list(who.wards),
                "expires_ms": (node_ms or 0) + round(ANSWER_WITHIN_S * 1000),
            }
        )
        if node is None or node_ms is None or not self._ward.broker_up:
            return Answer(Outcome.UNANSWERED, f"{node_id} does not answer")
        if node.fresh_boot != command.boot_id:
            return Answer(Outcome.REFUSED, "pumpd was restarted since: look again")
        topic = self._ward.topics.command(node_id, verb)
        message = self._signer.message(topic, command)
        digest = digest_of(message)
        waiting: asyncio.Future[ReplyPayload] = asyncio.get_running_loop().create_future()
        self._waiting[digest] = waiting
        try:
            async with asyncio.timeout(within_s):
                await self._publish(topic, message)
                reply = await waiting
        except (TimeoutError, TransportError):
            return Answer(Outcome.UNANSWERED, f"{node_id} did not answer within {within_s:.0f} s")
        finally:
            del self._waiting[digest]
        outcome = Outcome.ACCEPTED if reply.accepted else Outcome.REFUSED
        return Answer(outcome, reply.reason, reply.field)
