"""Which entry of a library holds: drug, form, concentration, care area and indication together select it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from pumpd.core.drug_library import DrugLibrary
from pumpd.core.infusion_order import entry_for
from pumpd.core.quantities import Concentration
from tests.core.infusion_scene import FULL_ENTRY, programme

AXES: dict[str, tuple[Any, ...]] = {
    "drug": ("ketamine", "TEST-A"),
    "form": ("racemic", "S"),
    "concentration": (Concentration.parse("1 mg/mL"), Concentration.parse("2 mg/mL")),
    "care_area": ("pain-clinic", "ward"),
    "indication": ("chronic pain", "acute pain"),
}
ENTRIES = tuple(
    replace(FULL_ENTRY, **dict(zip(AXES, values, strict=True))) for values in product(*AXES.values())
)
LIBRARY = DrugLibrary("test-2", "ab" * 32, ENTRIES, frozenset())
FIRST = {name: values[0] for name, values in AXES.items()}
pytestmark = pytest.mark.requirement("LIB-1", "INF-1")


@pytest.mark.parametrize(
    "entry", ENTRIES, ids=lambda e: f"{e.drug} {e.form} {e.concentration} {e.indication}"
)
def test_each_of_them_selects(entry):
    """Of 32 entries that differ by one thing or more, an order finds the one that it names, and no other."""
    of = programme(**{name: getattr(entry, name) for name in AXES})
    assert entry_for(LIBRARY, of) is entry


@pytest.mark.parametrize("axis", AXES)
def test_another_value_of_one_of_them_is_not_in_the_library(axis):
    """Four that fit do not make up for the fifth."""
    other = Concentration.parse("3 mg/mL") if axis == "concentration" else "other"
    with pytest.raises(ValueError, match="has no limits for"):
        entry_for(LIBRARY, programme(**FIRST | {axis: other}))


@pytest.mark.parametrize("axis", ["form", "indication"])
def test_one_that_is_not_named_is_found_only_where_there_is_one(axis):
    """With two forms or indications nobody knows which limits are meant; with one it is that."""
    of = programme(**FIRST | {axis: ""})
    with pytest.raises(ValueError, match="has no limits for"):
        entry_for(LIBRARY, of)
    alone = replace(LIBRARY, entries=(ENTRIES[0],))
    assert entry_for(alone, of) is ENTRIES[0]
