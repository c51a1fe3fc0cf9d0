"""Doses, both ways, against a calculation that shares no line with pumpd."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.dosing import dose_rate, flow_for, highest_flow, lowest_flow
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Weight
from tests import proof
from tests.oracle import dose as oracle

MASS_UNITS = [unit for unit in DoseUnit if unit is not DoseUnit.U_H]

flows = st.integers(0, 1_200_000_000).map(FlowRate)
"""0 to 1200 mL/h, the span of large volume pumps, in nanolitres."""
weights = st.integers(300, 300_000).map(Weight)
"""0.3 to 300 kg."""
steps = st.sampled_from(["0.01", "0.05", "0.1", "1", "0.000001", "0.3"]).map(FlowRate.parse)


def _decimal(places: int, low: str, high: str) -> st.SearchStrategy[str]:
    return st.decimals(min_value=low, max_value=high, places=places).map(lambda d: f"{d:f}")


@st.composite
def orders(draw: st.DrawFn) -> tuple[DoseUnit, str, Weight | None]:
    """A dose unit, a concentration as a library spells it, and a weight where the unit asks for one."""
    unit = draw(st.sampled_from(list(DoseUnit)))
    number = draw(_decimal(3, "0.001", "200"))
    mass = draw(st.sampled_from(["mg/mL", "ug/mL"]))
    concentration = f"{number} {'U/mL' if unit is DoseUnit.U_H else mass}"
    weight = draw(weights) if unit.per_kg or draw(st.booleans()) else None
    return unit, concentration, weight


def _oracle(flow: FlowRate, concentration: str, weight: Weight | None, unit: DoseUnit) -> Fraction:
    kg = None if weight is None else Fraction(weight.g, 1000)
    return oracle.dose(Fraction(flow.nl_per_h, 10**6), concentration, kg, unit.value)


@pytest.mark.requirement("CORE-2")
@proof.examples("flow to dose, every unit, against the oracle", small=400, full=20_000)
@given(orders(), flows)
def test_a_dose_is_what_the_oracle_says(order: tuple[DoseUnit, str, Weight | None], flow: FlowRate) -> None:
    """The dose of any flow is the oracle's, to the last digit."""
    unit, concentration, weight = order
    got = dose_rate(flow, Concentration.parse(concentration), weight, unit)
    assert got == DoseRate(_oracle(flow, concentration, weight, unit), unit)


@pytest.mark.requirement("CORE-2")
@proof.examples("dose to flow and back", small=400, full=20_000)
@given(orders(), flows)
def test_the_flow_for_a_dose_gives_that_dose_back(
    order: tuple[DoseUnit, str, Weight | None], flow: FlowRate
) -> None:
    """flow_for undoes dose_rate without a remainder."""
    unit, concentration, weight = order
    strength = Concentration.parse(concentration)
    assert flow_for(dose_rate(flow, strength, weight, unit), strength, weight) == flow.nl_per_h


@pytest.mark.requirement("CORE-3")
@proof.examples("limit as a flow against limit as a dose, on the pump's grid", small=600, full=30_000)
@given(orders(), _decimal(4, "0", "50"), steps, st.data())
def test_on_the_grid_flow_and_dose_break_a_limit_together(
    order: tuple[DoseUnit, str, Weight | None], limit: str, step: FlowRate, data: st.DataObject
) -> None:
    """A settable flow is above the limit flow exactly when the oracle's dose is above the limit."""
    unit, concentration, weight = order
    bound = DoseRate.parse(f"{limit} {unit.value}")
    strength = Concentration.parse(concentration)
    top = highest_flow(bound, strength, weight, step)
    bottom = lowest_flow(bound, strength, weight, step)
    near = data.draw(st.sampled_from([top, bottom]))
    away = data.draw(st.integers(-3, 3) | st.integers(-100_000, 100_000))
    flow = FlowRate(max(0, near.nl_per_h + away * step.nl_per_h))
    dose = _oracle(flow, concentration, weight, unit)
    assert (flow > top) is (dose > Fraction(limit))
    assert (flow < bottom) is (dose < Fraction(limit))
    assert top.nl_per_h % step.nl_per_h == bottom.nl_per_h % step.nl_per_h == 0


@pytest.mark.requirement("CORE-2")
@pytest.mark.parametrize(
    ("flow", "concentration", "kg", "dose"),
    [
        ("10.5", "2 mg/mL", "70", "0.3 mg/kg/h"),
        ("10.5", "2 mg/mL", "70", "0.005 mg/kg/min"),
        ("10.5", "2 mg/mL", "70", "5 ug/kg/min"),
        ("10.5", "2 mg/mL", "70", "300 ug/kg/h"),
        ("10.5", "2 mg/mL", None, "21 mg/h"),
        ("10.5", "2 mg/mL", None, "350 ug/min"),
        ("10.5", "2 mg/mL", None, "21000 ug/h"),
        ("6", "1 U/mL", None, "6 U/h"),
        ("10.5", "2000 ug/mL", "70", "0.3 mg/kg/h"),
    ],
)
def test_doses_worked_out_by_hand(flow: str, concentration: str, kg: str | None, dose: str) -> None:
    """Ketamine 2 mg/mL at 10.5 mL/h and 70 kg is 0.3 mg/kg/h in each of its spellings."""
    wanted = DoseRate.parse(dose)
    weight = None if kg is None else Weight.parse(kg)
    assert dose_rate(FlowRate.parse(flow), Concentration.parse(concentration), weight, wanted.unit) == wanted
    assert str(wanted) == dose


@pytest.mark.requirement("CORE-2")
@pytest.mark.parametrize("unit", list(DoseUnit))
def test_what_can_not_be_worked_out_is_refused(unit: DoseUnit) -> None:
    """Units of a drug are never taken for its mass; a dose per kg is never worked out without a weight."""
    other = "1 mg/mL" if unit is DoseUnit.U_H else "1 U/mL"
    with pytest.raises(ValueError, match="can not be worked out from"):
        dose_rate(FlowRate(1), Concentration.parse(other), Weight(70_000), unit)
    if unit.per_kg:
        with pytest.raises(ValueError, match="needs a weight"):
            dose_rate(FlowRate(1), Concentration.parse("1 mg/mL"), None, unit)
    with pytest.raises(ValueError, match="resolution is above 0"):
        highest_flow(DoseRate(Fraction(1), DoseUnit.MG_H), Concentration.parse("1 mg/mL"), None, FlowRate(0))
    with pytest.raises(ValueError, match="resolution is above 0"):
        lowest_flow(DoseRate(Fraction(1), DoseUnit.MG_H), Concentration.parse("1 mg/mL"), None, FlowRate(0))


@pytest.mark.requirement("CORE-2")
def test_the_oracle_shares_nothing_with_pumpd() -> None:
    """A judge that borrows from the judged is none."""
    for path in Path(oracle.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in {"pumpd", "dashboard"}], path
