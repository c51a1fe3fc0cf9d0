"""An infusion from its beginning to its end: what may happen to it, and what may not, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.drug_library import Interval
from pumpd.core.infusion_clock import next_look_ns
from pumpd.core.infusion_record import (
    Answer,
    Ending,
    Observation,
    aimed,
    answered,
    carried_on,
    changed,
    ended,
    observed,
    to_waste_e6_p,
)
from pumpd.core.quantities import NS_PER_S, Concentration, DoseRate, Volume
from pumpd.core.telemetry import ChannelId, PumpId
from tests.core.infusion_scene import AT, FULL_ENTRY, NEVER, NO, dose, infusion, order, programme

pytestmark = pytest.mark.requirement("INF-1")
LATER = AT + timedelta(minutes=30)
MINUTE_NS = 60 * NS_PER_S
MG_E6 = 10**15
"""A milligram in millionths of a picogram."""
ENDING = Ending("A. Nurse", LATER, "no pain", 30 * MG_E6, False, 40 * MG_E6, "C. Second")


def test_a_change_is_a_new_version_with_name_and_reason():
    """The former version stays readable; without a reason or a name nothing changes."""
    more = order(programme=programme(dose_max=dose("0.6")), dose=dose("0.55"), reason="still pain")
    after = changed(infusion(), more, LATER)
    assert [v.number for v in after.versions] == [1, 2]
    assert (after.begun.dose, after.ordered.dose) == (dose("0.3"), dose("0.55"))
    assert (after.ordered.by, after.ordered.at, after.ordered.reason) == ("A. Nurse", LATER, "still pain")
    with pytest.raises(ValueError, match="say why"):
        changed(infusion(), replace(more, reason=" "), LATER)
    with pytest.raises(ValueError, match="needs the name"):
        changed(infusion(), replace(more, by=""), LATER)


def test_another_drug_or_concentration_is_another_infusion():
    """A new syringe of another strength is begun anew, so that the account adds up."""
    other = order(programme=programme(concentration=Concentration.parse("1 mg/mL")), reason="new syringe")
    with pytest.raises(ValueError, match=r"concentration 1 mg/mL for 2 mg/mL: end this infusion"):
        changed(infusion(), other, LATER)


def test_inside_the_ordered_range_another_dose_is_no_new_version():
    """The ends of the range belong to it; past them it takes an order."""
    for amount in ("0.1", "0.5"):
        after = aimed(infusion(), dose(amount))
        assert (after.ordered.dose, len(after.versions)) == (dose(amount), 1)
    for outside in (dose("0.099"), dose("0.501"), DoseRate.parse("0.3 mg/h")):
        with pytest.raises(ValueError, match=r"outside the ordered 0.1 mg/kg/h to 0.5 mg/kg/h"):
            aimed(infusion(), outside)


def test_an_end_needs_a_reason_and_a_witness_for_what_is_thrown_away():
    """The witness is somebody else; with nothing left nobody has to look."""
    after = ended(infusion(), ENDING)
    assert after.ending == ENDING
    assert after.carrier.until == LATER
    for wrong, words in (
        (replace(ENDING, by=""), "needs the name"),
        (replace(ENDING, reason=" "), "say why it ends"),
        (replace(ENDING, witness=""), "needs a witness"),
        (replace(ENDING, witness="a. NURSE "), "second person"),
    ):
        with pytest.raises(ValueError, match=words):
            ended(infusion(), wrong)
    for nothing in (0, None):
        ended(infusion(), replace(ENDING, wasted_e6_p=nothing, witness=""))


def test_after_its_end_only_observations_are_taken():
    """What ended is not changed, moved or ended again; somebody may still look at the patient."""
    over = ended(infusion(), ENDING)
    for late in (
        lambda: changed(over, order(reason="more"), LATER),
        lambda: aimed(over, dose("0.2")),
        lambda: answered(over, (NO,)),
        lambda: ended(over, ENDING),
        lambda: carried_on(over, replace(over.carrier, bed="2")),
    ):
        with pytest.raises(ValueError, match="was ended by A"):
            late()
    assert observed(over, Observation("A. Nurse", LATER, pain=2)).observations[0].pain == 2


@pytest.mark.parametrize(
    "seen",
    [
        {"pain": 0},
        {"sedation": "awake"},
        {"systolic_mmhg": 120},
        {"diastolic_mmhg": 80},
        {"pulse_per_min": 70},
        {"spo2_percent": 98},
        {"side_effects": "none"},
    ],
    ids=lambda seen: next(iter(seen)),
)
def test_an_observation_says_at_least_one_thing(seen):
    """Any one of them is enough, a pain of 0 too; an empty one is refused, and so is one of nobody."""
    assert len(observed(infusion(), Observation("A. Nurse", AT, **seen)).observations) == 1
    with pytest.raises(ValueError, match="nothing is written down"):
        observed(infusion(), Observation("A. Nurse", AT))
    with pytest.raises(ValueError, match="needs the name"):
        observed(infusion(), Observation("", AT, **seen))


def test_what_is_to_be_thrown_away_is_what_is_left_of_the_volume():
    """35 mL of 2 mg/mL are 70 mg; never below nothing, and unknown without a volume."""
    assert to_waste_e6_p(infusion(), 30 * MG_E6) == 40 * MG_E6
    assert to_waste_e6_p(infusion(), 71 * MG_E6) == 0
    endless = changed(infusion(), order(programme=programme(volume=None), reason="r"), LATER)
    assert to_waste_e6_p(endless, 0) is None
    assert infusion().programme.volume == Volume.parse(35)


def test_another_pump_or_bed_carries_it_on():
    """Who carried it until when stays; where it is already it can not go."""
    there = replace(infusion().carrier, pump=PumpId("PUMP-02"), since=LATER)
    after = carried_on(infusion(), there)
    assert [(c.pump, c.until) for c in after.carriers] == [("PUMP-01", LATER), ("PUMP-02", None)]
    here = infusion().carrier
    for other in (
        replace(here, pump=PumpId("PUMP-02")),
        replace(here, channel=ChannelId("2")),
        replace(here, bed="2"),
        replace(here, ward="other"),
    ):
        assert carried_on(infusion(), other).carrier == other
    with pytest.raises(ValueError, match="there already"):
        carried_on(infusion(), replace(infusion().carrier, since=LATER))


def test_open_questions_are_answered_once():
    """An infusion attached to a running pump may leave them open, and they close one by one."""
    attached = infusion(answers=(), attached=True)
    assert attached.checklist_open == (NO.ask, NEVER.ask)
    after = answered(attached, (NO,))
    assert after.checklist_open == (NEVER.ask,)
    for wrong in (NO, Answer("Tall?", False)):
        with pytest.raises(ValueError, match="not an open question"):
            answered(after, (wrong,))


DURING = FULL_ENTRY.during


@pytest.mark.parametrize(
    ("looked_min", "due_min"),
    [
        (None, 15),
        (-1, 15),
        (0, 15),
        (7, 15),
        (7.5, 30),
        (15, 30),
        (22, 30),
        (47, 60),
        (52, 60),
        (53, 90),
        (60, 90),
        (74, 90),
        (75, 120),
        (170, 240),
        (389, 420),
        (390, 480),
    ],
)
def test_the_clock_of_the_library(looked_min, due_min):
    """Every 15 min in the first hour, every 30 for two more, then hourly; a look is for the nearest."""
    looked_ns = None if looked_min is None else round(looked_min * MINUTE_NS)
    assert next_look_ns(DURING, looked_ns) == due_min * MINUTE_NS


def test_after_the_last_interval_nobody_is_reminded():
    """The clock after the end runs out; without intervals there is none."""
    after = FULL_ENTRY.after
    assert next_look_ns(after, None) == 30 * MINUTE_NS
    assert next_look_ns(after, 30 * MINUTE_NS) == 60 * MINUTE_NS
    assert next_look_ns(after, 60 * MINUTE_NS) is None
    assert next_look_ns((), None) is None


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.lists(st.integers(1, 300 * 60), min_size=1, max_size=30),
)
def test_looking_never_brings_a_reminder_nearer(every_min, looks_s):
    """However often somebody looks, the next is due later than that one, and never earlier than before."""
    intervals = tuple(Interval(e * 60, 100 * 60 * (at + 1)) for at, e in enumerate(every_min))
    dues = [next_look_ns(intervals, at * NS_PER_S) for at in sorted(looks_s)]
    for at, due in zip(sorted(looks_s), dues, strict=True):
        assert due is None or due >= at * NS_PER_S
    for before, after in pairwise(dues):
        assert after is None or (before is not None and before <= after)


def test_a_form_or_indication_that_nobody_names_is_the_one_it_was_begun_under():
    """Named as the entry has it, or not at all, it is the same drug; another is another drug."""
    entry = replace(FULL_ENTRY, form="racemic", indication="chronic pain")
    for named in ({}, {"form": "racemic"}, {"indication": "chronic pain"}):
        after = changed(infusion(entry), order(programme=programme(**named), reason="r"), LATER)
        assert after.ordered.number == 2
    for other in ({"form": "S"}, {"indication": "acute pain"}):
        with pytest.raises(ValueError, match="end this infusion and begin another"):
            changed(infusion(entry), order(programme=programme(**other), reason="r"), LATER)
