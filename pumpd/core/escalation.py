"""The rules of escalation: an alarm that nobody has climbs step by step; time and restarts lose no step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from pumpd.core.alarms import Alarm, AlarmChanged, Alarms, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import Call, Climb, EscalationEvent, EscalationPlan, StepTold
from pumpd.core.inactivation import InactivationKind
from pumpd.core.quantities import NS_PER_S
from pumpd.core.quieting import CLOCK_STEP_S
from pumpd.core.state import Now

CLOCK_STEP = timedelta(seconds=CLOCK_STEP_S)
_US = timedelta(microseconds=1)


def climbing(alarm: Alarm, plan: EscalationPlan) -> bool:
    """Return whether the next people are to be called for it: nobody has it, and it is not put off."""
    quiet = alarm.inactivation
    return (
        alarm.signal in {AlarmSignal.ON, AlarmSignal.LATCHED}
        and plan.after_s(alarm.priority) is not None
        and not alarm.suppressed_by
        and (quiet is None or quiet.kind is not InactivationKind.SHELVED)
    )


def climbed(alarms: Alarms, plan: EscalationPlan, now: Now) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms at ``now`` with the steps that are due, at most one of each alarm."""
    if not plan.steps and not plan.engineer_steps:
        return alarms, ()
    after = dict(alarms)
    changes: list[AlarmChanged] = []
    for condition, alarm in alarms.items():
        if not climbing(alarm, plan):
            if alarm.climb is not None:
                after[condition] = replace(alarm, climb=None)
            continue
        climb = _anchored(alarm, plan, now)
        steps = plan.steps_for(CATALOGUE[condition].audience)
        if climb.step_count < len(steps) and _due(alarm, climb, plan, now):
            step = steps[climb.step_count]
            known = {*climb.pending, *climb.told}
            climb = replace(
                climb,
                step_count=climb.step_count + 1,
                pending=(*climb.pending, *(contact for contact in step if contact not in known)),
            )
            after[condition] = replace(alarm, climb=climb)
            why = f"step {climb.step_count} of {len(steps)}: {', '.join(step)}"
            changes.append(
                AlarmChanged(EscalationEvent.ESCALATE, alarm.signal, after[condition], now.wall, why=why)
            )
        elif climb != alarm.climb:
            after[condition] = replace(alarm, climb=climb)
    if after == alarms:
        return alarms, ()
    return MappingProxyType(after), tuple(changes)


def told(alarms: Alarms, given: StepTold, now: Now) -> tuple[Alarms, tuple[AlarmChanged, ...]]:
    """Return the alarms after an attempt to tell somebody; one that is no longer wanted changes nothing."""
    alarm = alarms.get(given.condition)
    if alarm is None or alarm.revision != given.revision or alarm.climb is None:
        return alarms, ()
    climb = alarm.climb
    if given.contact not in climb.pending:
        return alarms, ()
    climb = replace(climb, calls=_called(climb, Call(given.contact, now.wall, given.by, given.failed)))
    if given.failed:
        event, why = EscalationEvent.NOT_TOLD, f"{given.contact}: {given.failed}"
    else:
        event, why = EscalationEvent.TOLD, given.contact
        left = tuple(contact for contact in climb.pending if contact != given.contact)
        climb = replace(climb, pending=left, told=(*climb.told, given.contact))
    after = replace(alarm, climb=climb)
    changed = AlarmChanged(event, alarm.signal, after, now.wall, why=why)
    return MappingProxyType({**alarms, given.condition: after}), (changed,)


def _called(climb: Climb, call: Call) -> tuple[Call, ...]:
    """Return the attempts with ``call`` in the place of the contact's one before."""
    if all(each.contact != call.contact for each in climb.calls):
        return (*climb.calls, call)
    return tuple(call if each.contact == call.contact else each for each in climb.calls)


def _anchored(alarm: Alarm, plan: EscalationPlan, now: Now) -> Climb:
    """Return the climb with its beginning on this run's clock."""
    climb = alarm.climb
    if climb is None:
        return Climb(now.wall, now.mono_ns)
    if climb.at_ns is not None:
        # A clock that was set moves the label along, so that a restart does not count the step as time.
        began = now.wall - timedelta(microseconds=(now.mono_ns - climb.at_ns) // 1000)
        return climb if abs(began - climb.at) <= CLOCK_STEP else replace(climb, at=began)
    interval_s = plan.after_s(alarm.priority) or 0
    waited_ns = (now.wall - climb.at) // _US * 1000
    if waited_ns < climb.step_count * interval_s * NS_PER_S:
        # The clock went back: nobody knows how long it waits, so the next step is due.
        waited_ns = (climb.step_count + 1) * interval_s * NS_PER_S
    began = now.wall - timedelta(microseconds=waited_ns // 1000)
    return replace(climb, at=began, at_ns=now.mono_ns - waited_ns)


def _due(alarm: Alarm, climb: Climb, plan: EscalationPlan, now: Now) -> bool:
    after_s = plan.after_s(alarm.priority)
    assert after_s is not None
    assert climb.at_ns is not None
    return now.mono_ns - climb.at_ns >= (climb.step_count + 1) * after_s * NS_PER_S
