"""What it is for an alarm to climb: the next people are called while nobody has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pumpd.core.conditions import AlarmPriority, Audience, ConditionId

Step = tuple[str, ...]
"""The contacts that one step tells, by name."""


class EscalationEvent(Enum):
    """What happens while an alarm climbs; none of these changes the signal."""

    ESCALATE = "escalate"
    """A step is due: its contacts are to be told."""
    TOLD = "told"
    """One of them was told: whoever carries the message took it."""
    NOT_TOLD = "not-told"
    """One attempt failed; it is tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """What came of the last attempt to tell one contact."""

    contact: str
    at: datetime
    by: str = ""
    """By which way, as people say it: mail, webhook, syslog or command."""
    failed: str = ""
    """Why not; empty when it worked."""


@dataclass(frozen=True, slots=True)
class Climb:
    """How far an alarm has climbed since it was raised or worsened."""

    at: datetime
    """When it began to climb, in wall time: what is kept over a restart."""
    at_ns: int | None = None
    """The same on the monotonic clock of this run; None until this run has looked at it."""
    step_count: int = 0
    """Steps taken."""
    pending: Step = ()
    """Contacts of steps taken that are not told yet."""
    told: Step = ()
    calls: tuple[Call, ...] = ()
    """The last attempt of each contact that was tried, in the order of the first."""


@dataclass(frozen=True, slots=True)
class EscalationPlan:
    """Who is called, and when: step k is due when nobody has had the alarm for k times its interval."""

    steps: tuple[Step, ...] = ()
    engineer_steps: tuple[Step, ...] = ()
    """For what only an engineer acts on."""
    high_after_s: int = 60
    medium_after_s: int = 300

    def steps_for(self, audience: Audience) -> tuple[Step, ...]:
        """Return the steps of an alarm for ``audience``."""
        return self.steps if audience is Audience.NURSE else self.engineer_steps

    def after_s(self, priority: AlarmPriority) -> int | None:
        """Return the interval of an alarm of ``priority``; None for LOW, which does not climb."""
        if priority is AlarmPriority.LOW:
            return None
        return self.high_after_s if priority is AlarmPriority.HIGH else self.medium_after_s


NOBODY = EscalationPlan()


@dataclass(frozen=True, slots=True)
class StepTold:
    """Input: what came of telling ``contact`` of an alarm as it was at ``revision``."""

    condition: ConditionId
    revision: int
    contact: str
    failed: str = ""
    """Why not; empty when it worked."""
    by: str = ""
    """By which way, as people say it."""
