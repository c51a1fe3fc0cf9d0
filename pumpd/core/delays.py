"""Delays: how long a condition must hold before it is raised, and how long it must be gone to end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.dwell import Dwell
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Now, PumpState

RELAPSE_SHARE = 2
"""A good second takes back 1/2 s of a running delay: alternating good and bad still alarms.

The GPCA model reset its timer on one good sample, so alternating flow never alarmed.
"""

JUDGED_BY_FLOW = (
    ConditionId.OVER_SOFT,
    ConditionId.UNDER_HARD,
    ConditionId.UNDER_SOFT,
    ConditionId.ABOVE_ORDER,
    ConditionId.BELOW_ORDER,
    ConditionId.NO_PROGRAMME,
    ConditionId.LIBRARY_MISSING,
)
"""Without a believable flow these can not be judged: they stay as they are."""


def delayed(
    state: PumpState, found: Mapping[ConditionId, Finding], unjudged: Collection[ConditionId], now: Now
) -> tuple[dict[ConditionId, Finding], Mapping[ConditionId, Dwell]]:
    """Return the findings whose delay has passed, and how long each has been so."""
    passed: dict[ConditionId, Finding] = {}
    dwells = dict(state.dwells)
    for condition, finding in found.items():
        delay_ns = CATALOGUE[condition].delay_s * NS_PER_S
        if delay_ns == 0:
            passed[condition] = finding
            continue
        # An alarm that is on, after a restart for one, has had its delay.
        had = delay_ns if condition in state.alarms else 0
        dwell = dwells.get(condition, Dwell(breaking_ns=had))
        held_ns = 0 if dwell.last_ns is None else now.mono_ns - dwell.last_ns
        dwell = Dwell(min(dwell.breaking_ns + held_ns, delay_ns), 0, now.mono_ns)
        dwells[condition] = dwell
        if dwell.breaking_ns >= delay_ns:
            passed[condition] = finding
    for condition in [c for c in dwells if c not in found and c not in unjudged]:
        dwell = dwells[condition]
        assert dwell.last_ns is not None
        good_ns = now.mono_ns - dwell.last_ns
        total_good_ns = dwell.good_ns + good_ns
        left_ns = max(0, dwell.breaking_ns - good_ns // RELAPSE_SHARE)
        alarm = state.alarms.get(condition)
        clear_after_ns = CATALOGUE[condition].clear_after_s * NS_PER_S
        if total_good_ns >= clear_after_ns and (alarm is not None or left_ns == 0):
            del dwells[condition]
        elif alarm is not None:
            dwells[condition] = Dwell(dwell.breaking_ns, total_good_ns, now.mono_ns)
            passed[condition] = Finding(
                alarm.priority, alarm.measured, alarm.allowed, alarm.causes, alarm.degree
            )
        else:
            dwells[condition] = Dwell(left_ns, total_good_ns, now.mono_ns)
    return passed, MappingProxyType(dwells)


def suspended(dwells: Mapping[ConditionId, Dwell], now: Now) -> Mapping[ConditionId, Dwell]:
    """Return the delays with those that a flow decides neither running on nor taken back."""
    if not any(condition in dwells for condition in JUDGED_BY_FLOW):
        return dwells
    return MappingProxyType(
        {c: replace(d, last_ns=now.mono_ns) if c in JUDGED_BY_FLOW else d for c, d in dwells.items()}
    )
