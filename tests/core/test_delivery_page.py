"""docs/delivery.md: every fault is told as soon as the goals say, and the page says what the study found."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_rules import Fault, detected_within_s, least_rate, unseen
from pumpd.core.quantities import FlowRate, Volume
from tests import proof
from tests.core import delivery_page as page
from tests.core.delivery_goals import GOAL_PER_1000_H, claim, goals, per_1000_h
from tests.core.delivery_trials import RATES_ML_H, TICKS_ML, TRIALS, Trial, roll_overs, slips, trial

pytestmark = pytest.mark.requirement("DELIVERY-3")
TICK_NL = 1_000
FAULTS = {
    "free flow at this rate, counted": Fault.FREE_FLOW,
    "ten times the set rate": Fault.TEN_FOLD,
    "silent stop": Fault.SILENT_STOP,
    "half of the set rate": Fault.HALF,
    "20 % too much": Fault.TWENTY_MORE,
    "20 % too little": Fault.TWENTY_LESS,
}


@pytest.mark.parametrize("rate", ["0.05", "1", "50"])
@pytest.mark.parametrize("what", TRIALS, ids=lambda what: what.name)
def test_each_fault_is_told_within_its_bound(what: Trial, rate: str) -> None:
    """No later than the bound that counter step, rate and poll interval make."""
    trials = proof.count(f"trials of {what.name} at {rate} mL/h", 1, 30)
    nl_h = round(Fraction(rate) * 10**6)
    for n in range(trials):
        found_s = trial(what, nl_h, TICK_NL, proof.SEED + n)
        assert found_s is not None
        if what.name in FAULTS:
            jitter_s = Fraction(1, 2)
            bound_s = detected_within_s(FAULTS[what.name], FlowRate(nl_h), Volume(TICK_NL), Fraction(6, 5))
            assert found_s <= bound_s + jitter_s


def test_the_bounds_fall_with_the_rate() -> None:
    """The least rate told in time is just that: the step below it is not."""
    for fault in Fault:
        tick, poll_s, within_s = Volume(100_000), Fraction(1), Fraction(7200)
        least = least_rate(fault, tick, poll_s, within_s)
        assert least is not None
        assert detected_within_s(fault, least, tick, poll_s) <= within_s
        below = FlowRate(least.nl_per_h - 10_000)
        assert detected_within_s(fault, below, tick, poll_s) > within_s
    assert least_rate(Fault.HALF, Volume(100_000_000), Fraction(1), Fraction(7200)) is None


def test_the_page_says_what_may_pass_unseen() -> None:
    """The last table is computed from the rules, and every counter and rate of the study has its place."""
    text = page.PAGE.read_text(encoding="utf-8")
    if proof.FULL:
        cells = len(RATES_ML_H) * len(TICKS_ML)
        hours = proof.count("hours of sound pumps, at all rates and counters together", cells, 3_150)
        seen = page.write(6, hours / cells, proof.SEED)
        assert per_1000_h(seen, hours) <= GOAL_PER_1000_H
        text = page.PAGE.read_text(encoding="utf-8")
    inside = text.split(page.BEGIN)[1].split(page.END)[0]
    assert inside.strip().endswith("\n".join(page.limits()))
    for tick in TICKS_ML:
        assert f"### Counter in steps of {tick} mL" in inside
    for what in TRIALS:
        assert inside.count(f"\n| {what.name} |") == len(TICKS_ML)
    assert inside.count("\n| any false alarm |") == len(TICKS_ML)
    assert "### Are the goals met?" in inside


@pytest.mark.parametrize(
    ("seen", "hours", "words"),
    [
        (0, 3000, "met, all cells together: 0 in 3000 h, below 1 in 1,000 h"),
        (0, 2999, "not shown by so few hours: 0 in 2999 h, below 1 in 1,000 h"),
        (1, 4750, "met, all cells together: 1 in 4750 h, below 1 in 1,000 h"),
        (1, 3000, "missed: 1 in 3000 h, below 1.6 in 1,000 h"),
    ],
)
def test_the_page_claims_what_its_hours_show(seen: int, hours: float, words: str) -> None:
    """0 of n is below 3/n at 95 %: the goal of 1 in 1,000 h takes 3,000 h without any."""
    assert claim(seen, hours) == words


def test_the_page_says_where_a_goal_is_missed() -> None:
    """A trial too late, or not told in two hours where it was due, names its rate."""
    in_time: list[list[float | None]] = [[2.0, 1.0] for _ in RATES_ML_H]
    found = {tick: {what.name: in_time for what in TRIALS} for tick in TICKS_ML}
    seen = {(rate, tick): dict[ConditionId, int]() for rate in RATES_ML_H for tick in TICKS_ML}
    slipped: dict[str, dict[str, int | None]] = {"1": {"10 x": 2, "60 x": 2}}
    rolled = dict.fromkeys(seen, 0)
    met = [line for line in goals(found, seen, 150, slipped, rolled) if line.startswith("|")]
    assert [line.count("met") for line in met[2:]] == [3] * 7
    seconds: list[float | None] = [None, None, None, 61, 61, 61, 61]
    stops = [[each] for each in seconds]
    late = {**found, "0.1": {**found["0.1"], "silent stop": stops}}
    slipped["1"]["60 x"] = None
    said = "\n".join(goals(late, seen, 10, slipped, {**rolled, ("1", "0.01"): 2}))
    assert "| silent stop in 60 s at 5 mL/h or more | met | met | missed at 5, 10, 50 mL/h |" in said
    assert "| silent stop by three steps below that | met | met | missed at 0.5 mL/h |" in said
    assert "| nothing told of a roll-over | met | missed: 2 | met |" in said
    assert "missed: 1 of 2" in said
    assert "not shown by so few hours: 0 in 210 h" in said


@pytest.mark.parametrize("rate", RATES_ML_H)
def test_every_slip_in_the_setting_is_told_by_the_second_reading(rate: str) -> None:
    """Ten-fold, a hundred-fold, another unit, the dose typed as a rate, at any rate, whatever the counter."""
    assert set(slips(rate).values()) == {2}


@pytest.mark.parametrize("tick", TICKS_ML)
def test_a_counter_that_runs_over_is_told_nowhere(tick: str) -> None:
    """At 1 L and at 16 bits, for every counter step."""
    assert roll_overs("50", tick, proof.SEED) == 0


@pytest.mark.parametrize("rate", ["0.05", "1", "5", "50"])
@pytest.mark.parametrize("tick_nl", [1_000, 10_000, 39_000, 100_000])
def test_a_silent_stop_is_told_by_three_steps_or_in_a_minute(rate: str, tick_nl: int) -> None:
    """No later than 3 counter steps, a second of lag and the next reading; at 5 mL/h within 60 s."""
    flow = FlowRate.parse(rate)
    bound_s = detected_within_s(Fault.SILENT_STOP, flow, Volume(tick_nl), Fraction(1))
    three_steps_s = Fraction(3 * tick_nl * 3600, flow.nl_per_h)
    assert bound_s <= three_steps_s + 4
    assert flow < FlowRate.parse("5") or tick_nl > page.widest_step().nl or bound_s <= 60


def test_a_card_says_what_may_pass_unseen() -> None:
    """The least rates of a card are those of the page's last table; without a counter nothing is told."""
    told = unseen(Volume(100_000))
    assert told.startswith("silent stop below 0.11 mL/h; free flow below 0.31 mL/h; ten-fold flow below")
    assert unseen(Volume(100_000_000)).count("at any rate") == 5
    assert "tells no volume" in unseen(None)
