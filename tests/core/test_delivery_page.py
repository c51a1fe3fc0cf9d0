"""docs/delivery.md: every fault is told as soon as the goals say, and the page says what the study found."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pumpd.core.delivery_rules import Fault, detected_within_s, least_rate
from pumpd.core.quantities import FlowRate, Volume
from tests import proof
from tests.core import delivery_page as page

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
@pytest.mark.parametrize("what", page.TRIALS, ids=lambda what: what.name)
def test_each_fault_is_told_within_its_bound(what: page.Trial, rate: str) -> None:
    """No later than the bound that counter step, rate and poll interval make."""
    trials = proof.count(f"trials of {what.name} at {rate} mL/h", 1, 30)
    nl_h = round(Fraction(rate) * 10**6)
    for n in range(trials):
        found_s = page.trial(what, nl_h, TICK_NL, proof.SEED + n)
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
        hours = proof.count("hours of a sound pump, for each rate and counter", 1, 150)
        assert page.write(30, hours, proof.SEED) == 0
        text = page.PAGE.read_text(encoding="utf-8")
    inside = text.split(page.BEGIN)[1].split(page.END)[0]
    assert inside.strip().endswith("\n".join(page.limits()))
    for tick in page.TICKS_ML:
        assert f"### Counter in steps of {tick} mL" in inside
    for what in page.TRIALS:
        assert inside.count(f"\n| {what.name} |") == len(page.TICKS_ML)
    assert inside.count("| false alarms, in 1,000 h at 95 % |") == len(page.TICKS_ML)
