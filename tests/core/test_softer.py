"""A soft limit that was passed on purpose at the order: which of the entry's bounds give way, and how far."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.drug_library import Bounds, DoseLimits, DrugLimits
from pumpd.core.infusion_setup import under
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import DoseRate, FlowRate, Weight
from pumpd.core.total_dose import DoseAccount
from tests import proof
from tests.core.infusion_scene import FULL_ENTRY, PATIENT, dose, infusion, programme
from tests.core.situations import SETUP

pytestmark = pytest.mark.requirement("INF-1")
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(0))
SIXTY_KG = Weight.parse(60)
"""1 mg/kg/h are 30 mL/h here, to the nanolitre."""
ml_h = FlowRate.parse


def _entry(entry: DrugLimits, low: DoseRate, high: DoseRate, accepted: str = "pain") -> DrugLimits:
    """Return the entry as it holds for an order from ``low`` to ``high``."""
    made = infusion(entry)
    ordered = programme(weight=SIXTY_KG, dose_min=low, dose_max=high)
    version = replace(made.begun, programme=ordered, dose=low, accepted=accepted)
    watched = under(SETUP, InfusionWatch(replace(made, versions=(version,)), 0, NOTHING)).entry
    assert watched is not None
    return watched


@pytest.mark.parametrize(
    ("soft", "accepted", "holds"),
    [
        (("6", "15"), "pain", ("6", "15")),
        (("6", "14.999999"), "pain", ("6", "15")),
        (("6.000001", "15"), "pain", ("6", "15")),
        (("6.000001", "14.999999"), "", ("6.000001", "14.999999")),
        (("3", "20"), "pain", ("3", "20")),
    ],
)
def test_a_soft_limit_of_the_flow_gives_way_to_what_was_ordered(soft, accepted, holds) -> None:
    """0.2 to 0.5 mg/kg/h are 6 to 15 mL/h: accepted, that flow is no alarm, and the next step is."""
    bounds = Bounds(ml_h("1"), ml_h(soft[0]), ml_h(soft[1]), ml_h("30"))
    entry = replace(FULL_ENTRY, flow=bounds, dose_rate=DoseLimits(hard_max=dose("1")))
    flow = _entry(entry, dose("0.2"), dose("0.5"), accepted).flow
    assert (flow.soft_min, flow.soft_max) == (ml_h(holds[0]), ml_h(holds[1]))
    assert (flow.hard_min, flow.hard_max) == (ml_h("1"), ml_h("30"))


def test_a_flow_between_two_nanolitres_is_rounded_to_where_the_order_still_fits() -> None:
    """Up for the maximum, down for the minimum: what was accepted may be set."""
    entry = replace(FULL_ENTRY, flow=Bounds(soft_min=ml_h("20"), soft_max=ml_h("20")))
    third = DoseRate(Fraction(2, 3) + Fraction(1, 10**9), dose("1").unit)
    flow = _entry(replace(entry, dose_rate=DoseLimits(hard_max=dose("1"))), third, third).flow
    assert (flow.soft_min, flow.soft_max) == (ml_h("20"), ml_h("20.000001"))


@pytest.mark.parametrize(("ordered", "holds"), [("36 mg/h", "0.6"), ("30 mg/h", "0.5"), ("24 mg/h", "0.5")])
def test_an_order_in_another_unit_is_accepted_in_the_unit_of_the_entry(ordered: str, holds: str) -> None:
    """For 60 kg, 36 mg/h are 0.6 mg/kg/h."""
    high = DoseRate.parse(ordered)
    limits = _entry(FULL_ENTRY, DoseRate.parse("12 mg/h"), high).dose_rate
    assert (limits.soft_max, limits.soft_min) == (dose(holds), dose("0.1"))


@proof.examples("accepted orders against the limits they passed", small=200, full=5_000)
@given(low=st.integers(50, 1000), over=st.integers(0, 1000), in_mg_h=st.booleans())
def test_what_was_accepted_is_never_above_or_below_the_soft_limits(
    low: int, over: int, *, in_mg_h: bool
) -> None:
    """Whatever the unit; and an accepted order never widens a hard limit."""
    flow = Bounds(hard_min=ml_h("1"), soft_min=ml_h("7"), soft_max=ml_h("12"), hard_max=ml_h("30"))
    entry = replace(FULL_ENTRY, flow=flow)
    bounds = [Fraction(thousandth, 1000) for thousandth in (low, min(1000, low + over))]
    unit = DoseRate.parse("1 mg/h").unit if in_mg_h else dose("1").unit
    least, most = (DoseRate(bound * (60 if in_mg_h else 1), unit) for bound in bounds)
    after = _entry(entry, least, most)
    limits = after.dose_rate
    assert limits.soft_min is not None
    assert limits.soft_max is not None
    assert after.flow.soft_min is not None
    assert after.flow.soft_max is not None
    assert limits.soft_min.amount <= bounds[0]
    assert bounds[1] <= limits.soft_max.amount <= limits.hard_max.amount
    assert after.flow.soft_min.nl_per_h <= bounds[0] * 30_000_000
    assert bounds[1] * 30_000_000 <= after.flow.soft_max.nl_per_h <= 30_000_000
