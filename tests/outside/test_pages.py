"""The pages for QA engineers, followed in a fresh environment that has pumpd's wheel and no checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import proof
from tests.house.tree import ROOT
from tests.outside.conftest import KINDS
from tests.outside.fresh import Fresh
from tests.outside.page import follow

FOLLOWED = proof.count(
    "environments in which the pages for QA engineers are followed (the second: all packages installed anew)",
    small=1,
    full=len(KINDS),
)
pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(400),
    pytest.mark.parametrize("environment", list(KINDS)[:FOLLOWED], indirect=True),
]


@pytest.mark.requirement("HOUSE-DOCS", "QA-4")
def test_from_nothing_to_a_first_own_scenario(environment: Fresh, tmp_path: Path) -> None:
    """Every command of the five minutes does what the page shows."""
    page = (ROOT / "docs" / "qa.md").read_text()
    first = page.partition("## A first one, in five minutes")[2].partition("\n## ")[0]
    assert first.count("pumpd qa run") >= 2
    assert follow(first, environment, tmp_path) >= 3
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.requirement("HOUSE-DOCS", "PLUG-1")
def test_the_page_of_the_plug_in(environment: Fresh, tmp_path: Path) -> None:
    """A driver is judged, and the example tests pass with every fixture."""
    page = (ROOT / "docs" / "pytest.md").read_text()
    for fixture in ("virtual_time", "pump", "broker", "ward", "daemon"):
        assert page.count(f"pumpd_{fixture}") >= 2
    assert follow(page, environment, tmp_path) == 2
