"""The door into the core for the node itself: (state, input, now) in, (state, effects) out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pumpd.core import answers
from pumpd.core.alarms import NO_ALARMS, AlarmChanged, Alarms, Finding, settle
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import NOBODY, EscalationPlan
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.inactivation import InactivationLimits
from pumpd.core.state import Now, SaidOfAlarm, Tick

_EVERY = frozenset(ConditionId)


@dataclass(frozen=True, slots=True)
class Technical:
    """Input to the site: a condition of the node itself is present (or gone)."""

    condition: ConditionId
    present: bool
    detail: str = ""
    allowed: str = ""
    priority: AlarmPriority | None = None
    """How bad it is now; None: as the catalogue says."""
    causes: frozenset[str] = frozenset()
    """What exactly is wrong, where it can be several things at a time."""


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the core knows of the node as a whole."""

    alarms: Alarms = field(default_factory=lambda: NO_ALARMS)
    revision: int = 0
    """The highest revision an alarm of the node has had in this run."""
    inactivation: InactivationLimits = field(default_factory=InactivationLimits)
    escalation: EscalationPlan = NOBODY


SiteInput = Technical | Tick | SaidOfAlarm


def evaluate_site(state: SiteState, given: SiteInput, now: Now) -> tuple[SiteState, tuple[AlarmChanged, ...]]:
    """Return the node's state after ``given``; ValueError only for what a person says that is refused."""
    if isinstance(given, SaidOfAlarm):
        after, changes = answers.said(state.alarms, given, state.inactivation, now)
        return replace(state, alarms=after), changes
    held, present = _EVERY, {}
    if isinstance(given, Technical):
        held -= {given.condition}
        if given.present:
            priority = given.priority or CATALOGUE[given.condition].priority
            present[given.condition] = Finding(priority, given.detail, given.allowed, given.causes)
    after, changes = settle(state.alarms, present, held, now.wall, state.revision)
    after, later = answers.with_time(after, changes, state.escalation, now)
    changes += later
    revision = max((c.alarm.revision for c in changes), default=0)
    return replace(state, alarms=after, revision=max(state.revision, revision)), changes
