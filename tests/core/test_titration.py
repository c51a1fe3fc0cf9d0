"""Raises of the dose rate: how far and how soon, as people ask for them and as a pump shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import DrugLimits, Titration
from pumpd.core.infusion_record import Order
from pumpd.core.infusion_watch import RAISE_SETTLES_NS, InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_S, FlowRate, Weight
from pumpd.core.state import Now
from pumpd.core.titration import raise_asked, titration_finding
from pumpd.core.total_dose import DoseAccount
from tests.core.courses.bed import Counted
from tests.core.courses.of_infusion import BARE, begins, turned_to
from tests.core.infusion_scene import (
    AT,
    FULL_ENTRY,
    MINUTE_S,
    PATIENT,
    STEP,
    dose,
    infusion,
    order,
    programme,
)

MIN_NS = MINUTE_S * NS_PER_S
T0_NS = 10_000 * NS_PER_S
APART_NS = 15 * MIN_NS
HARD = replace(FULL_ENTRY, titration=Titration(dose("0.1"), 15 * MINUTE_S, hard=True))
pytestmark = pytest.mark.requirement("TITRATION-1")


def bed(entry: DrugLimits = FULL_ENTRY) -> Counted:
    """Return a pump that runs at 10.5 mL/h, 0.3 mg/kg/h, in an infusion."""
    made = Counted(setup=BARE)
    begins(entry)(made)
    turned_to(5, "10.5")(made)
    return made


def told(made: Counted) -> str:
    """Return what is told of the raise; empty when nothing is."""
    alarm = made.alarm(ConditionId.TITRATION)
    return "" if alarm is None else alarm.title


def watch(entry: DrugLimits = FULL_ENTRY, **known: Any) -> InfusionWatch:
    """Return an infusion at 0.3 mg/kg/h on a pump that runs at 10.5 mL/h."""
    started = InfusionWatch(infusion(entry), 0, PatientDose(PATIENT, "ketamine", DoseAccount(0)))
    return started._replace(**{"flowed_from_ns": 0, "rate_nl_h": 10_500_000, **known})


def asked(before: InfusionWatch, amount: str, accepted: str = "", at_ns: int = T0_NS) -> InfusionWatch:
    """Return the watch after a nurse asked for ``amount`` mg/kg/h."""
    return raise_asked(before, _order(amount, accepted), STEP, Now(at_ns, AT))


def _order(amount: str, accepted: str) -> Order:
    return order(dose=dose(amount), accepted=accepted)


def test_a_raise_at_the_pump_beyond_the_step_is_told_and_one_of_the_step_is_not():
    """0.1 mg/kg/h are 3.5 mL/h: 14 mL/h from 10.5 are quiet, and so is a step of rounding; more is told."""
    for rate, words in (("14", ""), ("14", ""), ("14.1", "by 0.103 mg/kg/h, usual 0.1 mg/kg/h")):
        made = bed()
        turned_to(20, rate)(made)
        assert words in told(made)
        assert (told(made) == "") is (words == "")
    alarm = made.alarm(ConditionId.TITRATION)
    assert alarm is not None
    assert alarm.priority is AlarmPriority.MEDIUM


def test_a_second_raise_is_told_when_it_comes_before_its_time():
    """By 15 min after the one before it is lawful again; keyed in step by step within a minute it is one."""
    for after_s, soon in ((899, True), (900, False)):
        made = bed()
        turned_to(30, "11")(made)
        turned_to(after_s - 30, "12")(made)
        turned_to(11, "13")(made)
        assert ("14 min after the one before, usual 15 min between raises" in told(made)) is soon
    made = bed()
    for rate in ("11", "12", "13", "14"):
        turned_to(14, rate)(made)
    assert told(made) == ""
    turned_to(20, "14.1")(made)
    assert told(made)


def test_a_raise_that_began_a_minute_ago_is_another():
    """Just before a minute is over a further step belongs to the same raise; then it is one of its own."""
    for at_ns, one in ((RAISE_SETTLES_NS - NS_PER_S, True), (RAISE_SETTLES_NS, False)):
        made = bed()
        turned_to(at_ns // NS_PER_S, "11")(made)
        turned_to(1, "12")(made)
        assert made.state.watch is not None
        assert (made.state.watch.raise_from_nl_h == 10_500_000) is one
        assert (made.state.watch.raised_before_ns is None) is one


def test_a_raise_that_is_taken_back_at_once_was_none():
    """Its alarm ends; the next raise is held against the one before, if there was any."""
    made = bed()
    turned_to(12, "17")(made)
    assert told(made)
    turned_to(6, "10.5")(made)
    assert told(made) == ""
    turned_to(60, "10.5")(made)
    turned_to(11, "14")(made)
    assert told(made) == ""
    assert made.state.watch is not None
    assert made.state.watch.raised_before_ns is None


def test_what_is_told_ends_when_the_time_between_raises_is_over():
    """After 15 min the next raise would be lawful, and this one is what is given."""
    made = bed()
    turned_to(890, "17")(made)
    assert made.signal(ConditionId.TITRATION) is AlarmSignal.ON
    turned_to(20, "17")(made)
    assert told(made) == ""


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({}, False),
        ({"raise_from_nl_h": 10_500_000}, True),
        ({"raise_from_nl_h": 20_000_000}, False),
        ({"raise_from_nl_h": 20_000_001}, False),
        ({"raise_from_nl_h": 16_400_000}, True),
        ({"raise_from_nl_h": 16_400_001}, False),
        ({"raise_from_nl_h": 19_999_999, "raised_before_ns": T0_NS - APART_NS + 1}, True),
        ({"raise_from_nl_h": 19_999_999, "raised_before_ns": T0_NS - APART_NS}, False),
        ({"raise_from_nl_h": 20_000_000, "raised_before_ns": T0_NS - 1}, False),
    ],
)
def test_what_the_last_raise_shows(known, told):
    """From the rate that is set, or above it, nothing was raised; 3.6 mL/h are 3.5 and a step of the pump."""
    of = watch(rate_nl_h=20_000_000, raised_ns=T0_NS, **known)
    assert (titration_finding(of, STEP, T0_NS) is not None) is told
    assert titration_finding(of, STEP, T0_NS + APART_NS) is None
    assert (titration_finding(of, STEP, T0_NS + APART_NS - 1) is not None) is told
    bare = of._replace(infusion=infusion(replace(FULL_ENTRY, titration=None)))
    assert titration_finding(bare, STEP, T0_NS) is None


def test_asking_for_more_than_a_step_needs_a_reason_under_a_soft_limit():
    """0.1 mg/kg/h more is taken; a hair more is refused in words, and taken with a reason."""
    assert asked(watch(), "0.4").accepted == ()
    with pytest.raises(ValueError, match=r"by 0.101 mg/kg/h .* largest step of 0.1 mg/kg/h.* with a reason"):
        asked(watch(), "0.401")
    after = asked(watch(), "0.401", "severe pain")
    (one,) = after.accepted
    assert (one.condition, one.up_to, one.by, one.reason) == (
        ConditionId.TITRATION,
        14_000_000,
        "A. Nurse",
        "severe pain",
    )
    assert "by 0.101 mg/kg/h" in one.words


def test_asking_is_held_against_what_the_pump_is_set_to_as_well():
    """Turned down at the pump, a step on paper is a larger one at the patient."""
    slow = watch(rate_nl_h=7_000_000)
    with pytest.raises(ValueError, match=r"by 0.2 mg/kg/h"):
        asked(slow, "0.4")
    assert asked(watch(rate_nl_h=10_400_001), "0.4").accepted == ()
    with pytest.raises(ValueError, match="largest step"):
        asked(watch(rate_nl_h=10_400_000), "0.4")


@pytest.mark.parametrize("known", ["raised_ns", "raise_asked_ns"])
def test_asking_sooner_than_allowed_needs_a_reason(known):
    """Counted from the last raise at the pump, or from the last that was asked for; less is always taken."""
    before = watch(FULL_ENTRY, **{known: T0_NS})
    with pytest.raises(ValueError, match=r"14 min after the one before .* 15 min between raises"):
        asked(before, "0.35", at_ns=T0_NS + APART_NS - 1)
    with pytest.raises(ValueError, match="14 min after"):
        asked(before, "0.35", at_ns=T0_NS + 14 * MIN_NS)
    assert asked(before, "0.35", at_ns=T0_NS + APART_NS).raise_asked_ns == T0_NS + APART_NS
    assert asked(before, "0.35", "pain", at_ns=T0_NS + 1).accepted[0].up_to == 12_200_000
    assert asked(before, "0.2", at_ns=T0_NS + 1).raise_asked_ns is None
    assert asked(before, "0.3", at_ns=T0_NS + 1) is before


def test_a_hard_limit_has_no_exception_and_before_the_start_there_is_no_raise():
    """A reason does not help; before the first flow, or without a limit, all of the order may be."""
    with pytest.raises(ValueError, match="which is a hard limit"):
        asked(watch(HARD), "0.5", "severe pain")
    still = watch(HARD)._replace(flowed_from_ns=None)
    assert asked(still, "0.5") is still
    free = watch(replace(FULL_ENTRY, titration=None))
    assert asked(free, "0.5").raise_asked_ns == T0_NS


def test_another_weight_counts_in_a_new_order():
    """The step is held against the flows of both orders: the same dose of a heavier patient is a raise."""
    heavier = order(programme=programme(weight=Weight.parse(140)), dose=dose("0.3"))
    with pytest.raises(ValueError, match="largest step"):
        raise_asked(watch(), heavier, FlowRate(1), Now(T0_NS, AT))


@pytest.mark.parametrize(("readings", "signal"), [(10, AlarmSignal.OFF), (11, AlarmSignal.ON)])
def test_a_raise_is_told_once_it_stood_for_ten_seconds(readings: int, signal: AlarmSignal) -> None:
    """A rate is keyed in step by step: what is taken back within ten seconds was none."""
    made = bed()
    turned_to(readings, "14.1")(made)
    assert made.signal(ConditionId.TITRATION) is signal
