"""What each row of the catalogue declares: who it is for, and a priority that follows from harm and onset."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import MATRIX, AlarmPriority, Audience, ConditionId, Harm, Onset

HIGH, MEDIUM, LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW
HAZARDS = Path(__file__).parents[2] / "docs" / "hazards.yaml"
pytestmark = pytest.mark.requirement("CORE-8")
each = pytest.mark.parametrize("condition", list(ConditionId), ids=lambda c: c.value)


def test_the_matrix_is_that_of_the_standard() -> None:
    """Rows are the harm if nobody comes, columns how soon it comes (IEC 60601-1-8, in Open-PCA 1.0.0)."""
    printed = {
        Harm.SEVERE: (HIGH, HIGH, MEDIUM),
        Harm.REVERSIBLE: (HIGH, MEDIUM, LOW),
        Harm.MINOR: (MEDIUM, LOW, LOW),
    }
    assert {harm: tuple(row[onset] for onset in Onset) for harm, row in MATRIX.items()} == printed


@each
def test_the_priority_follows_from_harm_and_onset(condition: ConditionId) -> None:
    """Where it does not, the row says why; where it does, there is nothing to say."""
    entry = CATALOGUE[condition]
    assert (entry.priority is not entry.by_matrix) is bool(entry.departs)


@each
def test_hazards_are_those_of_the_list(condition: ConditionId) -> None:
    """Every hazard that a row names stands in docs/hazards.yaml, and none of them as one nobody can see."""
    known = yaml.safe_load(HAZARDS.read_text())
    assert [h for h in CATALOGUE[condition].hazards if h not in known or "unseen" in known[h]] == []


FOR_THE_ENGINEER = {
    "broker-lost",
    "certificate-ends",
    "certificate-ends-soon",
    "clock-stepped",
    "clock-unsynchronised",
    "counter-frozen",
    "counter-reset",
    "disk-low",
    "history-failing",
    "journal-late",
    "library-date",
    "line-disturbed",
    "task-silent",
    "unknown-pump",
}
"""What a nurse can do nothing about: it never sounds at her."""


def test_who_each_is_for() -> None:
    """Damaged frames, clocks, counters and stores are the engineer's; all else is a nurse's."""
    assert {c.value for c in ConditionId if CATALOGUE[c].audience is Audience.ENGINEER} == FOR_THE_ENGINEER
