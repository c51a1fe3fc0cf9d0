"""How much of a bolus is certain: the counter, less what the rate beside it and one step may account for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.amounts import DrugAmount
from pumpd.core.bolus import Bolus, followed_bolus, least_given_nl
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.delivery_account import Account
from pumpd.core.quantities import NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpStatus, Telemetry, missing
from tests.core.courses.bed import COUNTED, Counted, runs
from tests.core.courses.of_infusion import MOST, at_once, bolus
from tests.core.situations import SETUP, Bedside

pytestmark = pytest.mark.requirement("BOLUS-1")
BOLUS, RUNNING = PumpStatus.BOLUS, PumpStatus.RUNNING
SPAN_NS = 3
"""How long it took to ask."""


def _account(counted_nl: int, nl_h: int, taken_ns: int = 0) -> Account:
    return Account(0, taken_ns, 0, RUNNING, 0, 0, nl_h, 0, nl_h, None, counted_nl)


def _reading(status: PumpStatus, taken_ns: int) -> Telemetry:
    bed = Bedside(setup=SETUP)
    bed.read("10")
    assert bed.state.last is not None
    return replace(bed.state.last, status=status, taken_ns=taken_ns, span_ns=SPAN_NS)


BEFORE = _account(500, NS_PER_H, taken_ns=100)
"""It gives a nanolitre each nanosecond."""
SINCE_NS = 40 + SPAN_NS + NS_PER_S
"""From the reading before: what passed, the time it took to ask, and a counter that lags by a second."""


@pytest.mark.parametrize(("more_nl_h", "rounded_up"), [(0, 0), (1, 1)])
def test_what_the_rate_before_may_have_given_is_not_of_it(more_nl_h: int, rounded_up: int) -> None:
    """All the time since the reading before it, to a nanolitre, rounded up."""
    before = BEFORE._replace(high_nl_h=NS_PER_H + more_nl_h)
    begun = followed_bolus(None, before, _account(900, 0, 140), _reading(BOLUS, 140))
    assert begun == (500, SINCE_NS + rounded_up, True)


def test_it_is_followed_from_its_first_reading_to_its_last() -> None:
    """Later readings leave its begin as it is; without a counter, and after it, there is none."""
    begun, now = Bolus(500, 7, whole=True), _account(900, 0, 140)
    assert followed_bolus(begun, now, now, _reading(BOLUS, 180)) is begun
    assert followed_bolus(begun, now, now, _reading(RUNNING, 180)) is None
    assert followed_bolus(None, None, now, _reading(BOLUS, 140)) == (900, 0, False)
    assert followed_bolus(None, None, None, _reading(BOLUS, 140)) is None


@pytest.mark.parametrize(
    ("status", "before", "least_nl"),
    [
        (BOLUS, BEFORE, 3 * NS_PER_S - 500 - 7 - 11),
        (RUNNING, BEFORE, 3 * NS_PER_S - 500 - 7 - 11 - SINCE_NS),
        (RUNNING, None, 3 * NS_PER_S - 500 - 7 - 11),
    ],
    ids=["while it is given", "after its end", "after its end, first reading of a counter"],
)
def test_what_is_certain_is_what_was_counted_less_all_that_may_be_of_others(
    status: PumpStatus, before: Account | None, least_nl: int
) -> None:
    """What came before it, the rate since its end, and a step of 11 nL that was due when it began."""
    account = _account(3 * NS_PER_S, NS_PER_H, taken_ns=140)
    begun = Bolus(500, 7, whole=True)
    assert least_given_nl(begun, before, account, _reading(status, 140), tick_nl=11) == least_nl


@pytest.mark.parametrize(
    ("limit", "told"), [("0 mg", "BOLUS TOO LARGE: begun, limit 0 mg"), ("0.000002 mg", None)]
)
def test_of_a_bolus_that_nobody_counts_only_its_begin_is_known(limit: str, told: str | None) -> None:
    """A pump without a counter: where none is allowed it is told, and not where 1 nL of 2 mg/mL is."""
    made = Counted(setup=replace(COUNTED, entry=at_once(hard_max=DrugAmount.parse(limit))))
    runs(5, volume=missing())(made)
    runs(1, "30", status=BOLUS, volume=missing())(made)
    alarm = made.alarm(ConditionId.BOLUS_HARD)
    assert (None if alarm is None else alarm.title) == told
    assert alarm is None or alarm.priority is AlarmPriority.HIGH


def test_while_nobody_counts_what_was_told_of_a_bolus_stays() -> None:
    """After a restart in its middle the counter is missing: nobody knows that it is well again."""
    made = Counted(setup=replace(COUNTED, entry=at_once(hard_max=MOST)))
    runs(5)(made)
    bolus(43)(made)
    assert made.signal(ConditionId.BOLUS_HARD) is AlarmSignal.ON
    made.restart()
    runs(5, "30", status=BOLUS, volume=missing())(made)
    assert made.signal(ConditionId.BOLUS_HARD) is AlarmSignal.ON
    runs(2)(made)
    assert made.signal(ConditionId.BOLUS_HARD) is AlarmSignal.LATCHED
