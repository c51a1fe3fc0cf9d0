"""An entry's limits of the flow beside those of the dose rate, and amounts of drug."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.amounts import AmountUnit, DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Bounds
from pumpd.core.infusion import flow_limits
from pumpd.core.quantities import AmountKind, FlowRate, Volume, Weight
from tests import proof
from tests.core.situations import ENTRY, PROGRAMME, SETUP, Bedside

FLOWS = st.integers(0, 60_000_000)


@pytest.mark.requirement("LIB-1", "CORE-3")
@proof.examples("flow and dose limits of one entry", small=200, full=20_000)
@given(
    top=FLOWS, bottom=FLOWS, flow=st.integers(0, 600), step=st.sampled_from([1, 10_000, 100_000, 1_000_000])
)
def test_whichever_is_tighter_holds(top: int, bottom: int, flow: int, step: int) -> None:
    """On the pump's grid a flow is outside exactly when it is outside the entry's flow or its dose limits."""
    bottom, top = sorted((bottom, top))
    entry = replace(ENTRY, flow=Bounds(hard_min=FlowRate(bottom), hard_max=FlowRate(top)))
    limits = flow_limits(entry, PROGRAMME, FlowRate(step))
    set_to = FlowRate(flow * step)
    dose = PROGRAMME.dose(set_to).amount
    assert (set_to > limits.hard_max) is (set_to.nl_per_h > top or dose > Fraction(1))
    assert limits.hard_min is not None
    assert (set_to < limits.hard_min) is (set_to.nl_per_h < bottom or dose < Fraction("0.05"))


@pytest.mark.requirement("LIB-1", "CORE-3")
def test_each_limit_is_the_last_flow_that_the_pump_can_be_set_to_within_it() -> None:
    """At 70 kg and 2 mg/mL 1 mg/kg/h is 35 mL/h; the hard minimum of 1.75 is 1.8 on a grid of a tenth."""
    limits = flow_limits(ENTRY, PROGRAMME, FlowRate.parse("0.1"))
    assert limits.hard_max == FlowRate.parse(35)
    assert limits.soft_max == FlowRate.parse("17.5")
    assert limits.soft_min == FlowRate.parse("3.5")
    assert limits.hard_min == FlowRate.parse("1.8")


@pytest.mark.requirement("LIB-1")
def test_the_words_name_the_limit_that_is_broken() -> None:
    """A limit of the flow is told in mL/h, one of the dose rate as a dose."""
    entry = replace(ENTRY, flow=Bounds(hard_max=FlowRate.parse(20), soft_max=FlowRate.parse("19.96")))
    bed = Bedside(replace(SETUP, entry=entry))
    bed.every_second(["21", "21"])
    alarm = bed.alarm(ConditionId.OVER_HARD)
    assert alarm is not None
    assert (alarm.measured, alarm.allowed) == ("21 mL/h", "20 mL/h")


@pytest.mark.requirement("LIB-1")
def test_amounts_are_exact() -> None:
    """0.3 mg/kg at 70.1 kg are 21.03 mg, to the picogram; a missing weight is refused."""
    assert DrugAmount.parse("0.3 mg/kg").p_for(Weight.parse("70.1")) == 21_030_000_000
    assert DrugAmount.parse("80 mg").p_for(None) == 80 * 10**9
    assert DrugAmount.parse("7 ug/kg").p_for(Weight.parse(10)) == 70 * 10**6
    assert DrugAmount.parse("0 mg").p_for(None) == 0
    assert DrugAmount.parse("2 U").p_for(None) == 2 * 10**12
    assert AmountUnit.U.kind is AmountKind.UNITS
    with pytest.raises(ValueError, match="needs a weight"):
        DrugAmount.parse("1 mg/kg").p_for(None)
    for text in ("1 g", "x mg", "NaN mg", "-1 mg", "1"):
        with pytest.raises(ValueError, match="amount"):
            DrugAmount.parse(text)
    assert str(DrugAmount(Fraction(2, 3), AmountUnit.MG_KG)) == "0.667 mg/kg"


@pytest.mark.requirement("LIB-1")
def test_bounds_rise_and_share_a_unit() -> None:
    """Bounds out of order, or in two units, can not be made."""
    with pytest.raises(ValueError, match="<="):
        Bounds(soft_max=Volume.parse(2), hard_max=Volume.parse(1))
    with pytest.raises(ValueError, match="unit"):
        Bounds(soft_max=DrugAmount.parse("1 mg"), hard_max=DrugAmount.parse("2 mg/kg"))
