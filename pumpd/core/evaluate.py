"""The door into the core for a pump: (state, input, now) in, (state, effects) out. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from pumpd.core import alarms as signals
from pumpd.core import answers
from pumpd.core.acceptance import Accept, unaccepted
from pumpd.core.accepting import taken_as_accepted
from pumpd.core.alarms import AlarmChanged, Finding
from pumpd.core.bolus_limits import seen_bolus
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.delays import JUDGED_BY_FLOW, delayed, suspended
from pumpd.core.delivered import seen
from pumpd.core.ends import followed_pump
from pumpd.core.freshness import Freshness, freshness
from pumpd.core.gap import end_gap
from pumpd.core.inactivation import TakeOffLine
from pumpd.core.infusion_due import BY_PEOPLE, due_findings, infusion_findings
from pumpd.core.infusion_seen import follow
from pumpd.core.infusion_setup import set_under
from pumpd.core.limits import confirmed_findings, findings
from pumpd.core.off_line import off_line, taken_off
from pumpd.core.order_range import order_findings
from pumpd.core.restraining import RESTRAINING, climbing, restrained, still_so, told_of
from pumpd.core.restraints import RestraintPhase
from pumpd.core.state import (
    Effect,
    FrameBlocked,
    Now,
    Ordered,
    PumpInput,
    PumpState,
    ReadAgain,
    RestraintOutcome,
    SessionCrashed,
    Tick,
    WrongDevice,
)
from pumpd.core.telemetry import PumpStatus, Telemetry
from pumpd.core.told import BY_OTHERS, ToldOfPump, told_findings

CONFIRM_OF = 3
CONFIRM_NEEDED = 2
"""A hard limit is broken when 2 of the last 3 readings break it (reference: OVER_HARD, 2 of 3)."""

_CONFIRMED = (*RESTRAINING, ConditionId.TEN_FOLD)
_EVERY = frozenset(ConditionId)
_OUTDONE = (
    (ConditionId.OVER_HARD, ConditionId.OVER_SOFT),
    (ConditionId.TEN_FOLD, ConditionId.OVER_SOFT),
    (ConditionId.OVER_HARD, ConditionId.TITRATION),
    (ConditionId.OVER_SOFT, ConditionId.TITRATION),
    (ConditionId.TEN_FOLD, ConditionId.TITRATION),
    (ConditionId.TEN_FOLD, ConditionId.UNDER_HARD),
    (ConditionId.TEN_FOLD, ConditionId.UNDER_SOFT),
    (ConditionId.UNDER_HARD, ConditionId.UNDER_SOFT),
    (ConditionId.TEN_FOLD, ConditionId.ABOVE_ORDER),
    (ConditionId.TEN_FOLD, ConditionId.BELOW_ORDER),
    (ConditionId.TOTAL_DOSE_HARD, ConditionId.TOTAL_DOSE_SOFT),
    (ConditionId.STILL_RUNNING, ConditionId.NO_PROGRAMME),
)
"""While the worse one is raised the lesser one is not: two alarms for one fact hide each other."""


def evaluate_pump(state: PumpState, given: PumpInput, now: Now) -> tuple[PumpState, tuple[Effect, ...]]:
    """Return the pump's state after ``given`` at ``now``, and what the daemon must do about it.

    ValueError only for what a person says and can not be taken; the state is unchanged then.
    """
    match given:
        case Telemetry():
            return _reading(state, given, now)
        case RestraintOutcome():
            return _outcome(state, given, now)
        case Ordered():
            return _without_reading(set_under(state, given), now, *BY_PEOPLE)
        case Tick():
            return _without_reading(state, now)
        case WrongDevice():
            found = f"{given.found}\n{given.expected}" if given.found else ""
            return _without_reading(replace(state, wrong_device=found), now, ConditionId.WRONG_DEVICE)
        case FrameBlocked():
            return _without_reading(replace(state, blocked_frame=given.frame), now)
        case ToldOfPump():
            told = MappingProxyType({**state.told, given.condition: given})
            return _without_reading(replace(state, told=told), now, given.condition)
        case SessionCrashed():
            return _without_reading(replace(state, crashed=given.reason), now, ConditionId.SESSION_CRASHED)
        case TakeOffLine():
            return taken_off(state, given, now)
        case Accept():
            return taken_as_accepted(state, given, now)
        case _:
            after, changes = answers.said(state.alarms, given, state.setup.inactivation, now)
            return replace(state, alarms=after), changes


def _reading(state: PumpState, reading: Telemetry, now: Now) -> tuple[PumpState, tuple[Effect, ...]]:
    effects: list[Effect] = []
    over, present = state.over, dict(confirmed_findings(state, reading))
    held: set[ConditionId] = set()
    if present or over:
        broken, over = len(present), _broken(over, present, reading)
        present = {c: f for c, f in present.items() if sum(c in broke for broke in over) >= CONFIRM_NEEDED}
        if len(present) < broken:
            effects.append(ReadAgain())
        held.update(*over)  # one good reading does not clear it
    if reading.flow.value is None:
        held.update(_CONFIRMED)
    accepted = () if state.watch is None else state.watch.accepted
    present_now = dict(unaccepted(accepted, findings(state, reading)))
    present_now.update(order_findings(state, reading))
    delivery = seen(state, reading)
    present_now.update(delivery.found)
    state = followed_pump(state, reading, delivery.account, present_now)
    held |= delivery.held
    bolus = state.bolus
    if bolus is not None or reading.status is PumpStatus.BOLUS:
        bolus, too_large, unseen = seen_bolus(state, reading, delivery.account)
        present_now.update(too_large)
        held |= unseen
    watch = state.watch
    if watch is not None:
        watch, titrated = follow(watch, state, reading, delivery.account)
        if titrated is not None:
            effects.append(titrated)
        passed_now = infusion_findings(watch, state.setup, reading, now.mono_ns)
        present_now.update(unaccepted(accepted, passed_now))
    dwells = state.dwells
    if reading.flow.value is None:
        held.update(JUDGED_BY_FLOW)
        dwells = suspended(dwells, now)
        state = replace(state, dwells=dwells)
    if present_now or dwells:
        unjudged = JUDGED_BY_FLOW if reading.flow.value is None else ()
        passed, dwells = delayed(state, present_now, unjudged, now)
        present.update(passed)
    if present:
        for worse, lesser in _OUTDONE:
            if worse in present or (worse in held and worse in state.alarms):
                present.pop(lesser, None)
    if state.alarms:
        held |= still_so(state.alarms, reading) | (BY_OTHERS - state.told.keys())
    age_ns = now.mono_ns - reading.taken_ns
    fresh = freshness(age_ns, state.setup.freshness)
    after = state.after_reading(
        reading, fresh, over, dwells, delivery.account, delivery.trend, delivery.meant, watch, bolus
    )
    if after.phase is RestraintPhase.ASKED:
        after = replace(after, restraints=climbing(after.restraints, reading))
    present.update(_technical(after, fresh, now))
    if not present and not state.alarms:
        return after, tuple(effects)
    lost = ConditionId.LINK_LOST in state.alarms and ConditionId.LINK_LOST not in present
    if lost and state.freshness is not Freshness.FRESH:  # else it is of an earlier run, and so is its gap
        after = end_gap(after, state.account)
    after, changes = _settled(after, present, frozenset(held), now)
    effects.extend(changes)
    after, restraint = restrained(after, present, reading, now)
    if restraint is not None:
        effects.append(restraint)
    return after, tuple(effects)


def _broken(
    over: tuple[frozenset[ConditionId], ...], breaking: Iterable[ConditionId], reading: Telemetry
) -> tuple[frozenset[ConditionId], ...]:
    """Return what each of the last readings with a flow broke, nothing when none of them did."""
    if reading.flow.value is not None:
        over = (*over, frozenset(breaking))[-CONFIRM_OF:]
    return over if any(over) else ()


def _settled(
    state: PumpState, present: Mapping[ConditionId, Finding], held: frozenset[ConditionId], now: Now
) -> tuple[PumpState, tuple[AlarmChanged, ...]]:
    alarms, changes = signals.settle(state.alarms, present, held, now.wall, state.revision)
    alarms, later = answers.with_time(alarms, changes, state.setup.escalation, now)
    changes += later
    if alarms is state.alarms:
        return state, changes
    revision = max((c.alarm.revision for c in changes), default=0)
    return replace(state, alarms=alarms, revision=max(state.revision, revision)), changes


def _without_reading(state: PumpState, now: Now, *told: ConditionId) -> tuple[PumpState, tuple[Effect, ...]]:
    """Without a reading alarms are raised and worsen; only what the input speaks of (``told``) can end."""
    last_ns = state.started_ns if state.last is None else state.last.taken_ns
    fresh = shown = freshness(now.mono_ns - last_ns, state.setup.freshness)
    if state.last is None and fresh is Freshness.FRESH:
        shown = Freshness.STALE  # never read is never live
    after = state if shown is state.freshness else replace(state, freshness=shown)
    held = _EVERY.difference((*told, ConditionId.OFF_LINE))
    return _settled(after, _technical(after, fresh, now), held, now)


def _technical(state: PumpState, fresh: Freshness, now: Now) -> dict[ConditionId, Finding]:
    """Return what is wrong with the watching itself, by how old its news is, and what is due by the clock."""
    found: dict[ConditionId, Finding] = {}
    if state.watch is not None:
        found.update(due_findings(state.watch, now))
    if state.wrong_device:
        answered, _, expected = state.wrong_device.partition("\n")
        found[ConditionId.WRONG_DEVICE] = Finding(
            CATALOGUE[ConditionId.WRONG_DEVICE].priority, answered, expected, frozenset({answered})
        )
    if state.blocked_frame:
        found[ConditionId.FRAME_BLOCKED] = Finding(
            CATALOGUE[ConditionId.FRAME_BLOCKED].priority, state.blocked_frame
        )
    found.update(told_findings(state.told))
    if state.crashed:
        found[ConditionId.SESSION_CRASHED] = Finding(
            CATALOGUE[ConditionId.SESSION_CRASHED].priority, state.crashed
        )
    if fresh is not Freshness.FRESH:
        lost, last = fresh is Freshness.LOST, state.last
        # One that was never read may have run since before pumpd started.
        infusing = state.setup.programme is not None if last is None else last.status.delivers
        if infusing:
            worst = CATALOGUE[ConditionId.LINK_LOST].priority
            found[ConditionId.LINK_LOST] = Finding(worst if lost else AlarmPriority.MEDIUM)
        elif lost:
            # A pump that stands in the midst of an infusion is about to be started again.
            goes_on = state.watch is not None and state.watch.goes_on
            found[ConditionId.LINK_LOST] = Finding(AlarmPriority.MEDIUM if goes_on else AlarmPriority.LOW)
    if state.alarms:
        off_line(state, found, now)
    return found


def _outcome(state: PumpState, outcome: RestraintOutcome, now: Now) -> tuple[PumpState, tuple[Effect, ...]]:
    settled = MappingProxyType({c: replace(r, settled=True) for c, r in state.restraints.items()})
    after = replace(state, phase=RestraintPhase.IDLE, restraints=settled)
    held = _EVERY - {ConditionId.RESTRAINT_FAILED}
    return _settled(after, told_of(state, outcome, now), held, now)
