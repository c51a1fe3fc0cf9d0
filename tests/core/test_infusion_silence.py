"""What an infusion may have given since its pump was read last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.field_error import FieldError
from pumpd.core.infusion_record import Ending, ended
from pumpd.core.infusion_seen import reckoned
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG
from pumpd.core.total_dose import DoseAccount
from tests.core.infusion_scene import AT, PATIENT, infusion

pytestmark = pytest.mark.requirement("INF-2")
MG = PG_PER_MG * NL_PER_ML
GAP_NS = 3 * NS_PER_S
FLOWED = InfusionWatch(
    infusion(),
    0,
    PatientDose(PATIENT, "ketamine", DoseAccount(24 * NS_PER_H)),
    given_e6_p=2 * MG,
    given_nl=NL_PER_ML,
    taken_ns=NS_PER_H,
    pace_nl_h=5 * NL_PER_ML,
    top_nl_h=10 * NL_PER_ML,
)
"""1 mL of 2 mg/mL given, read last after an hour at 5 mL/h; it was at 10 mL/h before."""


def test_a_silence_goes_on_at_the_highest_rate() -> None:
    """In an hour 10 mL, or 20 mg, and told as at most so much; patient and time of reading stay."""
    told = reckoned(FLOWED, 2 * NS_PER_H, GAP_NS)
    assert (told.given_nl, told.given_e6_p, told.up_to) == (11 * NL_PER_ML, 22 * MG, True)
    assert (told.dose, told.taken_ns) == (FLOWED.dose, FLOWED.taken_ns)


@pytest.mark.parametrize(("after_ns", "up_to"), [(0, False), (GAP_NS, False), (GAP_NS + 1, True)])
def test_between_two_polls_nothing_is_reckoned(after_ns: int, up_to: bool) -> None:
    """Only what is longer than the gap in which a reading counts as fresh."""
    assert reckoned(FLOWED, NS_PER_H + after_ns, GAP_NS).up_to is up_to


def test_what_stood_or_was_never_read_is_told_as_counted() -> None:
    """A pump that stood gives nothing as far as anybody can tell."""
    for watch in (FLOWED._replace(pace_nl_h=0), FLOWED._replace(taken_ns=None)):
        assert reckoned(watch, 2 * NS_PER_H, GAP_NS) is watch


@pytest.mark.parametrize(
    ("up_to", "wasted", "needs"), [(True, 0, True), (True, None, False), (False, 0, False), (False, 1, True)]
)
def test_at_least_nothing_left_needs_a_witness_too(up_to: bool, wasted: int | None, needs: bool) -> None:
    """There may be more in the syringe; without an ordered volume nobody can tell."""
    made = infusion()
    ending = Ending("A. Nurse", AT, "no pain", 70 * MG, up_to, wasted)
    if needs:
        with pytest.raises(FieldError, match="needs a witness"):
            ended(made, ending)
    assert ended(made, replace(ending, witness="" if not needs else "C. Second")).ending is not None
