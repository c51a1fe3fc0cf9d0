"""What may be ordered: every limit of the entry at its value and just past it, in words for who asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.drug_library import DoseLimits, DrugLibrary, DrugLimits
from pumpd.core.infusion_order import check_answers, check_order, entry_for, flow_to_set
from pumpd.core.infusion_record import Answer, Order
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight
from tests.core.infusion_scene import FULL_ENTRY, LIBRARY, NEVER, NO, STEP, dose, order, programme
from tests.core.situations import ENTRY

CEILING = FlowRate.parse(35)
pytestmark = pytest.mark.requirement("INF-1")


def _check(given: Order, entry: DrugLimits = FULL_ENTRY) -> None:
    check_order(given, entry, STEP, CEILING)


def test_what_everything_allows_is_taken():
    """At a soft limit itself, in the middle of its own range, checked by somebody else."""
    _check(order())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": " "}, "needs the name"),
        ({"dose": dose("0.09")}, "outside the order"),
        ({"dose": dose("0.51")}, "outside the order"),
        ({"checked_by": ""}, "second person must check"),
        ({"checked_by": " a.  nurse"}, "somebody else"),
        ({"programme": programme(weight=Weight.parse("34.999"))}, "below the lightest"),
        ({"programme": programme(weight=Weight.parse("160.001"))}, "above the heaviest"),
        ({"programme": programme(dose_max=dose("1.001")), "accepted": "pain"}, "more than this pump"),
        ({"programme": programme(dose_min=dose("0.049")), "accepted": "pain"}, "hard minimum"),
        ({"programme": programme(volume=Volume.parse("60.001"))}, "hard limit of 60 mL"),
        ({"programme": programme(duration_s=14401), "accepted": "pain"}, "hard limit of 240 min"),
        ({"programme": programme(dose_max=dose("0.501"))}, "soft limit of 0.5 mg/kg/h.*with a reason"),
        ({"programme": programme(dose_min=dose("0.09"))}, "soft minimum of 0.1"),
        ({"programme": programme(duration_s=9001)}, "soft limit of 150 min"),
        ({"programme": programme(duration_s=3599)}, "soft minimum of 60 min"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_outside_is_refused_in_words(changes, words):
    """Each bound refuses what is just past it, and the words say what is allowed."""
    with pytest.raises(ValueError, match=words):
        _check(order(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"programme": programme(weight=Weight.parse(35))},
        {"programme": programme(weight=Weight.parse(160), dose_max=dose("0.3"))},
        {"programme": programme(dose_max=dose("1")), "accepted": "severe pain"},
        {"programme": programme(dose_min=dose("0.05")), "accepted": "a careful start"},
        {"programme": programme(volume=Volume.parse(60))},
        {"programme": programme(volume=None, duration_s=None)},
        {"programme": programme(duration_s=9000)},
        {"programme": programme(duration_s=3600)},
        {"programme": programme(duration_s=14400), "accepted": "slow on purpose"},
        {"dose": dose("0.1")},
        {"dose": dose("0.5")},
    ],
)
def test_a_limit_itself_is_allowed(changes):
    """What is exactly a limit does not pass it; a soft one may be passed with a reason."""
    _check(order(**changes))


def test_the_ceiling_of_the_pump_and_limits_of_the_flow_hold():
    """35 mL/h are 1 mg/kg/h here: a lower ceiling or a lower limit of the flow refuses them."""
    high = order(programme=programme(dose_max=dose("1")), accepted="pain")
    with pytest.raises(ValueError, match="more than this pump may ever give"):
        check_order(high, FULL_ENTRY, STEP, FlowRate.parse("34.9"))
    check_order(high, FULL_ENTRY, STEP, None)
    above = order(programme=programme(dose_max=dose("1.001")), accepted="pain")
    with pytest.raises(ValueError, match="above the library's hard limit of 1 mg/kg/h"):
        check_order(above, FULL_ENTRY, STEP, None)
    tight = replace(FULL_ENTRY.flow, soft_max=None, hard_max=FlowRate.parse("34.9"))
    with pytest.raises(ValueError, match="a flow above the library's hard limit"):
        check_order(high, replace(FULL_ENTRY, flow=tight), STEP, None)
    low = replace(FULL_ENTRY.flow, hard_min=FlowRate.parse("3.6"))
    with pytest.raises(ValueError, match="a flow below the library's hard minimum"):
        check_order(order(), replace(FULL_ENTRY, flow=low), STEP, None)


def test_what_is_set_is_rounded_down_and_never_nothing():
    """0.3 mg/kg/h of 70 kg are 10.5 mL/h: 10 on a pump that knows whole ones, and refused where it is 0."""
    assert flow_to_set(order(), FlowRate.parse("0.1")) == FlowRate.parse("10.5")
    assert flow_to_set(order(), FlowRate.parse("1")) == FlowRate.parse("10")
    check_order(order(), FULL_ENTRY, FlowRate.parse("10.5"), None)
    with pytest.raises(ValueError, match="less than this pump can give"):
        check_order(order(), FULL_ENTRY, FlowRate.parse("10.6"), None)


def test_a_weight_is_needed_where_limits_are_by_weight_or_for_some_weights_only():
    """Per kg, be it only of the total dose, or for patients of some weights: else nobody knows for whom."""
    per_hour = programme(
        weight=None, dose_min=DoseRate.parse("7 mg/h"), dose_max=DoseRate.parse("35 mg/h"), volume=None
    )
    asked = order(programme=per_hour, dose=DoseRate.parse("21 mg/h"))
    flat = replace(
        FULL_ENTRY, unit=DoseUnit.MG_H, dose_rate=DoseLimits(DoseRate.parse("70 mg/h")), titration=None
    )
    for entry in (FULL_ENTRY, flat):
        with pytest.raises(ValueError, match="write the patient's weight"):
            _check(asked, entry)
    for_some = replace(flat, totals=())
    for words, entry in (
        ("from 35 kg", replace(for_some, heaviest=None)),
        ("up to 160 kg", replace(for_some, lightest=None)),
    ):
        with pytest.raises(ValueError, match=f"are for patients {words}: write the patient's weight"):
            _check(asked, entry)
    _check(asked, replace(for_some, lightest=None, heaviest=None))


def test_a_second_person_checks_where_the_library_asks_for_one():
    """An entry that says nothing of it asks for nobody."""
    _check(order(checked_by=""), ENTRY)
    with pytest.raises(ValueError, match="a second person must check"):
        _check(order(checked_by=""), replace(ENTRY, second_check=True))


def test_the_checklist_is_answered_before_a_start():
    """Every question once; a yes that the library minds needs somebody else's name and a reason."""
    check_answers(FULL_ENTRY, (NO, NEVER), "A. Nurse", all_of_them=True)
    check_answers(FULL_ENTRY, (NO,), "A. Nurse", all_of_them=False)
    check_answers(FULL_ENTRY, (NO, Answer(NEVER.ask, True)), "A. Nurse", all_of_them=True)
    seen = Answer(NO.ask, True, "D. Doctor", "known, and watched")
    check_answers(FULL_ENTRY, (seen, NEVER), "A. Nurse", all_of_them=True)
    for answers, words in (
        ((NO,), "answer the checklist before the start: Seizures"),
        ((NO, NEVER, NO), "answered twice"),
        ((NO, NEVER, Answer("Tall?", False)), "not on the checklist"),
        ((replace(seen, second_person=" "), NEVER), "second person's name and the reason"),
        ((replace(seen, reason=""), NEVER), "second person's name and the reason"),
        ((replace(seen, second_person="a. nurse"), NEVER), "somebody else"),
    ):
        with pytest.raises(ValueError, match=words):
            check_answers(FULL_ENTRY, answers, "A. Nurse", all_of_them=True)


def test_an_order_that_the_library_does_not_know_is_refused():
    """The words say what there is of this drug, or which drugs there are."""
    assert entry_for(LIBRARY, programme()) is FULL_ENTRY
    with pytest.raises(ValueError, match="it has ketamine 2 mg/mL in pain-clinic"):
        entry_for(LIBRARY, programme(concentration=Concentration.parse("3 mg/mL")))
    with pytest.raises(ValueError, match="it has ketamine"):
        entry_for(LIBRARY, programme(drug="TEST-A"))
    empty = DrugLibrary("0", "", (), frozenset())
    for none in (empty, None):
        with pytest.raises(ValueError, match="it has nothing"):
            entry_for(none, programme())
