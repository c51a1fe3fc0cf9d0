"""A counter that rolls over while somebody titrates: nothing is told, nothing is lost or given twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumpd.core.alarms import AlarmChanged
from pumpd.core.infusion_due import with_bounds
from pumpd.core.infusion_watch import InfusionWatch, PatientDose, Titrated
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.state import Ordered
from pumpd.core.telemetry import Measured
from pumpd.core.total_dose import DoseAccount
from tests import proof
from tests.core.infusion_scene import FULL_ENTRY, PATIENT, PROGRAMME, infusion
from tests.core.situations import SETUP, Bedside

ENTRY = replace(FULL_ENTRY, titration=None)
WRAPS_NL = 10_000 * NL_PER_ML
TICK_NL = 10_000
LOW, HIGH = 7_000_000, 14_000_000
"""Both inside the order of 0.1 to 0.5 mg/kg/h for 70 kg at 2 mg/mL."""


def _scene() -> Bedside:
    setup = replace(
        SETUP, programme=PROGRAMME, flow_step=FlowRate(100_000), counter_step=Volume(TICK_NL), ceiling=None
    )
    bed = Bedside(setup)
    watch = InfusionWatch(
        infusion(ENTRY), bed.now_ns, PatientDose(PATIENT, "ketamine", DoseAccount(24 * NS_PER_H))
    )
    bed.give(Ordered(setup, with_bounds(watch), afresh=True))
    return bed


@pytest.mark.requirement("DELIVERY-4")
@proof.examples("titrations around a roll-over", small=60, full=5_000)
@given(
    st.integers(min_value=90, max_value=110),
    st.integers(min_value=0, max_value=40 * TICK_NL),
    st.booleans(),
)
@example(92, 396_668, True)
def test_a_counter_that_rolls_over_in_a_titration_is_counted_on(
    turned_s: int, before_nl: int, raised: bool
) -> None:
    """Before, with or after it, up or down: the message comes, and every nanolitre is counted once."""
    bed = _scene()
    rates = (LOW, HIGH) if raised else (HIGH, LOW)
    given_e9 = 0
    at_nl = WRAPS_NL - before_nl - rates[0] * 100 // 3600
    told: list[object] = []
    first_nl = at_nl // TICK_NL * TICK_NL
    seconds = 200
    for second in range(seconds + 1):
        last = bed.state.account
        if second == seconds and (last is None or last.doubt is None):
            break  # else it rolled over by the very last reading: the next one bears it out
        rate = rates[second >= turned_s]
        counted_nl = (at_nl + given_e9 // 3600) // TICK_NL * TICK_NL
        flow = Measured.valid(FlowRate(rate))
        bed.now_ns += NS_PER_S
        told += bed.read(None, flow=flow, set_flow=flow, volume=Measured.valid(Volume(counted_nl % WRAPS_NL)))
        given_e9 += rate
    assert [one for one in told if isinstance(one, AlarmChanged)] == []
    assert [one for one in told if isinstance(one, Titrated)] == [
        Titrated(FlowRate(rates[0]), FlowRate(rates[1]))
    ]
    watch, account = bed.state.watch, bed.state.account
    assert watch is not None
    assert account is not None
    assert account.doubt is None
    assert account.counted_nl == watch.given_nl == counted_nl - first_nl
    assert not watch.at_most
