"""Infusions in words: every number that was written stands there with its unit, and nothing that was not."""

from __future__ import annotations

import pytest

from pumpd.core.infusion_record import Ending, Observation, ProgrammeVersion
from pumpd.core.infusion_words import ending_words, observation_words, order_words
from pumpd.core.quantities import NL_PER_ML, PG_PER_MG, DoseRate, Volume, Weight
from tests.core.infusion_scene import AT, PROGRAMME, dose, infusion, programme

pytestmark = pytest.mark.requirement("INF-1")
ORDER = "ketamine 2 mg/mL, 0.3 mg/kg/h of 0.1 mg/kg/h to 0.5 mg/kg/h"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"pain": 0}, "pain 0 of 10"),
        ({"sedation": "awake"}, "sedation awake"),
        ({"systolic_mmhg": 120, "diastolic_mmhg": 80}, "blood pressure 120/80 mmHg"),
        ({"systolic_mmhg": 120}, "blood pressure 120/? mmHg"),
        ({"diastolic_mmhg": 80}, "blood pressure ?/80 mmHg"),
        ({"pulse_per_min": 70}, "pulse 70/min"),
        ({"spo2_percent": 98}, "SpO2 98 %"),
        ({"side_effects": "dizzy"}, "side effects: dizzy"),
        ({"pain": 3, "pulse_per_min": 70}, "pain 3 of 10, pulse 70/min"),
    ],
)
def test_an_observation_says_what_was_written_and_nothing_else(seen: dict[str, object], words: str) -> None:
    """A pain of 0 was written; what was not measured is not there."""
    assert observation_words(Observation("A. Nurse", AT, **seen)) == words  # type: ignore[arg-type]


def test_an_order_says_what_ends_it_and_whom_it_is_for() -> None:
    """Weight, volume and duration where the order names them."""
    assert order_words(infusion().begun) == f"{ORDER}, 70 kg, 35 mL, 120 min, checked by C. Second"
    by_hour = {"dose_min": DoseRate.parse("7 mg/h"), "dose_max": DoseRate.parse("35 mg/h"), "weight": None}
    for left, words in (
        ({"volume": None, "duration_s": None}, ", 70 kg"),
        ({"duration_s": None, **by_hour}, ", 35 mL"),
        ({"volume": None, **by_hour}, ", 120 min"),
    ):
        version = ProgrammeVersion(1, programme(**left), dose("0.3"), "A. Nurse", AT)
        assert order_words(version).partition(" to ")[2].partition("/h")[2] == words
    assert (PROGRAMME.weight, PROGRAMME.volume) == (Weight.parse(70), Volume.parse(35))
    accepted = ProgrammeVersion(1, PROGRAMME, dose("0.3"), "A. Nurse", AT, accepted="pain")
    assert order_words(accepted).endswith(", soft limits passed: pain")


@pytest.mark.parametrize(
    ("up_to", "wasted", "witness", "words"),
    [
        (False, None, "", "given 40 mg"),
        (False, 0, "", "given 40 mg, to waste 0 mg"),
        (False, 30, "C. Second", "given 40 mg, to waste 30 mg (witness C. Second)"),
        (True, None, "", "given up to 40 mg"),
        (True, 30, "C. Second", "given up to 40 mg, to waste at least 30 mg (witness C. Second)"),
    ],
)
def test_an_ending_says_what_was_given_and_what_is_left(
    up_to: bool, wasted: int | None, witness: str, words: str
) -> None:
    """Where the order names no volume nobody can tell what is left, and nothing is said of it."""
    of_mg = PG_PER_MG * NL_PER_ML
    left = None if wasted is None else wasted * of_mg
    ending = Ending("A. Nurse", AT, "no pain", 40 * of_mg, up_to, left, witness)
    assert ending_words(ending, infusion()) == words
