"""Soft limits that a person accepted with a reason: quiet at that value, and told anew beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pumpd.core.alarms import Alarm, Finding
from pumpd.core.conditions import ConditionId

SOFT = frozenset(
    {
        ConditionId.OVER_SOFT,
        ConditionId.UNDER_SOFT,
        ConditionId.TOTAL_DOSE_SOFT,
        ConditionId.TITRATION,
        ConditionId.DURATION,
    }
)
"""What can be accepted, as long as the library has no hard limit for it."""
HARD = "hard limit"
"""The cause of what is one of ``SOFT`` and passes a hard limit: nobody may accept that."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Input: a named person accepts what an alarm of a soft limit said at ``revision``."""

    condition: ConditionId
    revision: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One soft limit passed on purpose, under one version of the order."""

    condition: ConditionId
    up_to: int
    """As ``Finding.soft`` counts."""
    words: str
    """What was accepted."""
    by: str
    at: datetime
    reason: str
    cause: str = ""
    """Which of several limits of one condition."""


def cause_of(finding: Finding) -> str:
    """Return which of several limits a finding is about; empty where there is but one."""
    return "; ".join(sorted(finding.causes))


def may_be_accepted(alarm: Alarm) -> bool:
    """Return whether a person may accept what ``alarm`` says."""
    return alarm.condition in SOFT and HARD not in alarm.causes


def accepted_up_to(accepted: Iterable[Acceptance], condition: ConditionId, cause: str = "") -> int | None:
    """Return up to where it was accepted; None when it was not."""
    return next((a.up_to for a in accepted if (a.condition, a.cause) == (condition, cause)), None)


def unaccepted(
    accepted: tuple[Acceptance, ...], found: Iterable[tuple[ConditionId, Finding]]
) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield of ``found`` what nobody accepted, or not that far."""
    for condition, finding in found:
        up_to = accepted_up_to(accepted, condition, cause_of(finding)) if accepted else None
        if up_to is None or finding.soft is None or finding.soft > up_to:
            yield condition, finding


def with_acceptance(accepted: tuple[Acceptance, ...], one: Acceptance) -> tuple[Acceptance, ...]:
    """Return the acceptances with ``one``, instead of an earlier one of the same limit."""
    kept = (a for a in accepted if (a.condition, a.cause) != (one.condition, one.cause))
    return (*kept, one)
