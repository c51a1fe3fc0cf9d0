"""What people, time and the line do to alarms besides their conditions: one place for pump and node."""

from __future__ import annotations

from collections.abc import Sequence

from pumpd.core import alarms as signals
from pumpd.core import escalation, quieting
from pumpd.core.acceptance import Accept
from pumpd.core.alarms import AlarmChanged, Alarms, AlarmSignal
from pumpd.core.climb import EscalationPlan, StepTold
from pumpd.core.inactivation import InactivationLimits, Suppress, TakeOffLine
from pumpd.core.state import Acknowledge, Now, SaidOfAlarm


def waiting(alarms: Alarms) -> bool:
    """Return whether time alone can change them: somebody must look at them once a second."""
    return any(
        alarm.signal is not AlarmSignal.ACKNOWLEDGED or alarm.inactivation is not None
        for alarm in alarms.values()
    )


def said(
    alarms: Alarms, given: SaidOfAlarm, limits: InactivationLimits, now: Now
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms after what was said of one; ValueError, with the reason, when it can not be taken."""
    match given:
        case Acknowledge():
            return signals.acknowledge(alarms, given.condition, given.revision, given.by, now.wall)
        case StepTold():
            return escalation.told(alarms, given, now)
        case Suppress():
            return quieting.suppressed(alarms, given.line, now)
        case TakeOffLine() | Accept():
            raise ValueError("this is asked of a pump, not of the node")
        case _:
            return quieting.asked(alarms, given, limits, now)


def with_time(
    alarms: Alarms, changes: Sequence[AlarmChanged], plan: EscalationPlan, now: Now
) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms at ``now``, after ``changes``, with what ended and which steps are due."""
    if not alarms:
        return alarms, ()
    alarms, ended = quieting.kept_or_ended(alarms, changes, now)
    alarms, steps = escalation.climbed(alarms, plan, now)
    return alarms, ended + steps
