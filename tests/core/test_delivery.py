"""The counter against the set rate: exact, against a second calculation; every fault found, none invented."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import advanced
from pumpd.core.delivery_account import Account, Carried, Counter
from pumpd.core.delivery_bands import FAST_PERCENT, GRAINS_PER_NL, SLOW_PERCENT, Told
from pumpd.core.delivery_rules import deviations
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, Volume
from pumpd.core.telemetry import Measured, PumpStatus, Telemetry
from tests import proof
from tests.core.delivery_scene import GAP_NS, Bench, live, said
from tests.oracle import delivery as oracle

COUNTER = Counter(1_000, GAP_NS)
RATES_NL_H = [50_000, 500_000, 1_000_000, 5_000_000, 50_000_000]


def _kept(readings: list[Telemetry], counter: Counter = COUNTER) -> Account:
    account = None
    for reading in readings:
        account = advanced(account, reading, counter)
    assert account is not None
    return account


def _told(account: Account, counter: Counter = COUNTER) -> set[ConditionId]:
    return {d.condition for d in deviations(account, counter)}


@st.composite
def _courses(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """A set rate in nL/h, and readings (ns, counter in nL) about it, with good and bad stretches."""
    rate = draw(st.integers(50_000, 50_000_000))
    at_ns, counter_nl = 0, draw(st.integers(0, 10**9))
    course = [(at_ns, counter_nl)]
    steps = st.tuples(st.integers(1, 2 * NS_PER_S), st.sampled_from([30, 60, 88, 95, 100, 106, 112, 140]))
    for elapsed_ns, percent in draw(st.lists(steps, min_size=1, max_size=25)):
        at_ns += elapsed_ns
        counter_nl += rate * elapsed_ns * percent // 100 // NS_PER_H
        course.append((at_ns, counter_nl))
    return rate, course


@pytest.mark.requirement("DELIVERY-1")
@proof.examples("sums of an account against every stretch tried", small=300, full=20_000)
@given(_courses(), st.booleans())
def test_the_sums_are_the_worst_of_every_stretch(
    course: tuple[int, list[tuple[int, int]]], too_much: bool
) -> None:
    """Each sum is, to the last digit, the worst stretch that the oracle finds by trying all of them."""
    rate, points = course
    account = _kept([said(at, nl, rate) for at, nl in points])
    side = account.over if too_much else account.under
    seconds = [(Fraction(at, NS_PER_S), Fraction(nl, NL_PER_ML)) for at, nl in points]
    for band, found in ((FAST_PERCENT, side.fast_grains), (0, side.total_grains)):
        wanted = oracle.worst_ml(seconds, Fraction(rate, NL_PER_ML), band, too_much=too_much)
        assert Fraction(found, GRAINS_PER_NL * NL_PER_ML) == wanted
    if not too_much:
        wanted = oracle.worst_ml(seconds, Fraction(rate, NL_PER_ML), SLOW_PERCENT, too_much=False)
        assert Fraction(side.slow_grains, GRAINS_PER_NL * NL_PER_ML) == wanted
    assert account.counted_nl == points[-1][1] - points[0][1]


@pytest.mark.requirement("DELIVERY-2")
@pytest.mark.parametrize(
    ("rate", "tick"),
    [(50_000, 1_000), (500_000, 10_000), (1_000_000, 1_000), (5_000_000, 100_000), (50_000_000, 10_000)],
)
def test_a_sound_pump_in_busy_hands_is_never_accused(rate: int, tick: int) -> None:
    """Titrated, paused, primed, given boluses, its counter reset, read with gaps: no nurse is called."""
    hours = proof.count(f"hours of a sound pump at {rate / 1e6} mL/h, counter step {tick / 1e6} mL", 1, 100)
    bench = Bench(rate, tick, seed=proof.SEED + rate + tick)
    live(bench, hours)
    assert set(bench.episodes) <= {ConditionId.COUNTER_RESET}


@pytest.mark.requirement("DELIVERY-3")
@pytest.mark.parametrize("flow", [20_000_000, 500_000_000])
def test_free_flow_is_told_by_the_second_reading(flow: int) -> None:
    """A counter that moves while the pump stands is told by the second reading that shows it."""
    bench = Bench(5_000_000)
    bench.run(60)
    bench.free_nl_h = flow
    assert ConditionId.FREE_FLOW not in bench.poll()
    assert ConditionId.FREE_FLOW in bench.poll()


@pytest.mark.requirement("DELIVERY-3")
@pytest.mark.parametrize("rate", [r for r in RATES_NL_H if r >= 5_000_000])
def test_ten_times_what_is_set_is_told_by_the_second_reading(rate: int) -> None:
    """A motor that runs ten times too fast is told by the second reading that shows it."""
    bench = Bench(rate)
    bench.model.press_start()
    bench.run(60)
    bench.model.turn_rate(10 * rate)
    bench.share_percent = 1000
    assert ConditionId.OVER_INFUSION not in bench.poll()
    assert ConditionId.OVER_INFUSION in bench.poll() | bench.poll()


@pytest.mark.requirement("DELIVERY-3")
@pytest.mark.parametrize("rate", RATES_NL_H)
@pytest.mark.parametrize("tick", [1_000, 10_000])
def test_a_silent_stop_is_told_by_the_third_step(rate: int, tick: int) -> None:
    """The motor dies, the pump says it runs: within 60 s at 5 mL/h, else when 3 steps and 3 polls are due."""
    bench = Bench(rate, tick)
    bench.model.press_start()
    bench.run(600)
    bench.model.pause()
    bench.dead = True
    three_steps_s = 3 * tick * 3600 / rate
    within_s = max(three_steps_s, 60.0 if rate >= 5_000_000 else 0.0) + 3
    assert bench.until(lambda told: ConditionId.SILENT_STOP in told, within_s) is not None


@pytest.mark.requirement("DELIVERY-3")
def test_a_frozen_counter_is_for_the_engineer() -> None:
    """The volume to come counts down while the counter stands: the motor turns, so no nurse is called."""
    bench = Bench(5_000_000)
    bench.model.programme(40 * NL_PER_ML)
    bench.model.press_start()
    bench.run(60)
    bench.frozen = True
    bench.run(600)
    assert set(bench.episodes) == {ConditionId.COUNTER_FROZEN}


@pytest.mark.requirement("DELIVERY-4")
@pytest.mark.parametrize("wraps_ml", [1000, 10_000])
def test_a_counter_that_rolls_over_is_not_told(wraps_ml: int) -> None:
    """Past its last digit a counter begins at 0: nothing is wrong and nothing is lost."""
    bench = Bench(50_000_000, wraps_nl=wraps_ml * NL_PER_ML, offset_nl=wraps_ml * NL_PER_ML - 100_000)
    bench.model.press_start()
    bench.run(120)
    assert bench.episodes == {}
    assert bench.account is not None
    assert abs(bench.account.counted_nl - bench.model.delivered_nl) <= 20_000


@pytest.mark.requirement("DELIVERY-4")
def test_a_counter_that_begins_anew_is_for_the_engineer() -> None:
    """Set back to 0 in mid-infusion: a reset, and what was counted since then is kept."""
    bench = Bench(5_000_000)
    bench.model.press_start()
    bench.run(600)
    bench.model.reset_counter()
    bench.run(60)
    assert set(bench.episodes) == {ConditionId.COUNTER_RESET}


@pytest.mark.requirement("DELIVERY-4")
@pytest.mark.parametrize("wrong_nl", [0, 10**6, 900 * 10**6])
def test_one_false_counter_value_is_nothing(wrong_nl: int) -> None:
    """A single value that fits nothing, high or low, is forgotten when the next one fits again."""
    rate = 10_000_000
    readings = [said(n * NS_PER_S, 2_000_000 + rate * n // 3600, rate) for n in range(200)]
    readings[100] = replace(readings[100], volume=Measured.valid(Volume(wrong_nl)))
    assert _kept(readings) == _kept(readings[:100] + readings[101:])


@pytest.mark.requirement("DELIVERY-4")
def test_a_counter_that_runs_backwards_is_told() -> None:
    """Half a millilitre back while the pump stands: reverse flow, at the second reading."""
    stopped = {"status": PumpStatus.STOPPED}
    readings = [said(n * NS_PER_S, 5_000_000, 10_000_000, **stopped) for n in range(20)]
    readings += [said(n * NS_PER_S, 4_500_000, 10_000_000, **stopped) for n in range(20, 22)]
    assert _told(_kept(readings[:-1])) == set()
    assert _told(_kept(readings)) == {ConditionId.REVERSE_FLOW}


@pytest.mark.requirement("DELIVERY-5", "CORE-5")
@pytest.mark.parametrize(("percent", "condition"), [(140, "over-infusion"), (60, "under-infusion")])
def test_alternating_good_and_bad_minutes_still_alarm(percent: int, condition: str) -> None:
    """The GPCA model's timer began anew with each good sample; a sum only takes back what was good."""
    rate, counter_nl = 5_000_000, 0
    told: set[ConditionId] = set()
    account = None
    for n in range(1200):
        counter_nl += rate * (percent if n // 60 % 2 else 100) // 100 // 3600
        account = advanced(account, said(n * NS_PER_S, counter_nl, rate), COUNTER)
        assert account is not None
        told |= _told(account)
    assert told == {ConditionId(condition)}


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize(("percent", "told"), [(109, Told.NOTHING), (112, Told.SLOW), (130, Told.FAST)])
def test_a_tolerance_is_a_percentage_and_not_nought(percent: int, told: Told) -> None:
    """The GPCA model's tolerance became 0 % by integer division; here 9 % is nothing, 12 % is after 5 min."""
    rate = 5_000_000
    counter = replace(COUNTER, ordered_nl=50 * NL_PER_ML)
    readings = [said(n * NS_PER_S, rate * n * percent // 100 // 3600, rate) for n in range(900)]
    assert _kept(readings, counter).over.told is told
    assert (_kept(readings[:200], counter).over.told is Told.NOTHING) is (told is not Told.FAST)


@pytest.mark.requirement("DELIVERY-5")
def test_more_than_was_ordered_is_told() -> None:
    """5 % above the ordered volume, and not before; priming and keeping the vein open are no part of it."""
    counter = Counter(1_000, GAP_NS, ordered_nl=10_000_000)
    rate = 50_000_000
    flushed = [said(n * NS_PER_S, n * 20_000, 72_000_000, status=PumpStatus.PRIMING) for n in range(100)]
    start_nl = flushed[-1].volume.value.nl  # type: ignore[union-attr]
    course = [
        said((100 + n) * NS_PER_S, start_nl + n * rate // 3600, rate)
        for n in range(10_500_000 * 3600 // rate)
    ]
    assert _told(_kept(flushed + course, counter), counter) == set()
    more = [said((1000 + n) * NS_PER_S, start_nl + (900 + n) * rate // 3600, rate) for n in range(9)]
    assert ConditionId.VOLUME_EXCEEDED in _told(_kept(flushed + course + more, counter), counter)


@pytest.mark.requirement("DELIVERY-5", "INV-4")
@pytest.mark.parametrize(("now_nl", "counted_nl"), [(5_400_000, 1_300_000), (100_000, 1_000_000)])
def test_what_an_earlier_run_counted_is_carried_on(now_nl: int, counted_nl: int) -> None:
    """Over a restart of the daemon the counter's own movement is credited; one that went back began at 0."""
    account = advanced(None, said(0, now_nl, 5_000_000), COUNTER, Carried(5_000_000, 900_000, 800_000))
    assert account is not None
    assert (account.counted_nl, account.infused_nl) == (counted_nl, counted_nl - 100_000)
    assert account.carried == Carried(now_nl, counted_nl, counted_nl - 100_000)
