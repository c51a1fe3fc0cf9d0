"""A newer drug library beside a running infusion: what is tighter, what may be taken over, what is kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import (
    BolusLimits,
    Bounds,
    DoseLimits,
    DrugLibrary,
    DrugLimits,
    Titration,
    TotalLimit,
    TotalOver,
)
from pumpd.core.field_error import FieldError
from pumpd.core.newer_library import asked_of_nurse, check_flow, newer_limits, under_library
from pumpd.core.quantities import DoseUnit, FlowRate, Volume, Weight
from pumpd.core.telemetry import Provenance
from tests.core.infusion_scene import (
    FULL_ENTRY,
    LIBRARY,
    MINUTE_S,
    PROGRAMME,
    STEP,
    dose,
    infusion,
    programme,
)

pytestmark = pytest.mark.requirement("INF-4")
SHA = "cd" * 32
DOSES = FULL_ENTRY.dose_rate


def with_entry(entry: DrugLimits | None, **changes: object) -> DrugLibrary:
    """Return the library that takes the place of the one the infusion was begun under."""
    entries = () if entry is None else (entry,)
    return replace(LIBRARY, version="test-2", sha256=SHA, entries=entries, **changes)  # type: ignore[arg-type]


def tighter(**changes: object) -> tuple[str, ...]:
    """Return what is tighter in the entry with ``changes``."""
    was = infusion(replace(FULL_ENTRY, bolus=BOLUS))
    newer = newer_limits(was, with_entry(replace(FULL_ENTRY, **{"bolus": BOLUS} | changes)))  # type: ignore[arg-type]
    return () if newer is None else newer.tighter


def doses(**bounds: str | None) -> DoseLimits:
    """Return the entry's limits of the dose rate with other bounds."""
    changes = {name: None if one is None else dose(one) for name, one in bounds.items()}
    return replace(DOSES, **changes)  # type: ignore[arg-type]


def totals(over: TotalOver, window_s: int | None = None, **bounds: str) -> tuple[TotalLimit, ...]:
    """Return the entry's totals with one of them in the place of that of ``over``."""
    amount = Bounds(**{name: DrugAmount.parse(one) for name, one in bounds.items()})
    return (
        *(one for one in FULL_ENTRY.totals if (one.over, one.window_s) != (over, window_s)),
        TotalLimit(over, amount, window_s),
    )


def bolus(**bounds: str) -> BolusLimits:
    """Return limits of one bolus."""
    return BolusLimits(Bounds(**{name: DrugAmount.parse(one) for name, one in bounds.items()}), 300, 900)


BOLUS = bolus(hard_max="0.35 mg/kg")
DAY_S = 24 * 3600
AT_THE_EDGE: list[tuple[dict[str, object], dict[str, object], str]] = [
    (
        {"dose_rate": doses(hard_max="1")},
        {"dose_rate": doses(hard_max="0.99")},
        "dose rate, hard limit 0.99 mg/kg/h, was 1 mg/kg/h",
    ),
    (
        {"dose_rate": doses(soft_max="0.5")},
        {"dose_rate": doses(soft_max="0.49")},
        "dose rate, soft limit 0.49 mg/kg/h, was 0.5 mg/kg/h",
    ),
    (
        {"dose_rate": doses(soft_min="0.1")},
        {"dose_rate": doses(soft_min="0.11")},
        "dose rate, soft minimum 0.11 mg/kg/h, was 0.1 mg/kg/h",
    ),
    (
        {"dose_rate": doses(hard_min="0.05")},
        {"dose_rate": doses(hard_min="0.06")},
        "dose rate, hard minimum 0.06 mg/kg/h, was 0.05 mg/kg/h",
    ),
    (
        {"flow": Bounds(soft_max=FlowRate.parse(30), hard_max=FlowRate.parse(40))},
        {"flow": Bounds(soft_max=FlowRate.parse(30), hard_max=FlowRate.parse(39))},
        "flow, hard limit 39 mL/h, was 40 mL/h",
    ),
    (
        {},
        {"flow": replace(FULL_ENTRY.flow, hard_min=FlowRate.parse(1))},
        "flow, hard minimum 1 mL/h, there was none",
    ),
    (
        {"volume": Bounds(hard_max=Volume.parse(60), soft_max=Volume.parse(60))},
        {"volume": Bounds(hard_max=Volume.parse(60), soft_max=Volume.parse(59))},
        "volume, soft limit 59 mL, there was none",
    ),
    (
        {"duration_s": replace(FULL_ENTRY.duration_s, hard_max=240 * MINUTE_S)},
        {"duration_s": replace(FULL_ENTRY.duration_s, hard_max=239 * MINUTE_S)},
        "duration, hard limit 239 min, was 240 min",
    ),
    (
        {"totals": totals(TotalOver.WINDOW, DAY_S, hard_max="1.5 mg/kg")},
        {"totals": totals(TotalOver.WINDOW, DAY_S, hard_max="1.4 mg/kg")},
        "total dose within 24 h, hard limit 1.4 mg/kg, was 1.5 mg/kg",
    ),
    (
        {"totals": totals(TotalOver.SERIES, soft_max="280 mg")},
        {"totals": totals(TotalOver.SERIES, soft_max="279 mg")},
        "total dose in the series, soft limit 279 mg, was 4 mg/kg",
    ),
    (
        {"totals": FULL_ENTRY.totals[:2]},
        {"totals": totals(TotalOver.WINDOW, 3600, hard_max="1 mg/kg")},
        "total dose within 1 h, hard limit 1 mg/kg, there was none",
    ),
    (
        {"titration": Titration(dose("0.1"), 15 * MINUTE_S)},
        {"titration": Titration(dose("0.09"), 15 * MINUTE_S)},
        "largest raise 0.09 mg/kg/h, was 0.1 mg/kg/h",
    ),
    (
        {"titration": Titration(dose("0.2"), 15 * MINUTE_S)},
        {"titration": Titration(dose("0.1"), 16 * MINUTE_S)},
        "time between raises 16 min, was 15 min",
    ),
    (
        {"titration": None},
        {"titration": Titration(dose("0.1"), 15 * MINUTE_S, hard=True)},
        "the largest raise is a hard limit",
    ),
    (
        {"bolus": bolus(hard_max="0.35 mg/kg")},
        {"bolus": bolus(hard_max="0.34 mg/kg")},
        "one bolus, hard limit 0.34 mg/kg, was 0.35 mg/kg",
    ),
    (
        {"bolus": bolus(hard_max="0.35 mg/kg", soft_max="0.35 mg/kg")},
        {"bolus": bolus(hard_max="0.35 mg/kg", soft_max="0.3 mg/kg")},
        "one bolus, soft limit 0.3 mg/kg, there was none",
    ),
    ({"lightest": Weight.parse(70)}, {"lightest": Weight.parse(71)}, "not for a patient of 70 kg"),
    ({"heaviest": Weight.parse(70)}, {"heaviest": Weight.parse(69)}, "not for a patient of 70 kg"),
]


@pytest.mark.parametrize(("same", "narrower", "words"), AT_THE_EDGE, ids=[words for *_, words in AT_THE_EDGE])
def test_each_limit_that_is_narrower_is_said_and_nothing_else(same, narrower, words):
    """At the old bound nothing is asked; one step inside it that limit alone is."""
    assert tighter(**same) == ()
    assert tighter(**narrower) == (words,)


def test_a_library_that_is_wider_or_only_newer_asks_nothing():
    """Another hash is no reason to ask; nor are observations, advice and the checklist."""
    assert tighter() == ()
    assert tighter(dose_rate=doses(hard_max="2"), titration=Titration(dose("0.2"), 60)) == ()
    assert tighter(dose_rate=doses(soft_max=None, hard_min=None), totals=(), duration_s=Bounds()) == ()
    assert tighter(during=(), checklist=(), advisories=("Look again.",)) == ()
    assert newer_limits(infusion(), None) is None
    narrow = replace(FULL_ENTRY, dose_rate=doses(hard_max="0.6"))
    assert newer_limits(infusion(), replace(with_entry(narrow), sha256=LIBRARY.sha256)) is None


def test_a_bolus_that_was_not_limited_before_and_one_that_is_not_any_more():
    """Only what is told of a bolus is a reason to ask: without a weight an amount by weight is not."""
    limited = with_entry(replace(FULL_ENTRY, bolus=bolus(hard_max="30 mg")))
    newer = newer_limits(infusion(), limited)
    assert newer is not None
    assert newer.tighter == ("one bolus, hard limit 30 mg, there was none",)
    assert tighter(bolus=None) == ()
    flat = replace(
        FULL_ENTRY,
        unit=DoseUnit.MG_H,
        dose_rate=DoseLimits(replace(dose("70"), unit=DoseUnit.MG_H)),
        totals=(),
        titration=None,
        lightest=None,
        heaviest=None,
    )
    low, high = (replace(dose(each), unit=DoseUnit.MG_H) for each in ("7", "35"))
    order = programme(weight=None, dose_min=low, dose_max=high)
    unweighed = infusion(flat, versions=(replace(infusion().ordered, programme=order),))
    by_weight, plain = (
        with_entry(replace(flat, bolus=bolus(hard_max=most))) for most in ("0.2 mg/kg", "30 mg")
    )
    assert newer_limits(unweighed, by_weight) is None
    assert newer_limits(unweighed, plain) == replace(newer, sha256=SHA)


def test_a_soft_limit_where_only_a_hard_one_was():
    """It is tighter only when it lies inside of the hard one."""
    was = infusion(replace(FULL_ENTRY, dose_rate=DoseLimits(hard_max=dose("1"))))
    at, inside = (
        with_entry(replace(FULL_ENTRY, dose_rate=DoseLimits(dose("1"), dose(soft)))) for soft in ("1", "0.9")
    )
    assert newer_limits(was, at) is None
    newer = newer_limits(was, inside)
    assert newer is not None
    assert newer.tighter == ("dose rate, soft limit 0.9 mg/kg/h, there was none",)


def test_what_the_order_stood_outside_of_before_is_not_asked_again():
    """A patient whom neither library is for, and a raise that was limited as hard: nothing is tighter."""
    hard = Titration(dose("0.1"), 15 * MINUTE_S, hard=True)
    was = replace(FULL_ENTRY, titration=hard, lightest=Weight.parse(71))
    assert newer_limits(infusion(was), with_entry(replace(was, lightest=Weight.parse(72)))) is None


def test_titration_that_was_not_limited_before():
    """Step and time are both told; that the limit is hard is told only where there was a soft one."""
    was = infusion(replace(FULL_ENTRY, titration=None))
    newer = newer_limits(
        was, with_entry(replace(FULL_ENTRY, titration=Titration(dose("0.1"), 900, hard=True)))
    )
    assert newer is not None
    assert newer.tighter == (
        "largest raise 0.1 mg/kg/h, there was none",
        "time between raises 15 min, there was none",
    )


def test_an_entry_that_is_gone_and_one_by_weight_for_a_patient_without_one():
    """Both are asked about, and can not be taken over."""
    newer = newer_limits(infusion(), with_entry(None))
    assert newer is not None
    assert newer.tighter == ("no limits for this any more",)
    assert "no limits for ketamine 2 mg/mL" in newer.problem
    flat = replace(
        FULL_ENTRY,
        unit=DoseUnit.MG_H,
        dose_rate=DoseLimits(replace(dose("70"), unit=DoseUnit.MG_H)),
        totals=(),
        titration=None,
    )
    light = programme(
        weight=None,
        dose_min=replace(flat.dose_rate.hard_max, amount=Fraction(7)),
        dose_max=flat.dose_rate.hard_max,
    )
    was = infusion(flat)
    was = replace(was, versions=(replace(was.ordered, programme=light, dose=light.dose_max),))
    flat = replace(flat, lightest=None, heaviest=None)
    assert newer_limits(was, with_entry(replace(flat, totals=()))) is None
    by_weight = {
        "for patients from 40 kg": replace(flat, lightest=Weight.parse(40)),
        "in mg/kg/h": FULL_ENTRY,
        "in mg/kg": replace(flat, totals=totals(TotalOver.SERIES, soft_max="4 mg/kg")[-1:]),
        "in ug/kg": replace(flat, totals=totals(TotalOver.SERIES, hard_max="500 ug/kg")[-1:]),
    }
    for words, entry in by_weight.items():
        newer = newer_limits(was, with_entry(entry))
        assert newer is not None
        assert newer.tighter == (f"limits by weight, {words}",)
        assert newer.problem == f"the limits are {words}: write the patient's weight"


@pytest.mark.parametrize(
    ("hard", "problem"),
    [("0.5", ""), ("0.49", "0.5 mg/kg/h is above the library's hard limit of 0.49 mg/kg/h")],
)
def test_why_the_present_order_can_not_stand_under_it(hard: str, problem: str):
    """What is ordered up to 0.5 stands at a hard limit of 0.5 and not below."""
    limits = replace(DOSES, hard_max=dose(hard), soft_max=dose("0.3"))
    newer = newer_limits(infusion(), with_entry(replace(FULL_ENTRY, dose_rate=limits)))
    assert newer is not None
    assert (newer.version, newer.sha256) == ("test-2", SHA)
    assert newer.problem == problem


def test_what_is_taken_over_is_the_whole_entry_and_its_library():
    """Version, hash, entry and signatures are the new library's; another one by now is refused."""
    entry = replace(FULL_ENTRY, dose_rate=doses(hard_max="0.6"))
    library = with_entry(entry, signed_for=frozenset({Provenance.REAL}))
    after = under_library(infusion(), library, SHA)
    assert after == infusion(
        entry, library_version="test-2", library_sha256=SHA, signed_for=frozenset({Provenance.REAL})
    )
    for at_hand in (None, replace(library, sha256="ef" * 32)):
        with pytest.raises(FieldError, match="replaced since: look again"):
            under_library(infusion(), at_hand, SHA)
    with pytest.raises(FieldError, match="no tighter"):
        under_library(after, library, SHA)
    with pytest.raises(FieldError, match="no tighter"):
        under_library(infusion(), with_entry(FULL_ENTRY), SHA)
    with pytest.raises(ValueError, match="no limits for ketamine"):
        under_library(infusion(), with_entry(None), SHA)


def test_an_entry_that_needs_its_form_named_is_found_by_the_one_it_began_with():
    """Two forms of a drug in the newer library: the infusion's own is meant, though nobody wrote it again."""
    racemic = replace(FULL_ENTRY, form="racemic", indication="pain")
    library = with_entry(replace(racemic, dose_rate=doses(hard_max="0.6")))
    both = replace(
        library, entries=(*library.entries, replace(racemic, form="S"), replace(racemic, indication="x"))
    )
    after = under_library(infusion(racemic), both, SHA)
    assert after.entry is both.entries[0]


@pytest.mark.parametrize(("flow", "refused"), [(None, False), ("21", False), ("21.1", True)])
def test_it_is_not_taken_over_while_the_pump_gives_more(flow: str | None, refused: bool):
    """0.6 mg/kg/h are 21 mL/h: at it the limits may be taken over, and above it they would pause the pump."""
    entry = replace(FULL_ENTRY, dose_rate=doses(hard_max="0.6"))
    seen = None if flow is None else FlowRate.parse(flow)
    if not refused:
        check_flow(seen, entry, PROGRAMME, STEP)
        return
    with pytest.raises(FieldError, match=r"gives 21\.1 mL/h, and the tighter hard limit is 21 mL/h") as error:
        check_flow(seen, entry, PROGRAMME, STEP)
    assert error.value.field == "library_sha256"


def test_what_the_nurse_is_asked_in_one_line():
    """The first limit, how many more, and which library; nothing where nothing is tighter."""
    assert asked_of_nurse(None).words == ""
    one = newer_limits(infusion(), with_entry(replace(FULL_ENTRY, dose_rate=doses(hard_max="0.6"))))
    first = "dose rate, hard limit 0.6 mg/kg/h, was 1 mg/kg/h"
    assert asked_of_nurse(one).words == f"{first}; library test-2"
    assert asked_of_nurse(one).causes == {SHA, first}
    entry = replace(FULL_ENTRY, dose_rate=doses(hard_max="0.6", soft_max="0.4", hard_min="0.06"))
    assert asked_of_nurse(newer_limits(infusion(), with_entry(entry))).words == (
        f"{first}, and 2 more; library test-2"
    )
