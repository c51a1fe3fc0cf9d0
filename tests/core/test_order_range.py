"""The set rate against the ordered range: a message inside of it, another order outside."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import DoseLimits
from pumpd.core.order_range import order_findings
from pumpd.core.quantities import FlowRate
from pumpd.core.state import PumpSetup, new_state
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests import proof
from tests.core.situations import ENTRY, PROGRAMME, SETUP, Bedside, mg_kg_h
from tests.oracle import order as oracle

ABOVE, BELOW = ConditionId.ABOVE_ORDER, ConditionId.BELOW_ORDER
FREE = replace(SETUP, entry=replace(ENTRY, dose_rate=DoseLimits(hard_max=mg_kg_h("1"))), ceiling=None)
"""Ordered 3.5 to 17.5 mL/h; only more than 35 mL/h is against the library."""
pytestmark = pytest.mark.requirement("ORDER-1")


def _told(setup: PumpSetup, ml_h: str | None, **other: object) -> set[ConditionId]:
    bed = Bedside(setup)
    return {c for c, _ in order_findings(new_state(setup, bed.now), bed.reading(ml_h, **other))}


@pytest.mark.parametrize(
    ("ml_h", "told"),
    [("0", {BELOW}), ("3.4", {BELOW}), ("3.5", set()), ("17.5", set()), ("17.6", {ABOVE}), ("35", {ABOVE})],
)
def test_the_ordered_range_ends_where_it_ends(ml_h: str, told: set[ConditionId]) -> None:
    """Its ends are ordered, a step beyond them is not."""
    assert _told(FREE, ml_h) == told


@pytest.mark.parametrize(
    ("setup", "ml_h"),
    [
        (FREE, "35.1"),
        (SETUP, "17.6"),
        (SETUP, "3.4"),
        (SETUP, "1.7"),
        (replace(FREE, ceiling=FlowRate.parse("20")), "20.1"),
        (replace(FREE, programme=None, entry=None), "50"),
    ],
)
def test_beyond_a_limit_it_is_the_flow_that_is_told(setup: PumpSetup, ml_h: str) -> None:
    """Two alarms for one fact hide each other: the limit's own condition speaks."""
    assert _told(setup, ml_h) == set()


@pytest.mark.parametrize(
    ("setup", "ml_h", "told"),
    [
        (FREE, "35", ABOVE),
        (replace(FREE, ceiling=FlowRate.parse("20")), "20", ABOVE),
        (replace(SETUP, programme=replace(PROGRAMME, dose_max=mg_kg_h("0.3"))), "17.5", ABOVE),
        (replace(SETUP, programme=replace(PROGRAMME, dose_min=mg_kg_h("0.3"))), "3.5", BELOW),
        (replace(FREE, entry=None, ceiling=None), "35.1", ABOVE),
    ],
)
def test_at_a_limit_it_is_still_the_order_that_is_told(
    setup: PumpSetup, ml_h: str, told: ConditionId
) -> None:
    """A flow at the limit breaks no limit, so the order has to speak."""
    assert _told(setup, ml_h) == {told}


@pytest.mark.parametrize("status", [s for s in PumpStatus if s is not PumpStatus.RUNNING])
def test_no_order_holds_for_what_is_no_running_programme(status: PumpStatus) -> None:
    """In pause, priming, bolus, KVO and after the end no rate of the order holds."""
    for ml_h in ("0", "1", "30"):
        assert _told(FREE, ml_h, status=status) == set()


def test_the_set_rate_counts_and_the_flow_only_without_one() -> None:
    """A motor on its way up is not yet below the order; nothing known is nothing told."""
    ten = Measured.valid(FlowRate.parse("10"))
    assert _told(FREE, "1", set_flow=ten) == set()
    assert _told(FREE, None, flow=missing()) == set()
    assert _told(FREE, None, flow=missing(), set_flow=Measured.valid(FlowRate.parse("20"))) == {ABOVE}


@proof.examples("set rates against the ordered dose", small=300, full=20_000)
@given(st.integers(1, 350), st.integers(1, 90), st.integers(0, 20))
@example(3, 1, 0)
def test_a_rate_is_outside_exactly_when_its_dose_is(tenths: int, low: int, width: int) -> None:
    """On the pump's grid, against a second calculation in doses; no step between: the one below is meant."""
    least, most = Fraction(low, 100), Fraction(low + width, 100)
    programme = replace(PROGRAMME, dose_min=mg_kg_h(str(least)), dose_max=mg_kg_h(str(most)))
    wanted = oracle.outside(Fraction(tenths, 10), Fraction(2), Fraction(70), least, most)
    step_above = oracle.outside(Fraction(tenths + 1, 10), Fraction(2), Fraction(70), least, most)
    if (wanted, step_above) == ("below", "above"):
        wanted = ""
    found = _told(replace(FREE, programme=programme), str(tenths / 10))
    assert found == ({ConditionId(f"{wanted}-order")} if wanted else set())


def test_more_above_is_told_anew_and_below_is_little() -> None:
    """A tenth more than what was told is worse; too little of an order harms less."""
    bed = Bedside(FREE)
    bed.every_second(["20"] * 31)
    alarm = bed.alarm(ABOVE)
    assert alarm is not None
    assert (alarm.priority, alarm.degree) == (AlarmPriority.MEDIUM, 20_000_000)
    bed.every_second(["22.1"])
    after = bed.alarm(ABOVE)
    assert after is not None
    assert after.revision > alarm.revision


@pytest.mark.parametrize(("condition", "ml_h", "delay_s"), [(ABOVE, "17.6", 30), (BELOW, "3.4", 300)])
def test_it_takes_its_delay_and_ends_after_its_time(condition: ConditionId, ml_h: str, delay_s: int) -> None:
    """Not a second before its delay, and not off before five good seconds."""
    bed = Bedside(FREE)
    bed.every_second([ml_h] * delay_s)
    assert bed.alarm(condition) is None
    bed.every_second([ml_h])
    assert bed.alarm(condition) is not None
    bed.every_second(["10"] * 4)
    assert bed.alarm(condition) is not None
    bed.every_second(["10"])
    assert bed.alarm(condition) is None
