"""Tables of the core against what they were copied from, one row at a time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import MATRIX, AlarmPriority, ConditionId, Harm, Onset
from pumpd.core.delivery_rules import too_young, unseen
from pumpd.core.limits import findings
from pumpd.core.quantities import FlowRate, Volume, Weight
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus, missing
from pumpd.core.told import ToldOfPump
from tests.core.situations import Bedside

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


@pytest.mark.requirement("CORE-3")
@pytest.mark.parametrize(
    ("flag", "condition"),
    [
        (PumpAlarm.OCCLUSION, ConditionId.OCCLUSION),
        (PumpAlarm.OCCLUSION_UPSTREAM, ConditionId.OCCLUSION_UPSTREAM),
        (PumpAlarm.AIR, ConditionId.AIR),
        (PumpAlarm.EMPTY, ConditionId.EMPTY),
        (PumpAlarm.DOOR, ConditionId.DOOR),
        (PumpAlarm.NEAR_END, ConditionId.NEAR_END),
        (PumpAlarm.END, ConditionId.INFUSION_COMPLETE),
        (PumpAlarm.BATTERY_LOW, ConditionId.BATTERY_LOW),
        (PumpAlarm.BATTERY_DEPLETED, ConditionId.BATTERY_DEPLETED),
        (PumpAlarm.FAULT, ConditionId.PUMP_FAULT),
        (PumpAlarm.OTHER, ConditionId.PUMP_OTHER),
    ],
)
def test_each_alarm_of_the_pumps_own_is_told_as_what_it_is(flag: PumpAlarm, condition: ConditionId) -> None:
    """One flag, one condition, in the pump's words; what stands for several says which it was."""
    bed = Bedside()
    reading = bed.reading("0", status=PumpStatus.STOPPED, alarms=frozenset({flag}), raw_alarms=("E17",))
    found = dict(findings(bed.state, reading))
    assert set(found) == {condition}
    assert found[condition].measured == "E17"
    several = condition in (ConditionId.PUMP_FAULT, ConditionId.PUMP_OTHER)
    assert found[condition].causes == (frozenset({"E17"}) if several else frozenset())


@pytest.mark.requirement("CORE-3")
@pytest.mark.parametrize("status", PumpStatus)
def test_which_statuses_may_deliver(status: PumpStatus) -> None:
    """One that nobody knows may; a pump that says it stands does not."""
    may = {"running", "priming", "flushing", "bolus", "kvo", "unknown"}
    assert status.delivers is (status.value in may)


@pytest.mark.requirement("DELIVERY-6")
def test_a_slip_stays_while_the_flow_is_not_known() -> None:
    """35 mL/h are ten times the least that was ordered; a reading without a flow takes nothing back."""
    bed = Bedside()
    slipped = {"set_flow": Measured.valid(FlowRate.parse(35))}
    bed.every_second(["10", "10", "10"], **slipped)
    assert bed.signal(ConditionId.TEN_FOLD) is AlarmSignal.ON
    bed.every_second([None, None, None], flow=missing(), set_flow=missing())
    assert bed.signal(ConditionId.TEN_FOLD) is AlarmSignal.ON
    bed.state = replace(bed.state, over=())
    bed.every_second([None], flow=missing(), set_flow=missing())
    assert bed.signal(ConditionId.TEN_FOLD) is AlarmSignal.ON, "after a restart, too"
    bed.every_second(["10"] * 4, set_flow=Measured.valid(FlowRate.parse(10)))
    assert bed.signal(ConditionId.TEN_FOLD) is not AlarmSignal.ON


@pytest.mark.requirement("CORE-10")
@pytest.mark.parametrize(
    "condition",
    [
        ConditionId.LINE_DISTURBED,
        ConditionId.SAME_DRUG,
        ConditionId.LIBRARY_TIGHTER,
        ConditionId.UNKNOWN_PUMP,
    ],
)
def test_what_only_others_can_say_no_reading_ends(condition: ConditionId) -> None:
    """After a restart nobody has said anything yet: it stays until somebody says that it is over."""
    bed = Bedside()
    bed.read()
    bed.give(ToldOfPump(condition, "so it is"))
    assert bed.signal(condition) is AlarmSignal.ON
    bed.state = replace(bed.state, told=MappingProxyType({}))
    bed.every_second(["10"] * 3)
    assert bed.signal(condition) is AlarmSignal.ON
    bed.give(ToldOfPump(condition, ""))
    bed.every_second(["10"] * 3)
    assert bed.signal(condition) is not AlarmSignal.ON
