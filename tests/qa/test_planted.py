"""Exploration finds every planted defect, and shrinks the hospital that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pumpd.qa.explore import Explorer
from pumpd.qa.runner import Outcome
from pumpd.qa.shrink import kinds, lines_and_seconds, shrink
from tests import proof
from tests.qa.planted import PLANTED, Planted
from tests.qa.small import LIBRARY

PAGE = Path(__file__).parents[2] / "docs" / "exploration.md"
TABLE = re.compile(r"(?<=\|---\|---\|---\|---:\|---\|---\|\n)(\|.*\n)+")
SHRUNK = {"INV-1", "INV-2", "INV-3", "INV-4", "INV-5"}
"""In ``make test`` the first defect of each invariant is shrunk, in ``make proof`` every one."""


def _row(planted: Planted) -> str:
    return f"| {planted.name} | {planted.invariant} | {planted.breaks} |"


def _found(planted: Planted) -> tuple[int, Outcome]:
    """Return the first hospital that shows the defect, and how many were played."""
    name = f"hospitals until '{planted.name}' is found, at most"
    count = proof.count(name, 25, 1000)
    first = 1 if proof.FULL else planted.seed
    explorer = Explorer(LIBRARY)
    for played, seed in enumerate(range(first, first + count), start=1):
        outcome = explorer.play(seed)
        if any(failure.startswith(planted.invariant) for failure in outcome.failures):
            return played, outcome
    pytest.fail(f"{planted.name}: not found in {count} hospitals from seed {first}")


@pytest.mark.requirement("QA-6")
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name.replace(" ", "-"))
def test_exploration_finds_and_shrinks_it(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found within the count, told as the invariant it breaks; a few lines and seconds show it."""
    planted.plant(monkeypatch)
    played, outcome = _found(planted)
    first_of_its_kind = next(each for each in PLANTED if each.invariant == planted.invariant)
    if not proof.FULL and planted is not first_of_its_kind:
        return
    shrunk = shrink(outcome, most_count=120 if proof.FULL else 25).outcome
    assert kinds(shrunk)[0] == kinds(outcome)[0]
    before, after = outcome.loaded.scenario, shrunk.loaded.scenario
    assert len(after.timeline) <= max(4, len(before.timeline) // 3)
    assert len(after.timeline) < len(before.timeline)
    assert after.duration_s <= before.duration_s
    if proof.FULL:
        _write(planted, f" {played} | {lines_and_seconds(before)} | {lines_and_seconds(after)} |")


def _write(planted: Planted, found: str) -> None:
    """Put what was found into the table of the page."""
    text = PAGE.read_text(encoding="utf-8")
    row = _row(planted)
    changed = re.sub(re.escape(row) + ".*", lambda _: row + found, text)
    assert row in text, f"{PAGE.name} has no row {row}"
    PAGE.write_text(changed, encoding="utf-8")


@pytest.mark.requirement("QA-6", "HOUSE-DOCS")
def test_the_page_lists_every_planted_defect() -> None:
    """Ten at least, two at least for each invariant, each with its row and nothing else in the table."""
    table = TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert table is not None
    rows = table[0].splitlines()
    assert [row[: len(_row(planted))] for row, planted in zip(rows, PLANTED, strict=True)] == [
        _row(planted) for planted in PLANTED
    ]
    assert all(
        re.fullmatch(r" \d+ \| \d+ lines? and \d+ s \| \d+ lines? and \d+ s \|", row[len(_row(planted)) :])
        for row, planted in zip(rows, PLANTED, strict=True)
    )
    assert len(PLANTED) >= 10
    assert {i: sum(p.invariant == i for p in PLANTED) >= 2 for i in SHRUNK} == dict.fromkeys(SHRUNK, True)
