"""What quiets an alarm without ending it: an audio pause, or a shelf; and how a person asks for one.

IEC 60601-1-8 calls it AUDIO PAUSED ("audio" is the sound alone, "paused" ends by itself), ISA-18.2 calls it
shelved. Neither is an acknowledgement, and neither hides anything from the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pumpd.core.conditions import AlarmPriority, ConditionId

HIGH_AUDIO_PAUSE_S = 120
"""The longest audio pause of a HIGH alarm, whatever is configured (GIP v1.0 3.2.1: at most 2 min)."""
LONGEST_AUDIO_PAUSE_S = 600
"""What a configuration may allow for the others (Open-PCA 1.0.0: audio pause 10 min)."""
LONGEST_SHELF_S = 8 * 3600
"""What a configuration may allow: a shelf ends within the shift of whoever asked for it."""


class InactivationKind(Enum):
    """How an alarm is quieted."""

    AUDIO_PAUSED = "audio-paused"
    """Its sound is paused; the screen shows it as before, and it goes on to the next person."""
    SHELVED = "shelved"
    """Put off until a time, with a reason: silent, and nobody else is called."""


class InactivationEvent(Enum):
    """What happens to it; none of these changes the signal."""

    PAUSE_AUDIO = "pause-audio"
    RESUME_AUDIO = "resume-audio"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    """Another alarm speaks for it: the line that it is on is dead."""
    UNSUPPRESS = "unsuppress"


@dataclass(frozen=True, slots=True)
class Inactivation:
    """An audio pause or a shelf of one alarm; it always has an end."""

    kind: InactivationKind
    by: str
    reason: str
    at: datetime
    until: datetime
    """Its end in wall time: what people see, and what is kept over a restart."""
    until_ns: int | None = None
    """Its end on the monotonic clock of this run; None until this run has looked at it."""


@dataclass(frozen=True, slots=True)
class InactivationLimits:
    """How long an alarm may be quieted."""

    audio_pause_s: int = HIGH_AUDIO_PAUSE_S
    """Of LOW and MEDIUM; HIGH has the lesser of this and HIGH_AUDIO_PAUSE_S."""
    shelf_s: int = 3600

    def __post_init__(self) -> None:
        """Refuse what would quiet an alarm for too long, or not at all."""
        if not 0 < self.audio_pause_s <= LONGEST_AUDIO_PAUSE_S:
            raise ValueError(f"audio_pause_s: {self.audio_pause_s}; allowed are 1 to {LONGEST_AUDIO_PAUSE_S}")
        if not 0 < self.shelf_s <= LONGEST_SHELF_S:
            raise ValueError(f"shelf_s: {self.shelf_s}; allowed are 1 to {LONGEST_SHELF_S}")

    def longest_pause_s(self, priority: AlarmPriority) -> int:
        """Return how long the sound of an alarm of ``priority`` may be paused."""
        return (
            min(self.audio_pause_s, HIGH_AUDIO_PAUSE_S)
            if priority is AlarmPriority.HIGH
            else self.audio_pause_s
        )


@dataclass(frozen=True, slots=True)
class PauseAudio:
    """Input: a named person silences an alarm, as it was at ``revision``, for ``for_s``."""

    condition: ConditionId
    revision: int
    by: str
    for_s: int


@dataclass(frozen=True, slots=True)
class ResumeAudio:
    """Input: a named person ends an audio pause."""

    condition: ConditionId
    by: str


@dataclass(frozen=True, slots=True)
class Shelve:
    """Input: a named person puts an alarm off, as it was at ``revision``, for ``for_s``, and says why."""

    condition: ConditionId
    revision: int
    by: str
    for_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelve:
    """Input: a named person takes an alarm off its shelf."""

    condition: ConditionId
    by: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """Input: a pump's LINK_LOST is told by the alarm of its line, ``line``; empty: it speaks for itself."""

    line: str


LONGEST_OFF_LINE_S = 7 * 86_400
"""Nobody forgets a pump for longer than a week."""


@dataclass(frozen=True, slots=True)
class TakeOffLine:
    """Input: a named person takes the pump off the line for ``for_s``, and says why; 0 puts it back."""

    by: str
    for_s: int
    reason: str


AskedOfAlarm = PauseAudio | ResumeAudio | Shelve | Unshelve
"""What a person may ask of an alarm besides acknowledging it."""
