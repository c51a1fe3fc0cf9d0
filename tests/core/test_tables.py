"""Tables of the core against what they were copied from, one row at a time."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import MATRIX, AlarmPriority, ConditionId, Harm, Onset
from pumpd.core.delivery_rules import too_young, unseen
from pumpd.core.quantities import Volume, Weight

LOW, MEDIUM, HIGH = AlarmPriority.LOW, AlarmPriority.MEDIUM, AlarmPriority.HIGH


@pytest.mark.requirement("CORE-5")
@pytest.mark.parametrize(
    ("harm", "onset", "priority"),
    [
        (Harm.SEVERE, Onset.IMMEDIATE, HIGH),
        (Harm.SEVERE, Onset.PROMPT, HIGH),
        (Harm.SEVERE, Onset.DELAYED, MEDIUM),
        (Harm.REVERSIBLE, Onset.IMMEDIATE, HIGH),
        (Harm.REVERSIBLE, Onset.PROMPT, MEDIUM),
        (Harm.REVERSIBLE, Onset.DELAYED, LOW),
        (Harm.MINOR, Onset.IMMEDIATE, MEDIUM),
        (Harm.MINOR, Onset.PROMPT, LOW),
        (Harm.MINOR, Onset.DELAYED, LOW),
    ],
)
def test_each_cell_of_the_matrix_is_the_standards(harm: Harm, onset: Onset, priority: AlarmPriority) -> None:
    """IEC 60601-1-8, as the Open-PCA requirements 1.0.0 print it."""
    assert MATRIX[harm][onset] is priority


@pytest.mark.requirement("LIB-1")
@pytest.mark.parametrize(
    ("text", "picograms"),
    [
        ("1 mg", 10**9),
        ("1 ug", 10**6),
        ("1 mg/kg", 70 * 10**9),
        ("1 ug/kg", 70 * 10**6),
        ("1 U", 10**12),
    ],
)
def test_each_unit_of_an_amount_is_as_much_as_it_says(text: str, picograms: int) -> None:
    """For 70 kg, in picograms, or in pico-units."""
    assert DrugAmount.parse(text).p_for(Weight(70_000)) == Fraction(picograms)


@pytest.mark.requirement("DELIVERY-1")
def test_without_an_account_nothing_of_delivery_is_over() -> None:
    """After a restart none of them clears before the counter was seen to move."""
    assert too_young(None) == {
        ConditionId.FREE_FLOW,
        ConditionId.OVER_INFUSION,
        ConditionId.UNDER_INFUSION,
        ConditionId.SILENT_STOP,
        ConditionId.COUNTER_FROZEN,
        ConditionId.COUNTER_RESET,
        ConditionId.REVERSE_FLOW,
        ConditionId.VOLUME_EXCEEDED,
    }


@pytest.mark.requirement("DELIVERY-1")
def test_what_is_not_seen_of_delivery_is_said_of_each_counter() -> None:
    """Of one that tells no volume: nothing. Of one with a step: below which rate each fault may pass."""
    assert unseen(None) == "nothing of delivery is told: the pump tells no volume"
    assert "below" in unseen(Volume(10_000))
