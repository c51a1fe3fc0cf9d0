"""Requests about one alarm: none of them changes what a pump does or hides what it does."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from pumpd.contract.parts import CommandPayload, Part, Said
from pumpd.core.inactivation import LONGEST_AUDIO_PAUSE_S, LONGEST_OFF_LINE_S, LONGEST_SHELF_S


class InactivationPart(Part):
    """What quiets an alarm, without an acknowledgement; it always ends."""

    kind: Literal["audio-paused", "shelved"]
    """Audio-paused: only its sound, and the screen shows it as before. Shelved: put off until a time."""
    by: str
    at: AwareDatetime
    until: AwareDatetime
    """By the node's time of day, as ``at`` of the snapshot."""
    reason: str = ""
    """Why, for a shelf."""


class CallPart(Part):
    """What came of the last attempt to tell one contact."""

    contact: str
    at: AwareDatetime
    by: str = ""
    """By which way: mail, webhook, syslog or command."""
    failed: str = ""
    """Why not; empty when it worked."""


class EscalationPart(Part):
    """How far an alarm has climbed since it was raised or worsened, while nobody had it."""

    step_count: int
    told: list[str]
    """Contacts that were told, by name."""
    waiting: list[str]
    """Contacts that are being told."""
    calls: list[CallPart] = Field(default_factory=list)
    """The last attempt of each contact that was tried."""


class AlarmCommandPayload(CommandPayload):
    """A request about one alarm; ``pump`` and ``channel`` null: an alarm of the node itself."""

    pump: str | None
    channel: str | None
    condition: str

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.pump is None) is not (self.channel is None):
            raise ValueError("pump and channel go together: both, or both null for an alarm of the node")
        return self


class SeenAlarmPayload(AlarmCommandPayload):
    """A request about one alarm as it was on the screen."""

    revision: int = Field(ge=0, lt=2**63)
    """The revision that was on the screen; refused if the alarm was raised anew or worsened since."""


class PauseAudioPayload(SeenAlarmPayload):
    """Verb ``pause-audio``: silence one alarm for a while; a new or worse one, or a lost link, breaks it."""

    for_s: int = Field(gt=0, le=LONGEST_AUDIO_PAUSE_S)
    """At most 120 s for HIGH; for the others what the configuration allows."""


class ResumeAudioPayload(AlarmCommandPayload):
    """Verb ``resume-audio``: end an audio pause before its time."""


class ShelvePayload(SeenAlarmPayload):
    """Verb ``shelve``: put a LOW or MEDIUM alarm off until a time, with a reason."""

    for_s: int = Field(gt=0, le=LONGEST_SHELF_S)
    """At most what the configuration allows."""
    reason: Said = Field(min_length=1, max_length=200)


class AcceptPayload(SeenAlarmPayload):
    """Verb ``accept``: a soft limit is passed on purpose; at that value it is told no more.

    For the infusion that goes on, under its present order; a hard limit is refused.
    """

    reason: Said = Field(min_length=1, max_length=200)


class UnshelvePayload(AlarmCommandPayload):
    """Verb ``unshelve``: take an alarm off its shelf before its time."""


class OffLinePayload(CommandPayload):
    """Verb ``off-line``: take a pump that stands off the line until a time; its silence is no alarm then."""

    pump: str
    channel: str
    for_s: int = Field(ge=0, le=LONGEST_OFF_LINE_S)
    """0 puts it back."""
    reason: Said = Field(min_length=1, max_length=200)


class TestChannelPayload(CommandPayload):
    """Verb ``test-channel``: send a contact of the configuration a message that is clearly a test."""

    __test__ = False  # no test class, whatever its name says

    contact: Said = Field(min_length=1, max_length=64)
