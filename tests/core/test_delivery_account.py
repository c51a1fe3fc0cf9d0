"""Each bound of an account of delivery, hit to the last nanolitre."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import SETTLING_NS, SHOWN_NS, _step_seen, advanced, counted_since, paces
from pumpd.core.delivery_account import Account, Carried, Counter
from pumpd.core.delivery_bands import GRAINS_PER_NL, NONE, SLOW_FOR_NS, Excess, Told
from pumpd.core.delivery_rules import (
    Fault,
    detected_within_s,
    deviations,
    least_rate,
    over_order_nl,
    stands_still,
    too_young,
)
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests.core.delivery_scene import GAP_NS, said

pytestmark = pytest.mark.requirement("DELIVERY-5")
RATE = 3_600_000
"""A microlitre a second, which is a step of the counter."""
COUNTER = Counter(1_000, GAP_NS, ordered_nl=10 * NL_PER_ML)
NL = NS_PER_H
MOST_NL = 5_002
"""In a second: what is due, three steps, a second of lag, and a nanolitre for each rounding."""
AT_NL = 10**9 - 2_000
"""Two steps before a counter of a litre begins anew."""


def _account(counter_nl: int = 500_000, **other: Any) -> Account:
    begun = advanced(None, said(1_000 * NS_PER_S, counter_nl, RATE), COUNTER)
    assert begun is not None
    return begun._replace(**other)


def _after(account: Account, counter_nl: int, after_ns: int = NS_PER_S, **other: object) -> Account:
    reading = said(account.taken_ns + after_ns, counter_nl, RATE, **other)
    after = advanced(account, reading, COUNTER)
    assert after is not None
    return after


def _told(account: Account) -> set[ConditionId]:
    return {deviation.condition for deviation in deviations(account, COUNTER)}


@pytest.mark.parametrize(("beyond_nl", "doubted"), [(0, False), (1, True)])
def test_what_a_sound_counter_can_have_moved_is_believed(beyond_nl: int, doubted: bool) -> None:
    """All that is due, lags and jitters is believed at once; a nanolitre more waits for the next reading."""
    after = _after(_account(), 500_000 + MOST_NL + beyond_nl)
    assert (after.doubt is not None) is doubted
    assert after.counted_nl == (0 if doubted else MOST_NL)


def test_a_reading_of_the_same_moment_changes_nothing() -> None:
    """Time must have passed, or a reading says nothing about delivery."""
    account = _account()
    assert _after(account, 500_000, after_ns=0) is account


@pytest.mark.parametrize(("early_ns", "low_nl_h"), [(1, RATE // 2), (0, RATE)])
def test_the_display_counts_while_the_motor_settles(early_ns: int, low_nl_h: int) -> None:
    """For ten seconds after a change what is shown may flow; from then on what is set."""
    account = _account(changed_ns=1_000 * NS_PER_S, set_nl_h=RATE)
    shown = Measured.valid(FlowRate(RATE // 2))
    after = _after(account, 500_000 + 10_000, after_ns=SETTLING_NS - early_ns, flow=shown)
    assert (after.low_nl_h, after.high_nl_h) == (low_nl_h, RATE)


@pytest.mark.parametrize(("later_ns", "owed"), [(0, RATE * GAP_NS), (1, 0)])
def test_after_a_gap_nothing_is_owed(later_ns: int, owed: int) -> None:
    """A silence as long as the gap is still judged; after a longer one nobody knows what the pump did."""
    assert _after(_account(), 500_000, after_ns=GAP_NS + later_ns).owed_nl_ns_per_h == owed


def test_a_counter_that_stands_where_it_jumped_to_has_not_run_back() -> None:
    """It jumps forward and stays: too much was counted, and nothing flowed backwards."""
    account = _after(_after(_account(), 1_500_000), 1_500_000)
    assert account.doubt is None
    assert account.counted_nl == 1_000_000
    assert account.back_ns is None


@pytest.mark.parametrize(("beyond_nl", "over_nl"), [(0, 0), (1, MOST_NL + 19_000)])
def test_a_counter_that_stood_may_catch_up_with_what_was_due(beyond_nl: int, over_nl: int) -> None:
    """What was owed while it stood may come at once; with a nanolitre more, all of it is too much."""
    account = _account(owed_nl_ns_per_h=20_000 * NL, still_readings=20)
    seen_nl = 500_000 + 20_000 + MOST_NL + beyond_nl
    after = _after(_after(account, seen_nl), seen_nl + 1_000)
    assert after.doubt is None
    assert after.over.total_grains == over_nl * 100 * NL + beyond_nl * 100 * NL * (over_nl > 0)


@pytest.mark.parametrize(
    ("beyond_nl", "told"), [(0, ConditionId.COUNTER_RESET), (1, ConditionId.REVERSE_FLOW)]
)
def test_a_counter_that_begins_anew_shows_at_most_what_is_due(beyond_nl: int, told: ConditionId) -> None:
    """Back to no more than could have flowed since is a reset; a nanolitre more ran backwards."""
    fell_nl = MOST_NL + beyond_nl
    assert _told(_after(_after(_account(), fell_nl), fell_nl)) == {told}


@pytest.mark.parametrize(("beyond_nl", "counted_nl"), [(0, MOST_NL), (1, MOST_NL - 2_000 + 1)])
def test_a_counter_rolls_over_within_what_is_due(beyond_nl: int, counted_nl: int) -> None:
    """Over its last digit by no more than could have flowed is a roll-over; a nanolitre more is a reset."""
    shown_nl = MOST_NL - 2_000 + beyond_nl
    after = _after(_after(_account(AT_NL), shown_nl), shown_nl)
    assert after.counted_nl == counted_nl
    assert (after.reset_ns is None) is (beyond_nl == 0)


def test_a_counter_at_its_end_has_not_rolled_over() -> None:
    """One that shows a whole litre has a further digit: back to nought it began anew."""
    after = _after(_after(_account(10**9), 1_000), 1_000)
    assert _told(after) == {ConditionId.COUNTER_RESET}


@pytest.mark.parametrize(("gone_nl", "elsewhere_nl"), [(2_001, 2_001), (2_002, 0), (0, 0), (-1, 0)])
def test_what_is_to_come_counts_down_by_what_flows(gone_nl: int, elsewhere_nl: int) -> None:
    """By what is due and a step the motor turned; by more, or upwards, somebody typed."""
    to_come = Measured.valid(Volume(90_000 - gone_nl))
    after = _after(_account(to_come_nl=90_000), 500_000, volume_to_be_infused=to_come)
    assert after.elsewhere_nl == elsewhere_nl


@pytest.mark.parametrize(("elsewhere_nl", "frozen"), [(1_999, False), (2_000, True)])
def test_two_steps_counted_elsewhere_are_a_frozen_counter(elsewhere_nl: int, frozen: bool) -> None:
    """From two steps on it is the counter that stands, so nothing is too little, and no motor stopped."""
    account = _account(
        elsewhere_nl=elsewhere_nl, to_come_nl=90_000, owed_nl_ns_per_h=9_000 * NL, still_readings=9
    )
    after = _after(account, 500_000, volume_to_be_infused=Measured.valid(Volume(90_000)))
    assert (after.under == NONE) is frozen
    assert stands_still(after, COUNTER) is not frozen
    assert _told(after) == {ConditionId.COUNTER_FROZEN if frozen else ConditionId.SILENT_STOP}


@pytest.mark.parametrize(("beyond", "kept"), [(0, True), (1, False)])
def test_a_stop_that_was_told_is_not_too_little_as_well(beyond: int, kept: bool) -> None:
    """What was owed beyond the margin was told as a stop, so it is forgotten when the counter moves on."""
    margin_nl = MOST_NL - 1_001
    under = Excess(total_grains=10**6 * NL, peak_grains=10**6 * NL, peak_ns=1)
    account = _account(owed_nl_ns_per_h=margin_nl * NL + beyond, still_readings=4, under=under)
    assert (_after(account, 501_000).under.total_grains > 0) is kept


@pytest.mark.parametrize(("beyond", "stands"), [(0, False), (1, True)])
def test_a_stop_is_told_beyond_two_steps_and_the_lag(beyond: int, stands: bool) -> None:
    """In the second reading that shows it, when more than two steps and a second of flow are missing."""
    owed = 2 * COUNTER.tick_nl * NL + RATE * NS_PER_S + beyond
    assert stands_still(_account(owed_nl_ns_per_h=owed, still_readings=2), COUNTER) is stands
    assert not stands_still(_account(owed_nl_ns_per_h=owed, still_readings=1), COUNTER)


@pytest.mark.parametrize("name", ["reset_ns", "back_ns"])
def test_what_happened_in_a_moment_is_shown_for_a_minute(name: str) -> None:
    """A reset and a step back are shown to the last nanosecond of their minute, and then no more."""
    condition = ConditionId.COUNTER_RESET if name == "reset_ns" else ConditionId.REVERSE_FLOW
    over_ns = _account().taken_ns - SHOWN_NS
    assert _told(_account(**{name: over_ns + 1})) == {condition}
    assert _told(_account(**{name: over_ns})) == set()


def test_more_than_ordered_is_told_beyond_a_twentieth() -> None:
    """Five per cent above the order is no alarm; a nanolitre more is one."""
    most_nl = 10_500_000
    assert 10 * NL_PER_ML + over_order_nl(10 * NL_PER_ML, COUNTER) == most_nl
    assert _told(_account(infused_nl=most_nl)) == set()
    assert _told(_account(infused_nl=most_nl + 1)) == {ConditionId.VOLUME_EXCEEDED}


def test_an_account_is_young_for_five_minutes() -> None:
    """Until then it can not clear too much or too little; from then on it can."""
    account = _account(counted_nl=1)
    grown = account._replace(begun_ns=account.taken_ns - SLOW_FOR_NS)
    assert too_young(grown) == frozenset()
    assert ConditionId.OVER_INFUSION in too_young(grown._replace(begun_ns=grown.begun_ns + 1))


def test_the_least_rate_is_the_first_that_is_told_in_time() -> None:
    """A bound that one rate just keeps names that rate, the highest one too; a shorter one names the next."""
    poll_s, tick = Fraction(1, 1000), Volume(1_000)
    for rate in (FlowRate(2_000_000), FlowRate(50_000_000)):
        within_s = detected_within_s(Fault.SILENT_STOP, rate, tick, poll_s)
        assert least_rate(Fault.SILENT_STOP, tick, poll_s, within_s) == rate


def test_a_counter_has_a_step_and_a_gap() -> None:
    """A nanolitre and a nanosecond will do; nought will not. The same count anew moved nothing."""
    assert Counter(1, 1).ordered_nl is None
    for tick_nl, gap_ns in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="above 0"):
            Counter(tick_nl, gap_ns)
    assert counted_since(Carried(5_000, 900, 800), 5_000) == (900, 800)


@pytest.mark.parametrize(
    ("status", "shown", "pace"),
    [
        (PumpStatus.RUNNING, 5, (RATE, 5)),
        (PumpStatus.RUNNING, None, (RATE, RATE)),
        (PumpStatus.STOPPED, 5, (0, 5)),
        (PumpStatus.STOPPED, None, (0, 0)),
        (PumpStatus.KVO, 5, (5, 5)),
        (PumpStatus.KVO, None, None),
        (PumpStatus.UNKNOWN, 5, (5, RATE)),
    ],
)
def test_the_rates_that_count(status: PumpStatus, shown: int | None, pace: tuple[int, int] | None) -> None:
    """What is set counts while it runs, else what is shown; of an unknown status the higher one may flow."""
    flow = missing() if shown is None else Measured.valid(FlowRate(shown))
    assert paces(said(0, 0, RATE, status=status, flow=flow)) == pace


@pytest.mark.parametrize(
    ("ordered_nl", "to_come_nl"), [(10**7, None), (10**7, 10**9), (None, 10**7), (None, None)]
)
def test_all_together_a_twentieth_of_the_order_may_be_off(
    ordered_nl: int | None, to_come_nl: int | None
) -> None:
    """The order decides, else what the pump is still to give, else what flows in two hours."""
    most_nl = 500_000 if ordered_nl or to_come_nl else RATE * 2 // 20
    counter = Counter(1_000, GAP_NS, ordered_nl)
    to_come = missing() if to_come_nl is None else Measured.valid(Volume(to_come_nl))
    told = []
    for total_nl in (most_nl - 1, most_nl):
        account = _account(over=Excess(total_grains=total_nl * GRAINS_PER_NL))
        reading = said(account.taken_ns + NS_PER_S, 501_001, RATE, volume_to_be_infused=to_come)
        after = advanced(account, reading, counter)
        assert after is not None
        told.append(after.over.told)
    assert told == [Told.NOTHING, Told.TOTAL]


def test_only_a_pump_that_runs_must_count_before_a_stop_can_end() -> None:
    """While nothing was counted yet a stop that was told stays; of a pump that stands it ends."""
    assert ConditionId.SILENT_STOP in too_young(_account())
    assert ConditionId.SILENT_STOP not in too_young(_account(status=PumpStatus.STOPPED))


@pytest.mark.parametrize(
    ("fault", "within_s"),
    [
        (Fault.SILENT_STOP, 5),
        (Fault.FREE_FLOW, 8),
        (Fault.TEN_FOLD, Fraction("3.8")),
        (Fault.HALF, 30),
        (Fault.TWENTY_MORE, 314),
        (Fault.TWENTY_LESS, 314),
    ],
)
def test_how_soon_each_fault_is_told(fault: Fault, within_s: Fraction) -> None:
    """Reckoned by hand for a step a second, read each second: steps and lag over the excess."""
    assert detected_within_s(fault, FlowRate(RATE), Volume(1_000), Fraction(1)) == within_s


@pytest.mark.parametrize(("still_readings", "step_nl"), [(1, 0), (2, 5_000), (3, 5_000)])
def test_two_readings_that_stand_still_show_a_coarser_step(still_readings: int, step_nl: int) -> None:
    """A counter that then catches up with what was due moves in steps of that size."""
    stood = _account()._replace(still_readings=still_readings, owed_nl_ns_per_h=5_000 * NS_PER_H)
    assert _step_seen(stood, 5_000, COUNTER) == step_nl
