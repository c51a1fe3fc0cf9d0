"""Every hazard leads to a condition, a test and a scenario, or says why no monitor can see it."""

from __future__ import annotations

import re

import pytest

from tests.house import hazard_page
from tests.house.test_requirements import required

pytestmark = pytest.mark.requirement("HOUSE-DOCS")
each = pytest.mark.parametrize("hazard", list(hazard_page.hazards()))
NAMED = (
    *("1.1", "1.2", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10", "1.13", "1.14", "1.16", "1.22", "1.23"),
    *("1.25", "1.26", "1.28", "2.4", "2.6", "3.3", "3.5", "4.4", "5.6", "5.8", "8.6", "8.10", "8.14"),
)
"""The hazards of Generic Infusion Pump v1.0 that bear on dose, line, power, record and link."""


def test_the_page_of_hazards_is_written_from_what_there_is() -> None:
    """docs/hazards.md says what hazards.yaml, the catalogue and the scenarios say."""
    assert hazard_page.PAGE.read_text() == hazard_page.page()


def test_the_list_is_whole_and_in_order() -> None:
    """Each hazard once, by number; none that the reference model names is left out."""
    known = list(hazard_page.hazards())
    assert [name for name in known if name.startswith("GIP-")] == [f"GIP-{number}" for number in NAMED]
    assert [name for name in known if name.startswith("MON-")] == [f"MON-{n}" for n in range(1, 18)]
    assert known == re.findall(r"^((?:GIP|MON)-[0-9.]+):$", hazard_page.HAZARDS.read_text(), re.MULTILINE)


@each
def test_a_hazard_is_told_answered_or_said_to_be_unseen(hazard: str) -> None:
    """One that a monitor can see has a condition, or a requirement with tests; any other has neither."""
    entry = hazard_page.hazards()[hazard]
    required_ids = entry.get("requirements", [])
    assert set(required_ids) <= set(required())
    answered = bool(hazard_page.conditions_of(hazard) or hazard_page.tests_of(required_ids))
    assert answered is not ("unseen" in entry)
    assert set(entry) <= {"hazard", "unseen", "requirements", "beside"}
