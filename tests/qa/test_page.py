"""The QA engineer's page is complete; what it says to type is typed in tests/outside/."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.qa import checks, happenings

PAGE = (Path(__file__).parents[2] / "docs" / "qa.md").read_text()


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_page_names_every_action_and_check() -> None:
    """Nothing that a file may say is missing from the tables."""
    for word in (*happenings.TAKES, *checks.TAKES):
        assert f"`{word}`" in PAGE, word
