"""How long an infusion flows, against what the library and the order allow."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.core.acceptance import HARD
from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.quantities import NS_PER_S


def duration_findings(watch: InfusionWatch) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield that it has flowed for longer than it may; what stands is told by its pause."""
    if watch.standing_ns is not None:
        return
    bounds = watch.infusion.entry.duration_s
    for limit_s, kind in ((bounds.hard_max, HARD), (_usual_s(watch), "usual")):
        if limit_s is not None and watch.flowed_ns > limit_s * NS_PER_S:
            flowed, allowed = _minutes(watch.flowed_ns // NS_PER_S), _minutes(limit_s)
            priority = CATALOGUE[ConditionId.DURATION].priority
            # Accepted, it is quiet for as long again: it grows by itself, and is no value to stay at.
            soft = None if kind is HARD else watch.flowed_ns // max(1, limit_s * NS_PER_S)
            yield ConditionId.DURATION, Finding(priority, flowed, allowed, frozenset({kind}), soft=soft)
            return


def _usual_s(watch: InfusionWatch) -> int | None:
    """Return the soft limit, or what was ordered beyond it with a reason; None when nothing limits it.

    An order without a duration names none that a reason could be for: the limit stands.
    """
    soft_s = watch.infusion.entry.duration_s.soft_max
    ordered_s = watch.infusion.programme.duration_s
    if soft_s is None or ordered_s is None or not watch.infusion.ordered.accepted:
        return soft_s
    return max(soft_s, ordered_s)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min"
