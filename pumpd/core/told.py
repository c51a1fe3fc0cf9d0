"""What is said of a pump that its own readings do not show: of its line, of other pumps of its patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId

BY_OTHERS = frozenset(
    {
        ConditionId.LINE_DISTURBED,
        ConditionId.SAME_DRUG,
        ConditionId.LIBRARY_TIGHTER,
        ConditionId.UNKNOWN_PUMP,
    }
)
"""What only others can say of a pump: no reading begins or ends it."""


@dataclass(frozen=True, slots=True)
class ToldOfPump:
    """Input: one of ``BY_OTHERS`` is so; with empty ``words`` it is not."""

    condition: ConditionId
    words: str
    causes: frozenset[str] = frozenset()
    """What exactly, where it can be several things; another one is told anew."""


def told_findings(told: Mapping[ConditionId, ToldOfPump]) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what others say is wrong."""
    for condition, said in told.items():
        if said.words:
            priority = CATALOGUE[condition].priority
            yield condition, Finding(priority, said.words, causes=said.causes)
