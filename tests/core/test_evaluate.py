"""Each condition of a reading: raised where it must be, not raised just below, not lost, not repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import AlarmEvent, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.limits import _FLAGS
from pumpd.core.quantities import FlowRate
from pumpd.core.state import Acknowledge
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus, missing
from tests.core.situations import SETUP, Bedside, asks_again, events

ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
NOT_RUNNING = [s for s in PumpStatus if s is not PumpStatus.RUNNING]


@pytest.mark.requirement("CORE-6", "CORE-3")
@pytest.mark.parametrize(
    ("condition", "at", "above"),
    [(ConditionId.OVER_HARD, "35", "35.1"), (ConditionId.FLOW_CEILING, "60", "60.1")],
)
def test_a_hard_limit_is_raised_by_two_of_three(condition: ConditionId, at: str, above: str) -> None:
    """At the limit nothing; above it the first reading asks again and the second raises."""
    bed = Bedside()
    bed.every_second([at] * 5)
    assert bed.signal(condition) is OFF
    bed.every_second([above])
    assert asks_again(bed.effects)
    assert bed.signal(condition) is OFF
    bed.every_second([above])
    assert bed.signal(condition) is ON
    assert bed.alarm(condition).priority is AlarmPriority.HIGH  # type: ignore[union-attr]


@pytest.mark.requirement("CORE-6")
def test_one_reading_above_a_hard_limit_is_not_enough() -> None:
    """A single spike between good readings raises nothing; one in three, for ever, neither."""
    bed = Bedside()
    bed.every_second(["35.1", "10", "10"] * 20)
    assert bed.signal(ConditionId.OVER_HARD) is OFF


@pytest.mark.requirement("CORE-6")
def test_a_reading_without_a_flow_neither_confirms_nor_excuses() -> None:
    """Two readings above the limit with unreadable ones between them are still two of the last three."""
    bed = Bedside()
    bed.every_second(["40"])
    bed.every_second([None] * 3, flow=Measured.invalid("0xFFFF"))
    assert bed.signal(ConditionId.OVER_HARD) is OFF
    bed.every_second(["40"])
    assert bed.signal(ConditionId.OVER_HARD) is ON
    bed.every_second([None] * 5, flow=Measured.invalid("0xFFFF"))
    assert bed.signal(ConditionId.OVER_HARD) is ON


@pytest.mark.requirement("CORE-6")
def test_each_hard_limit_is_confirmed_for_itself() -> None:
    """Above the ceiling once and above the hard maximum twice raises the maximum only."""
    bed = Bedside()
    bed.every_second(["61", "40"])
    assert bed.signal(ConditionId.OVER_HARD) is ON
    assert bed.signal(ConditionId.FLOW_CEILING) is OFF


@pytest.mark.requirement("CORE-6")
def test_a_flow_that_swings_round_a_hard_limit_does_not_chatter() -> None:
    """Above, below, above, below raises once; it ends after three good readings and then stays latched."""
    bed = Bedside()
    seen = bed.every_second(["40", "10"] * 10)
    assert [e for c, e in events(seen) if c is ConditionId.OVER_HARD] == [AlarmEvent.RAISE]
    bed.every_second(["10"])
    assert bed.signal(ConditionId.OVER_HARD) is ON
    bed.every_second(["10", "10"])
    assert bed.signal(ConditionId.OVER_HARD) is LATCHED


@pytest.mark.requirement("CORE-6", "INV-4")
def test_the_lesser_alarm_gives_way_to_the_worse_and_comes_back_after_it() -> None:
    """One fact, one alarm: soft, then hard in its place, then soft again without a new delay."""
    bed = Bedside()
    bed.every_second(["20"] * 32)
    assert bed.signal(ConditionId.OVER_SOFT) is ON
    bed.every_second(["40"])
    assert bed.signal(ConditionId.OVER_SOFT) is ON  # not before the worse one stands
    bed.every_second(["40"])
    assert (bed.signal(ConditionId.OVER_SOFT), bed.signal(ConditionId.OVER_HARD)) == (OFF, ON)
    bed.every_second(["20"] * 3)
    assert (bed.signal(ConditionId.OVER_SOFT), bed.signal(ConditionId.OVER_HARD)) == (ON, LATCHED)


@pytest.mark.requirement("CORE-5")
def test_a_worsening_underdose_is_never_without_an_alarm() -> None:
    """Below the soft minimum, then below the hard one: the soft alarm stays until the hard one stands."""
    bed = Bedside()
    bed.every_second(["2"] * 302)
    assert bed.signal(ConditionId.UNDER_SOFT) is ON
    for _ in range(310):
        bed.every_second(["1"])
        assert ON in {bed.signal(ConditionId.UNDER_SOFT), bed.signal(ConditionId.UNDER_HARD)}
    assert (bed.signal(ConditionId.UNDER_SOFT), bed.signal(ConditionId.UNDER_HARD)) == (OFF, ON)


DELAYED = [
    (ConditionId.OVER_SOFT, "17.6", "17.5", {}),
    (ConditionId.UNDER_HARD, "1.7", "1.8", {}),
    (ConditionId.UNDER_SOFT, "3.4", "3.5", {}),
    (ConditionId.UNKNOWN_STATUS, "10", "10", {"status": PumpStatus.UNKNOWN, "raw_status": "77"}),
    (ConditionId.INVALID_VALUE, "10", "10", {"volume": Measured.invalid("99999")}),
    (ConditionId.INVALID_VALUE, "10", "10", {"pressure_kpa_e1": Measured.invalid("-1")}),
    (ConditionId.INVALID_VALUE, None, "10", {"flow": missing()}),
]


@pytest.mark.requirement("CORE-5", "CORE-9")
@pytest.mark.parametrize(("condition", "bad", "good", "other"), DELAYED)
def test_a_delayed_condition_waits_for_its_delay(
    condition: ConditionId, bad: str | None, good: str | None, other: dict[str, object]
) -> None:
    """Not raised on the good side of its limit, not before its delay, raised when it has passed."""
    bed = Bedside()
    bed.every_second([good] * (CATALOGUE[condition].delay_s + 2))
    assert bed.signal(condition) is OFF
    bed.every_second([bad] * CATALOGUE[condition].delay_s, **other)
    assert bed.signal(condition) is OFF
    bed.every_second([bad], **other)
    assert bed.signal(condition) is ON


@pytest.mark.requirement("CORE-5")
@pytest.mark.parametrize(("condition", "bad", "good", "other"), DELAYED)
def test_alternating_good_and_bad_readings_still_alarm(
    condition: ConditionId, bad: str | None, good: str | None, other: dict[str, object]
) -> None:
    """One good reading never starts a delay anew: the defect found in the GPCA model."""
    bed = Bedside()
    for _ in range(CATALOGUE[condition].delay_s * 2 + 4):
        bed.every_second([bad], **other)
        bed.every_second([good])
    assert bed.signal(condition) is ON


@pytest.mark.requirement("CORE-5")
def test_a_delayed_alarm_does_not_chatter_and_ends() -> None:
    """Once on it stays through short good spells and ends five seconds into a long one."""
    bed = Bedside()
    seen = bed.every_second(["20"] * 40 + ["10"] * 4 + ["20"] * 3 + ["10"] * 4)
    assert [e for c, e in events(seen) if c is ConditionId.OVER_SOFT] == [AlarmEvent.RAISE]
    bed.every_second(["10"] * 2)
    assert bed.signal(ConditionId.OVER_SOFT) is OFF


@pytest.mark.requirement("CORE-7")
@pytest.mark.parametrize("status", NOT_RUNNING)
def test_minima_hold_only_while_it_runs(status: PumpStatus) -> None:
    """No underdose is told of a pump that is paused, priming, in bolus, keeping a vein open or at its end."""
    bed = Bedside()
    bed.every_second(["1"] * 320, status=status)
    assert bed.signal(ConditionId.UNDER_HARD) is bed.signal(ConditionId.UNDER_SOFT) is OFF


@pytest.mark.requirement("CORE-7")
@pytest.mark.parametrize("status", list(PumpStatus))
def test_maxima_hold_in_every_status_but_priming(status: PumpStatus) -> None:
    """Only priming is free of the dose limit, as the line is not at the patient; the ceiling always holds."""
    bed = Bedside()
    bed.every_second(["61"] * 3, status=status)
    assert (bed.signal(ConditionId.OVER_HARD) is ON) is (status is not PumpStatus.PRIMING)
    assert bed.signal(ConditionId.FLOW_CEILING) is ON


@pytest.mark.requirement("CORE-7")
def test_running_without_flow_is_too_slow() -> None:
    """A pump that says it runs and delivers nothing is an underdose."""
    bed = Bedside()
    bed.every_second(["0"] * 302)
    assert bed.signal(ConditionId.UNDER_HARD) is ON


@pytest.mark.requirement("CORE-8")
@pytest.mark.parametrize("flag", list(PumpAlarm))
def test_every_alarm_of_the_pump_is_told_at_once(flag: PumpAlarm) -> None:
    """Each of the pump's own alarms has a condition, raised by the first reading that carries it."""
    bed = Bedside()
    bed.every_second(["10"])
    assert bed.state.alarms == {}
    bed.every_second(["10"], alarms=frozenset({flag}), raw_alarms=("bit 5",))
    assert bed.signal(_FLAGS[flag]) is ON
    bed.every_second(["10"])
    latches = CATALOGUE[_FLAGS[flag]].latch_from is not None
    assert bed.signal(_FLAGS[flag]) is (LATCHED if latches else OFF)


@pytest.mark.requirement("CORE-8")
def test_keeping_the_vein_open_is_told() -> None:
    """KVO is a status of its own, with an alarm of low priority."""
    bed = Bedside()
    bed.every_second(["3"], status=PumpStatus.KVO)
    assert bed.signal(ConditionId.KVO) is ON


@pytest.mark.requirement("CORE-8")
def test_no_order_and_no_limits_are_told_while_it_flows() -> None:
    """A flow without an order, or under one the library does not know, is told; a standing pump is not."""
    for setup, condition in [
        (replace(SETUP, programme=None, entry=None), ConditionId.NO_PROGRAMME),
        (replace(SETUP, entry=None), ConditionId.LIBRARY_MISSING),
    ]:
        bed = Bedside(setup)
        bed.every_second(["0"] * 60, status=PumpStatus.STOPPED)
        assert bed.state.alarms == {}
        bed.every_second(["10"] * (CATALOGUE[condition].delay_s + 1))
        assert bed.signal(condition) is ON


@pytest.mark.requirement("INV-4", "CORE-5")
@pytest.mark.parametrize(("condition", "bad", "good", "other"), DELAYED)
def test_an_alarm_outlives_a_restart(
    condition: ConditionId, bad: str | None, good: str | None, other: dict[str, object]
) -> None:
    """After a restart a delayed alarm that still holds stays as it was, acknowledgement and all."""
    bed = Bedside()
    bed.every_second([bad] * (CATALOGUE[condition].delay_s + 1), **other)
    alarm = bed.alarm(condition)
    assert alarm is not None
    bed.give(Acknowledge(condition, alarm.revision, "Ada"))
    bed.restart()
    bed.wait(1)
    assert bed.signal(condition) is ACK
    seen = bed.every_second([bad] * 3, **other)
    assert bed.signal(condition) is ACK
    assert condition not in [c for c, _ in events(seen)]


@pytest.mark.requirement("CORE-3")
def test_without_a_resolution_of_its_own_a_pump_resolves_a_nanolitre() -> None:
    """The default grid is the finest there is, so that no limit is loosened by a default."""
    assert replace(SETUP, flow_step=FlowRate(1)).limits().hard_max == FlowRate.parse("35")  # type: ignore[union-attr]
