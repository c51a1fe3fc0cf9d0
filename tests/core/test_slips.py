"""Slips of a digit or a unit: each rule to the ends of its range, and nothing beyond them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.slips import slip
from tests.core.situations import PROGRAMME, mg_kg_h

LOW, HIGH = 4_200_000, 6_000_000
"""An order that names one rate, more or less, in nL/h."""
ORDER = replace(PROGRAMME, dose_min=mg_kg_h("0.7"), dose_max=mg_kg_h("0.9"))
AS_DOSE = "the dose in mg/kg/h set as mL/h"


@pytest.mark.requirement("DELIVERY-6")
@pytest.mark.parametrize(
    ("lowest", "highest", "words"),
    [
        (10 * LOW, 10 * HIGH, "10 times the order"),
        (100 * LOW, 100 * HIGH, "100 times the order"),
        (LOW // 10, HIGH // 10, "1/10 of the order"),
        (LOW // 100, HIGH // 100, "1/100 of the order"),
        (60 * LOW, 60 * HIGH, "minutes for hours"),
        (LOW // 60, HIGH // 60, "minutes for hours"),
        (1000 * LOW, 1000 * HIGH, "micrograms for milligrams"),
        (LOW // 1000, HIGH // 1000, "micrograms for milligrams"),
        (700_000, 900_000, AS_DOSE),
    ],
)
def test_each_slip_is_told_to_the_ends_of_its_range(lowest: int, highest: int, words: str) -> None:
    """Both ends are the slip; a nanolitre an hour beyond them is not."""
    said = [slip(rate, ORDER, LOW, HIGH, None) for rate in (lowest - 1, lowest, highest, highest + 1)]
    assert said == ["", words, words, ""]


@pytest.mark.requirement("DELIVERY-6")
def test_what_was_ordered_is_no_slip() -> None:
    """Neither the ends of the ordered range nor nought is one, even where a dose reads like it."""
    like_a_dose = replace(PROGRAMME, dose_min=mg_kg_h("0"), dose_max=mg_kg_h("6"))
    assert [slip(rate, like_a_dose, LOW, HIGH, None) for rate in (0, LOW, HIGH)] == ["", "", ""]
    assert slip(LOW - 1, like_a_dose, LOW, HIGH, None) == AS_DOSE


@pytest.mark.requirement("DELIVERY-6")
def test_far_below_the_order_a_rate_must_be_meant() -> None:
    """A tenth is a slip where the highest flow is twice the lowest, above that only of the rate before."""
    assert slip(300_000, ORDER, 3_000_000, 6_000_000, None) == "1/10 of the order"
    assert slip(300_000, ORDER, 3_000_000, 6_000_001, None) == ""
    assert slip(500_000, ORDER, 3_000_000, 6_000_001, 5_000_000) == "1/10 of the order"
    assert [slip(rate, ORDER, 3_000_000, 6_000_001, 5_000_000) for rate in (499_999, 500_001)] == ["", ""]
