"""The same drug for one patient on two channels, which no limit of one of them alone can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from pumpd.core.conditions import ConditionId
from pumpd.core.told import ToldOfPump

Where = TypeVar("Where")
Mark = tuple[str, ...]


class Given(NamedTuple):
    """A drug that a channel is to give."""

    drug: str
    channel: str
    """What people call the channel."""
    marks: frozenset[Mark]
    """By what it is known who gets it: the patient's marks, or the bed."""


def mark(*words: str) -> Mark:
    """Return a mark by which two are the same; blanks and capitals make no difference."""
    return tuple(" ".join(word.casefold().split()) for word in words)


def same_drug(given: Mapping[Where, Given]) -> dict[Where, ToldOfPump]:
    """Return what is to be said of each channel that is to give something."""
    by_mark: dict[tuple[Mark, Mark], set[Where]] = {}
    for where, one in given.items():
        for each in one.marks:
            by_mark.setdefault((each, mark(one.drug)), set()).add(where)
    found = {}
    for where, one in given.items():
        together = set().union(*(by_mark[each, mark(one.drug)] for each in one.marks))
        others = sorted(given[other].channel for other in together if other != where)
        words = f"{one.drug} on {', '.join(others)}" if others else ""
        found[where] = ToldOfPump(ConditionId.SAME_DRUG, words, frozenset(others))
    return found
