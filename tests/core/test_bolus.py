"""A bolus against the library's maxima: by the counter, while it is given, and never by guess."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import AlarmSignal
from pumpd.core.amounts import DrugAmount
from pumpd.core.bolus_limits import GivenAtOnce, bolus_findings
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import Bounds, DrugLimits
from pumpd.core.infusion import Programme
from pumpd.core.quantities import NL_PER_ML, NS_PER_S, DoseRate
from pumpd.core.state import Acknowledge, Ordered, PauseNow, PumpSetup
from pumpd.core.telemetry import PumpStatus, missing
from tests import proof
from tests.core.courses.bed import COUNTED, STEP_NL, Counted, runs, set_up_as, silent
from tests.core.courses.of_infusion import MOST, at_once, bolus
from tests.core.situations import PROGRAMME, SETUP
from tests.oracle import rules

HARD, SOFT = ConditionId.BOLUS_HARD, ConditionId.BOLUS_SOFT
ON, OFF, LATCHED, ACK = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED, AlarmSignal.ACKNOWLEDGED
MG = DrugAmount.parse
NONE = at_once(hard_max=MG("0 mg"))
pytestmark = pytest.mark.requirement("BOLUS-1")


def bed(entry: DrugLimits, *, ran_s: int = 5) -> Counted:
    """Return a pump of a 70 kg patient that runs at 10 mL/h of 2 mg/mL."""
    made = Counted(setup=replace(COUNTED, entry=entry))
    runs(ran_s)(made)
    return made


def found(
    bounds: Bounds[DrugAmount], shown: GivenAtOnce, programme: Programme = PROGRAMME
) -> tuple[str, str, str] | None:
    """Return what is told of a bolus: which limit, measured and allowed."""
    told = list(bolus_findings(bounds, programme, shown))
    assert len(told) <= 1
    return next(((c.value, f.measured, f.allowed) for c, f in told), None)


BOTH = Bounds(soft_max=MG("1 mg"), hard_max=MG("2 mg"))
"""At 2 mg/mL half a mL and a whole one."""


@pytest.mark.parametrize(
    ("least_nl", "told"),
    [
        (-1, None),
        (499_999, None),
        (500_000, "bolus-soft"),
        (999_999, "bolus-soft"),
        (1_000_000, "bolus-hard"),
        (9_000_000, "bolus-hard"),
    ],
)
def test_each_maximum_is_passed_when_more_than_it_is_certain(least_nl: int, told: str | None) -> None:
    """More than ``least_nl`` was given: at the limit it is passed, a nanolitre below it may not be."""
    said = found(BOTH, GivenAtOnce(1_250_000, least_nl, whole=True))
    assert (None if said is None else said[0]) == told
    assert said is None or said[1:] == ("2.5 mg", "1 mg" if told == "bolus-soft" else "2 mg")


@pytest.mark.parametrize(
    ("counted_nl", "least_nl", "whole", "words"),
    [(0, -1, False, "begun"), (1, -1_000, True, "0 mg"), (250_000, 240_000, False, "at least 0.5 mg")],
)
def test_where_none_is_allowed_each_is_told(counted_nl: int, least_nl: int, whole: bool, words: str) -> None:
    """A maximum of 0 is passed by a bolus of which nothing is counted yet; what was not seen may be more."""
    shown = GivenAtOnce(counted_nl, least_nl, whole)
    assert found(Bounds(hard_max=MG("0 mg")), shown) == ("bolus-hard", words, "0 mg")
    assert found(Bounds(soft_max=MG("0 mg/kg")), shown) == ("bolus-soft", words, "0 mg")


def test_a_maximum_is_that_of_the_patients_weight() -> None:
    """0.01 mg/kg of 70 kg are 0.7 mg or 0.35 mL; where no weight is known, one per kg can not be judged."""
    per_kg = Bounds(hard_max=MOST)
    assert found(per_kg, GivenAtOnce(350_000, 349_999, whole=True)) is None
    told = ("bolus-hard", "0.7 mg", "0.7 mg")
    assert found(per_kg, GivenAtOnce(350_000, 350_000, whole=True)) == told
    mg_h = DoseRate.parse("10 mg/h")
    nobody = replace(PROGRAMME, weight=None, dose_min=mg_h, dose_max=mg_h)
    shown = GivenAtOnce(9_000_000, 8_999_999, whole=True)
    assert found(per_kg, shown, nobody) is None
    assert found(BOTH, shown, nobody) == ("bolus-hard", "18 mg", "2 mg")
    assert found(Bounds(), shown) is None


def test_it_is_told_while_it_is_given_and_never_restrained() -> None:
    """With every gate open: told after 43 s of a bolus that goes on for a minute, and nothing is sent."""
    made = bed(at_once(hard_max=MOST))
    bolus(42)(made)
    assert made.signal(HARD) is OFF
    bolus(1)(made)
    alarm = made.alarm(HARD)
    assert alarm is not None
    assert (alarm.signal, alarm.priority) == (ON, AlarmPriority.HIGH)
    assert alarm.title == "BOLUS TOO LARGE: 0.718 mg, limit 0.7 mg"
    bolus(17)(made)
    assert made.state.last is not None
    assert made.state.last.status is PumpStatus.BOLUS
    runs(3)(made)
    assert made.signal(HARD) is LATCHED
    assert not [effect for effect in made.told if isinstance(effect, PauseNow)]


def test_a_larger_one_goes_from_unusual_to_too_large() -> None:
    """Past the soft maximum it is MEDIUM; past the hard one it is HIGH, and the soft one waits latched."""
    made = bed(at_once(soft_max=MOST, hard_max=MG("0.02 mg/kg")))
    bolus(43)(made)
    soft = made.alarm(SOFT)
    assert soft is not None
    assert (soft.signal, soft.priority) == (ON, AlarmPriority.MEDIUM)
    assert soft.title == "Larger bolus than usual: 0.718 mg, usual up to 0.7 mg"
    bolus(41)(made)
    assert (made.signal(SOFT), made.signal(HARD)) == (ON, OFF)
    bolus(1)(made)
    assert (made.signal(SOFT), made.signal(HARD)) == (LATCHED, ON)


def test_each_bolus_is_judged_by_itself() -> None:
    """Two of 42 s with a reading between them are within the limit; 43 s without one are not."""
    made = bed(at_once(hard_max=MOST))
    for _ in range(2):
        bolus(42)(made)
        runs(1)(made)
        assert made.signal(HARD) is OFF
    assert made.state.bolus is None
    bolus(43)(made)
    assert made.signal(HARD) is ON


def test_the_reading_after_its_end_counts_what_it_gave_last() -> None:
    """Given between two readings, its end shows in a counter that is read when it is over."""
    for last_nl, signal in ((12_000, OFF), (13_000, ON)):
        made = bed(at_once(hard_max=MOST))
        bolus(42)(made)
        made.counter_nl += last_nl - 10_000_000 / 3600
        runs(1)(made)
        assert made.signal(HARD) is signal
        runs(2)(made)
        assert made.signal(HARD) is (LATCHED if signal is ON else OFF)


def test_what_a_silence_before_it_may_have_given_is_not_of_it() -> None:
    """After a minute without a reading the rate before may account for as much."""
    made = bed(at_once(hard_max=MOST))
    silent(60)(made)
    made.counter_nl += 60 * 10_000_000 / 3600
    bolus(42)(made)
    assert made.signal(HARD) is OFF
    bolus(1)(made)
    assert made.signal(HARD) is ON


@pytest.mark.parametrize(("counter", "counted"), [(COUNTED, True), (COUNTED, False), (SETUP, False)])
def test_where_none_is_allowed_it_is_told_at_the_first_reading(counter: PumpSetup, counted: bool) -> None:
    """Also of a pump that shows no volume; and it ends with the bolus."""
    said: dict[str, Any] = {} if counted else {"volume": missing()}
    made = Counted(setup=replace(counter, entry=NONE))
    runs(5, **said)(made)
    assert made.signal(HARD) is OFF
    runs(1, "30", status=PumpStatus.BOLUS, **said)(made)
    alarm = made.alarm(HARD)
    assert alarm is not None
    assert alarm.title.startswith("BOLUS TOO LARGE: ")
    runs(2, **said)(made)
    assert made.signal(HARD) is LATCHED


@pytest.mark.parametrize(
    "setup",
    [
        replace(COUNTED, entry=replace(at_once(), bolus=None)),
        replace(COUNTED, entry=at_once()),
        replace(SETUP, entry=at_once(hard_max=MOST)),
        replace(COUNTED, entry=None),
        replace(COUNTED, entry=None, programme=None),
        replace(COUNTED, entry=at_once(hard_max=MOST), programme=None),
    ],
    ids=["no limits of a bolus", "no maximum", "no counter", "no entry", "no order", "limits alone"],
)
def test_without_a_limit_or_a_counter_nothing_is_told(setup: PumpSetup) -> None:
    """A bolus is then held against limits of flow and total dose alone."""
    made = Counted(setup=setup)
    runs(5)(made)
    bolus(120)(made)
    runs(2)(made)
    assert (made.signal(HARD), made.signal(SOFT)) == (OFF, OFF)


@pytest.mark.parametrize("status", [s for s in PumpStatus if s is not PumpStatus.BOLUS])
def test_only_a_bolus_is_one(status: PumpStatus) -> None:
    """What flows in any other status is judged by its flow."""
    made = bed(at_once(hard_max=MOST))
    runs(60, "30", status=status)(made)
    assert made.signal(HARD) is OFF


def test_after_a_restart_in_a_bolus_its_alarm_stays_as_it_is() -> None:
    """What was given before is not seen: the alarm holds until the bolus is over, and is told once."""
    made = bed(at_once(soft_max=MOST, hard_max=MG("0.02 mg/kg")))
    bolus(50)(made)
    alarm = made.alarm(SOFT)
    assert alarm is not None
    made.give(Acknowledge(SOFT, alarm.revision, "Ada"))
    made.restart()
    made.told.clear()
    bolus(60)(made)
    assert (made.signal(SOFT), made.signal(HARD)) == (ACK, OFF)
    assert made.state.alarms[SOFT].measured.startswith("at least ")
    bolus(30)(made)
    assert (made.signal(SOFT), made.signal(HARD)) == (OFF, ON)
    runs(2)(made)
    assert made.signal(HARD) is LATCHED


def test_another_order_begins_another_account() -> None:
    """What was counted under an earlier order, in the same bolus, is not counted under this one."""
    made = bed(at_once(hard_max=MOST))
    bolus(42)(made)
    made.give(Ordered(made.setup, None, afresh=True))
    assert made.state.bolus is None
    bolus(42)(made)
    assert made.signal(HARD) is OFF


@proof.examples("boluses against the oracle", small=60, full=5_000)
@given(
    ml_h=st.integers(1, 30),
    basal_ml_h=st.integers(0, 15),
    begun_ds=st.integers(51, 99),
    lasts_ds=st.integers(1, 900),
    every_s=st.integers(1, 4),
    limit_ug=st.integers(10, 1_000),
)
def test_it_is_told_only_and_always_when_the_counter_shows_it(
    ml_h: int, basal_ml_h: int, begun_ds: int, lasts_ds: int, every_s: int, limit_ug: int
) -> None:
    """Never of a bolus that is within the limit, and by the first reading at which it is surely beyond."""
    made = Counted(setup=replace(COUNTED, entry=at_once(hard_max=DrugAmount.parse(f"0.{limit_ug:04} mg"))))
    begun, ended = Fraction(begun_ds, 10), Fraction(begun_ds + lasts_ds, 10)
    basal, rate, limit_mg = Fraction(basal_ml_h), Fraction(ml_h), Fraction(limit_ug, 10_000)
    slack_ml = Fraction(2 * STEP_NL + 2, NL_PER_ML) + basal * 2 * (every_s + 1) / 3600
    was_seen, from_ns, from_nl = False, made.now_ns, made.counter_nl
    for at in range(0, int(ended) + 2 * every_s, every_s):
        in_it = begun <= at < ended
        was_seen |= in_it
        given_ml = rules.bolus_ml(rate, begun, ended, Fraction(at))
        under_ml = basal * (at - max(Fraction(0), min(Fraction(at), ended) - begun)) / 3600
        made.now_ns = from_ns + at * NS_PER_S
        made.counter_nl = from_nl + int((given_ml + under_ml) * NL_PER_ML)
        made.show(
            str(ml_h if in_it else basal_ml_h), status=PumpStatus.BOLUS if in_it else PumpStatus.RUNNING
        )
        told = made.signal(HARD) is not OFF
        if told:
            assert 2 * given_ml > limit_mg
        if was_seen and 2 * (given_ml - slack_ml) > limit_mg:
            assert told


def test_a_higher_limit_in_the_middle_of_it_ends_what_was_told() -> None:
    """Its begin was seen, so it is judged anew under each order."""
    made = bed(at_once(hard_max=MOST))
    bolus(43)(made)
    assert made.signal(HARD) is ON
    set_up_as(replace(COUNTED, entry=at_once(hard_max=MG("1 mg/kg"))))(made)
    bolus(1)(made)
    assert made.signal(HARD) is LATCHED


def test_of_a_bolus_that_goes_on_already_all_that_is_counted_is_certain() -> None:
    """What was given before the first reading can only be more."""
    made = bed(at_once(hard_max=MOST), ran_s=0)
    bolus(1)(made)
    assert made.state.account is not None
    assert made.state.bolus == (made.state.account.counted_nl, 0, False)
