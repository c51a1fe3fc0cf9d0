"""Each defect that is published of a reference model, and that ours does not share it.

Open-PCA: *Open PCA Pump Requirements* 1.0.0 (SAnToS Lab, Kansas State University, 2020), and the "original"
and "fixed" rule for its maximum dose in ovasicek/pca-pump-ec-artifacts (model_sources/06-max_dose-*.pl).
GPCA: the alarm model of the Generic PCA pump as C code, derived from its Simulink charts.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import NO_ALARMS, Alarms, AlarmSignal, Finding, acknowledge, settle
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import advanced
from pumpd.core.delivery_account import Account, Counter
from pumpd.core.delivery_bands import FAST_PERCENT, SLOW_FOR_NS, SLOW_PERCENT
from pumpd.core.delivery_rules import deviations
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG, Concentration, FlowRate
from pumpd.core.total_dose import Course, DoseAccount, Stretch, amount_e6_p, may_exceed, pace_p_h
from tests import proof
from tests.core.delivery_scene import GAP_NS, said
from tests.core.situations import START

HOUR_S = 3600
MORPHINE = Concentration.parse("1 mg/mL")
BASAL = FlowRate.parse("2")
LIMIT_P = 10 * PG_PER_MG
"""In any four hours; the basal rate alone gives 8 mg."""
WINDOW_NS = 4 * NS_PER_H


def _after(seconds: int) -> DoseAccount:
    given_nl = BASAL.nl_per_h * seconds // HOUR_S
    stretch = Stretch(0, seconds * NS_PER_S, amount_e6_p(given_nl, MORPHINE))
    return DoseAccount(WINDOW_NS).plus(stretch, BASAL.nl_per_h)


def _open_pca_allows(account: DoseAccount, bolus_p: Fraction, now_ns: int) -> bool:
    """Judge as the original rule does: by what was delivered so far in the window."""
    return account.given(WINDOW_NS, now_ns) + bolus_p <= LIMIT_P


@pytest.mark.requirement("TOTAL-1")
@proof.examples("boluses that Open-PCA's first rule would allow", small=100, full=10_000)
@given(st.integers(1, 4 * HOUR_S), st.integers(1, 10_000))
def test_open_pca_allowed_a_bolus_that_the_basal_rate_then_takes_over_the_limit(
    at_s: int, bolus_ul: int
) -> None:
    """06-max_dose-original.pl, "allowed basal overdose": ours judges with a full window of what goes on.

    What ours allows never exceeds in any window to come; what it refuses would.
    """
    account, now_ns = _after(at_s), at_s * NS_PER_S
    bolus_p = Fraction(bolus_ul * MORPHINE.p_per_ml, 1000)
    refused = may_exceed(
        account, Fraction(LIMIT_P), WINDOW_NS, now_ns, Course(pace_p_h(BASAL, MORPHINE), WINDOW_NS, bolus_p)
    )
    full_window_p = bolus_p + 8 * PG_PER_MG
    assert refused is (full_window_p > LIMIT_P)
    if not _open_pca_allows(account, bolus_p, now_ns):
        assert refused, "ours is never the laxer one"


@pytest.mark.requirement("TOTAL-1")
def test_the_published_overdose_itself() -> None:
    """Early in the infusion 9.9 mg are "left": Open-PCA's first rule allows the bolus, ours does not."""
    at_s = 180
    account, bolus_p = _after(at_s), Fraction(99 * PG_PER_MG, 10)
    assert _open_pca_allows(account, bolus_p, at_s * NS_PER_S)
    course = Course(pace_p_h(BASAL, MORPHINE), WINDOW_NS, bolus_p)
    assert may_exceed(account, Fraction(LIMIT_P), WINDOW_NS, at_s * NS_PER_S, course)


def _gpca_over(percents: list[int], tolerance_max: int, tolerance_min: int, longest_s: int) -> bool:
    """Judge one sample a second as the GPCA detector does: MONITOR begins anew with each good sample."""
    monitored_s = 0
    for percent in percents:
        if percent > 100 + tolerance_max:
            return True
        monitored_s = monitored_s + 1 if percent > 100 + tolerance_min else 0
        if monitored_s > longest_s:
            return True
    return False


def _told(percents: list[int], rate: int = 36_000_000) -> set[ConditionId]:
    """Return all that is told of a pump read once a second that gives so much of what it is set to."""
    counter = Counter(1_000, GAP_NS, ordered_nl=100 * NL_PER_ML)
    account: Account | None = None
    counter_nl, told = 0, set()
    for n, percent in enumerate(percents):
        counter_nl += rate // HOUR_S * percent // 100 if n else 0
        account = advanced(account, said(n * NS_PER_S, counter_nl, rate), counter)
        assert account is not None
        told |= {d.condition for d in deviations(account, counter)}
    return told


@pytest.mark.requirement("CORE-5", "DELIVERY-5")
@pytest.mark.parametrize("good_s", [1, 5, 20])
def test_gpca_forgot_a_suspicion_with_one_good_sample(good_s: int) -> None:
    """Two minutes at +20 %, a few good seconds, for half an hour: its timer never ran out, our sum does."""
    percents = ([120] * 120 + [100] * good_s) * 15
    assert not _gpca_over(percents, FAST_PERCENT, SLOW_PERCENT, SLOW_FOR_NS // NS_PER_S)
    assert _told(percents) == {ConditionId.OVER_INFUSION}


@pytest.mark.requirement("DELIVERY-5")
@pytest.mark.parametrize(("percent", "told"), [(101, False), (105, False), (110, False), (112, True)])
def test_gpca_made_a_tolerance_nought_by_integer_division(percent: int, told: bool) -> None:
    """cmd * (1 + tol / 100) in integers is cmd: any deviation was suspect. Ours is 10 %, to the grain."""
    tolerance = 10
    assert tolerance // 100 == 0, "the defect: the model divides integers"
    percents = [100] * 10 + [percent] * 600
    assert _gpca_over(percents, FAST_PERCENT, tolerance // 100, SLOW_FOR_NS // NS_PER_S)
    assert _told(percents) == ({ConditionId.OVER_INFUSION} if told else set())


def _all_on() -> Alarms:
    found = {c: Finding(CATALOGUE[c].priority, "1", "2") for c in ConditionId}
    return settle(NO_ALARMS, found, frozenset(), START)[0]


@pytest.mark.requirement("CORE-4", "INV-4")
def test_gpca_cancelled_another_alarm_than_the_one_named() -> None:
    """checkAlarm swaps the cancel ids of hardware (3) and environment (2). Ours acknowledges what is named.

    Of every condition, with all others on: it alone changes, and under another's revision nothing does.
    """
    before = _all_on()
    for condition in ConditionId:
        after, changes = acknowledge(before, condition, before[condition].revision, "Ada", START)
        assert [change.alarm.condition for change in changes] == [condition]
        assert {c for c in ConditionId if after[c] != before[c]} == {condition}
        assert after[condition].signal is AlarmSignal.ACKNOWLEDGED
    for one, other in permutations((ConditionId.PUMP_FAULT, ConditionId.BATTERY_DEPLETED), 2):
        assert before[one].revision != before[other].revision
        with pytest.raises(ValueError, match="raised anew or worsened"):
            acknowledge(before, one, before[other].revision, "Ada", START)
