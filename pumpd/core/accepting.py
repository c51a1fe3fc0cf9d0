"""How a running alarm of a soft limit is accepted: by name, with a reason, and up to its value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pumpd.core import alarms as signals
from pumpd.core.acceptance import SOFT, Accept, Acceptance, cause_of, with_acceptance
from pumpd.core.alarms import AlarmChanged, AlarmSignal, Finding
from pumpd.core.conditions import ConditionId
from pumpd.core.infusion_due import infusion_findings
from pumpd.core.limits import findings
from pumpd.core.state import Now, PumpState


def taken_as_accepted(
    state: PumpState, given: Accept, now: Now
) -> tuple[PumpState, tuple[AlarmChanged, ...]]:
    """Return the state without the alarm, and quiet up to what was measured last.

    ValueError, with the reason, when it is no soft limit, not on, worse than it was on the screen or over,
    when nobody says who and why, or when no infusion goes on whose order it would be.
    """
    condition, watch = given.condition, state.watch
    what = condition.value
    if condition not in SOFT:
        raise ValueError(f"{what}: it is no soft limit, so nobody can accept it")
    if not given.by.strip() or not given.reason.strip():
        raise ValueError(f"{what}: to accept it needs a name and a reason")
    alarm = signals.as_seen(state.alarms, condition, given.revision)
    if watch is None or not watch.goes_on:
        raise ValueError(f"{what}: no infusion goes on here whose order could allow it: begin one")
    present = [finding for found, finding in _present(state, now) if found is condition]
    if not present:
        raise ValueError(f"{what}: it is not so any more")
    finding = present[-1]
    if finding.soft is None:
        raise ValueError(f"{what}: it is the library's hard limit, so nobody can accept it")
    words = replace(alarm, measured=finding.measured, allowed=finding.allowed).title
    one = Acceptance(condition, finding.soft, words, given.by, now.wall, given.reason, cause_of(finding))
    watch = watch._replace(accepted=with_acceptance(watch.accepted, one))
    alarms = state.alarms
    changes: tuple[AlarmChanged, ...] = ()
    if alarm.signal is not AlarmSignal.ACKNOWLEDGED:
        alarms, changes = signals.acknowledge(alarms, condition, given.revision, given.by, now.wall)
    held = frozenset(ConditionId) - {condition}
    alarms, ended = signals.settle(alarms, {}, held, now.wall, state.revision)
    why = f"accepted, {words}: {given.reason}"
    told = tuple(replace(change, by=given.by, why=why) for change in ended)
    return replace(state, alarms=alarms, watch=watch), (*changes, *told)


def _present(state: PumpState, now: Now) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what the last reading shows of limits."""
    if state.last is None or state.watch is None:
        return
    yield from findings(state, state.last)
    yield from infusion_findings(state.watch, state.setup, state.last, now.mono_ns)
