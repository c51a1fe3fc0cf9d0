"""The end of an infusion: near, reached or too soon, each to the nanolitre, by what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import Finding
from pumpd.core.alert_loop import WITHIN_NS, Loop, loop_finding, looped
from pumpd.core.answers import waiting
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_account import Account, Counter
from pumpd.core.ends import followed_pump
from pumpd.core.inactivation import PauseAudio
from pumpd.core.quantities import NS_PER_S, Volume
from pumpd.core.state import Acknowledge, PumpState, WrongDevice, new_state
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus, Telemetry
from tests.core.situations import SETUP, Bedside

EMPTY, DONE, NEAR = ConditionId.EMPTY, ConditionId.INFUSION_COMPLETE, ConditionId.NEAR_END
TICK_NL, ORDERED_NL = 1_000, 10_000_000
UP_TO_NL = 500_000
"""5 % of the order: more than three steps of the counter."""
pytestmark = pytest.mark.requirement("CORE-3")


def _account(infused_nl: int) -> Account:
    return Account(0, 0, 0, PumpStatus.RUNNING, 0, 0, 0, 0, 0, None, infused_nl=infused_nl)


def _state(counter: Counter | None) -> PumpState:
    return replace(new_state(SETUP, Bedside().now), counter=counter)


def _found(counter: Counter | None, account: Account | None, *empty: ConditionId) -> dict[ConditionId, str]:
    found = {condition: Finding(CATALOGUE[condition].priority) for condition in empty}
    followed_pump(_state(counter), Bedside().reading(), account, found)
    return {condition: finding.measured for condition, finding in found.items()}


@pytest.mark.parametrize(
    ("infused_nl", "told"),
    [
        (ORDERED_NL - UP_TO_NL, {DONE: ""}),
        (ORDERED_NL - UP_TO_NL - 1, {EMPTY: "9.499999 mL of 10 mL"}),
        (0, {EMPTY: "0 mL of 10 mL"}),
        (ORDERED_NL, {DONE: ""}),
    ],
)
def test_empty_after_the_order_is_the_end_and_before_it_an_alarm(
    infused_nl: int, told: dict[ConditionId, str]
) -> None:
    """Within three steps or 5 % of the order it is the end that was expected."""
    assert _found(Counter(TICK_NL, NS_PER_S, ORDERED_NL), _account(infused_nl), EMPTY) == told


@pytest.mark.parametrize(
    ("counter", "account"),
    [
        (None, _account(ORDERED_NL)),
        (Counter(TICK_NL, NS_PER_S), _account(ORDERED_NL)),
        (Counter(TICK_NL, NS_PER_S, ORDERED_NL), None),
    ],
)
def test_empty_is_an_alarm_while_nobody_knows_how_much_is_in(
    counter: Counter | None, account: Account | None
) -> None:
    """Without counter, order or account it is never called the end."""
    assert _found(counter, account, EMPTY) == {EMPTY: "not known"}


@pytest.mark.parametrize(
    ("left_nl", "near"), [(1_666_666, True), (1_666_667, True), (1_700_000, False), (0, False)]
)
def test_near_the_end_by_the_account(left_nl: int, near: bool) -> None:
    """10 mL/h give 1,666,666.7 nL in ten minutes; nothing left is the end and no longer near it."""
    if left_nl == 1_666_667:
        near = False
    counter = Counter(TICK_NL, NS_PER_S, ORDERED_NL)
    assert (NEAR in _found(counter, _account(ORDERED_NL - left_nl))) is near
    assert NEAR not in _found(counter, None)


@pytest.mark.parametrize(("left", "near"), [("2", False), ("1.999999", True)])
def test_just_ten_minutes_are_not_yet_near(left: str, near: bool) -> None:
    """12 mL/h give 2 mL in ten minutes: exactly so much is not less."""
    found: dict[ConditionId, Finding] = {}
    reading = Bedside().reading("12", volume_to_be_infused=Measured.valid(Volume.parse(left)))
    followed_pump(_state(None), reading, None, found)
    assert (NEAR in found) is near


def _stopped(at_ns: int, alarm: PumpAlarm, status: PumpStatus = PumpStatus.ALARM) -> Telemetry:
    return Bedside(now_ns=at_ns).reading("0", status=status, alarms=frozenset({alarm}))


def _started(at_ns: int, status: PumpStatus = PumpStatus.RUNNING) -> Telemetry:
    return Bedside(now_ns=at_ns).reading("10", status=status)


@pytest.mark.parametrize(
    "alarm",
    [
        PumpAlarm.OCCLUSION,
        PumpAlarm.OCCLUSION_UPSTREAM,
        PumpAlarm.AIR,
        PumpAlarm.EMPTY,
        PumpAlarm.DOOR,
        PumpAlarm.BATTERY_DEPLETED,
        PumpAlarm.FAULT,
    ],
)
@pytest.mark.parametrize("started", [PumpStatus.RUNNING, PumpStatus.BOLUS])
def test_every_alarm_that_stops_a_pump_can_come_over_and_over(alarm: PumpAlarm, started: PumpStatus) -> None:
    """Stopped and started three times, whichever alarm it is, and a bolus is a start too."""
    loop: Loop | None = None
    for start in range(3):
        assert loop is None or loop_finding(loop) is None
        loop = looped(loop, _stopped((2 * start + 1) * NS_PER_S, alarm))
        loop = looped(loop, _started((2 * start + 2) * NS_PER_S, started))
    assert loop is not None
    finding = loop_finding(loop)
    assert finding is not None
    assert finding.measured == f"{alarm.value} 3 times"


@pytest.mark.parametrize(("later_ns", "remembered"), [(WITHIN_NS, True), (WITHIN_NS + 1, False)])
def test_a_start_is_remembered_for_ten_minutes(later_ns: int, remembered: bool) -> None:
    """Just ten minutes are within ten minutes."""
    loop = looped(looped(None, _stopped(1, PumpAlarm.AIR)), _started(2))
    assert (looped(loop, _started(2 + later_ns)) is not None) is remembered


def test_somebody_must_look_while_time_alone_can_change_an_alarm() -> None:
    """One that nobody has, or that is silenced for a time; one that somebody has waits for nothing."""
    bed = Bedside()
    bed.read()
    assert not waiting(bed.state.alarms)
    bed.give(WrongDevice("SIM-9", "SIM-1"))
    assert waiting(bed.state.alarms)
    wrong = ConditionId.WRONG_DEVICE
    bed.give(PauseAudio(wrong, bed.state.alarms[wrong].revision, "Ada", 60))
    paused = bed.state.alarms
    assert waiting({wrong: paused[wrong]})
    bed.give(Acknowledge(wrong, bed.state.alarms[wrong].revision, "Ada"))
    mine = bed.state.alarms[wrong]
    assert not waiting({wrong: replace(mine, inactivation=None)})
    assert waiting({wrong: replace(mine, inactivation=paused[wrong].inactivation)})
