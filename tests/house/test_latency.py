"""docs/latency.md says what the code allows, and each of its hops has a test."""

from __future__ import annotations

import ast

import pytest

from tests.house import latency_page
from tests.house.tree import ROOT


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_page_is_written_from_the_constants() -> None:
    """Every figure is that of the code, and the sums are right."""
    assert latency_page.PAGE.read_text(encoding="utf-8") == latency_page.page()


@pytest.mark.requirement("HOUSE-DOCS")
@pytest.mark.parametrize("hop", [*latency_page.HOPS, *latency_page.BESIDE], ids=lambda hop: hop.what)
def test_each_hop_has_its_test(hop: latency_page.Hop) -> None:
    """A test that is renamed or gone leaves no hop without one."""
    tree = ast.parse((ROOT / "tests" / hop.file).read_text(encoding="utf-8"))
    tests = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    assert hop.test in tests
