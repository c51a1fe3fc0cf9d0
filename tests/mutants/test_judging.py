"""The judges find a changed product, and a judge that is weakened does not."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests import proof
from tests.mutants.campaign import Verdict, judge
from tests.mutants.crew import Crew
from tests.mutants.generated import all_mutants, campaign_mutants, modules
from tests.mutants.mutant import ROOT, Mutant, source
from tests.mutants.page import PAGE, page
from tests.mutants.panel import UNPLAYED, Judge, Panel, likely

pytestmark = [pytest.mark.real, pytest.mark.requirement("MUT-1")]
AIR = "config/scenarios/air-in-line.yaml"
OF_TABLES = {
    "priority",
    "latch",
    "delay",
    "silent",
    "stuck",
    "late",
    "transition",
    "limit",
    "scale",
    "word order",
    "code",
    "control",
}
SAMPLE = len(OF_TABLES)
ANSWERS_IN_S = 60.0


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """Return workers for all tests of this module."""
    with Crew(n_workers=1) as workers:
        yield workers


def _ask(crew: Crew, mutant: Mutant, groups: list[dict[str, Any]], **other: object) -> dict[str, Any]:
    job: dict[str, Any] = {
        "do": "judge",
        "id": mutant.id,
        "file": mutant.file,
        "text": mutant.text,
        "added": mutant.added,
    }
    job |= {"how": mutant.how, "judges": groups, "at_most_s": ANSWERS_IN_S} | other
    ((_, answer),) = crew.do([job], "judging")
    return answer


def _playing(*scenarios: object) -> list[dict[str, Any]]:
    return [{"kind": "scenarios", "names": [str(scenario) for scenario in scenarios]}]


def _mutant(*words: str) -> Mutant:
    (found,) = [mutant for mutant in all_mutants() if all(word in mutant.id for word in words)]
    return found


def test_a_scenario_finds_what_a_weakened_one_does_not(crew: Crew, tmp_path: Path) -> None:
    """Without its expectations the same scenario lets the same mutant live: the harness can fail."""
    silent = _mutant("silent", "alarms.py: air:")
    found = _ask(crew, silent, _playing(AIR))
    assert (found["by"], found["judge"]) == ("scenario", AIR)
    text = source(AIR).replace("../demo/", f"{ROOT}/config/demo/")
    weakened = tmp_path / "weakened.yaml"
    weakened.write_text(text.partition("expect:")[0] + "expect:\n  - {check: never, alarm: door}\n")
    assert _ask(crew, silent, _playing(weakened))["by"] == ""


@pytest.mark.parametrize("how", ["added", "functions", "import"])
def test_a_change_reaches_the_product_whichever_way_it_is_made(crew: Crew, how: str) -> None:
    """At the end of a module, inside of functions, or by importing it anew: found, and gone afterwards."""
    right = "if age_ns > limits.lost_after_ns:"
    text = source("pumpd/core/freshness.py")
    added = "\nfreshness.__code__ = (lambda age_ns, limits: Freshness.LOST).__code__\n"
    changed = text + added if how == "added" else text.replace(right, "if age_ns >= 0:")
    mutant = Mutant("limit", "pumpd/core/freshness.py", "freshness", "always lost", changed, added=added)
    assert _ask(crew, mutant, _playing(AIR), how=how)["by"] == "scenario"
    same = Mutant("limit", "pumpd/core/freshness.py", "freshness", "nothing", text, added="pass")
    assert _ask(crew, same, _playing(AIR), how=how)["by"] == ""


def test_a_changed_map_reaches_the_tests(crew: Crew) -> None:
    """Also what pytest would import by itself, as it does with a package that brings a plug-in."""
    moved = _mutant("address:", "reference-pump", "channels.1.flow.address")
    names = ["tests/drivers/test_against_oracle.py::test_every_value_is_read_from_its_place"]
    found = _ask(crew, moved, [{"kind": "tests", "names": names}], how="import")
    assert found["by"] == "test"
    assert found["judge"].startswith("tests/drivers/test_against_oracle.py")


def test_a_table_is_judged_by_who_names_it() -> None:
    """Who compares a table with its source runs no line of its module, and is its best witness."""
    table = _mutant("MATRIX: without Onset.IMMEDIATE (3)")
    naming = Judge("tests/core/test_tables.py::test_each_cell_of_the_matrix_is_the_standards", 0.1, {})
    running = Judge("tests/core/test_alarms.py::test_any", 0.2, {table.file: [1]})
    neither = Judge("tests/core/test_slips.py::test_any", 0.1, {"pumpd/core/slips.py": [1]})
    assert Panel([naming, running, neither]).who_sees(table) == [naming, running]


def test_a_map_is_judged_by_who_compares_it_with_its_document() -> None:
    """Who holds each value's place and range against the maker's runs no line of the code that reads maps."""
    moved = _mutant("address:", "teledyne-isco", "channels.A.pause.address")
    test = "tests/drivers/test_vendor_places.py::test_every_value_stands_where_its_maker_says[teledyne-isco]"
    comparing = Judge(test, 0.1, {})
    neither = Judge("tests/core/test_slips.py::test_any", 0.1, {"pumpd/core/slips.py": [1]})
    assert Panel([comparing, neither]).who_sees(moved) == [comparing]


def test_a_case_that_a_changed_table_no_longer_has_says_nothing(crew: Crew) -> None:
    """The test that found a mutant the last time may be one of cases that it takes away itself."""
    without = _mutant("told.py", "without ConditionId.LINE_DISTURBED")
    test = "tests/core/test_tables.py::test_what_only_others_can_say_no_reading_ends"
    case = f"{test}[ConditionId.LINE_DISTURBED, as it was]"
    assert _ask(crew, without, [{"kind": "tests", "names": [case]}], how="import")["by"] == ""


def test_what_never_ends_is_found_and_what_judges_nothing_is_no_judge(crew: Crew) -> None:
    """A mutant that runs for ever is ended and found; tests that are not there give no verdict."""
    text = source("pumpd/core/freshness.py").replace(
        "    if age_ns > limits.lost_after_ns", "    while age_ns > -1"
    )
    endless = Mutant("limit", "pumpd/core/freshness.py", "freshness", "endless", text, range(1, 2))
    assert _ask(crew, endless, _playing(AIR), at_most_s=3)["by"] == "scenario"
    text = text.replace("        return Freshness.LOST", "        pass")
    endless = Mutant("limit", "pumpd/core/freshness.py", "freshness", "endless", text, range(1, 2))
    assert _ask(crew, endless, _playing(AIR), at_most_s=3)["by"] == "time-out"
    absent = [{"kind": "tests", "names": ["tests/core/test_alarms.py::test_that_is_not_there"]}]
    assert _ask(crew, endless, absent)["by"] == "harness"


def _few() -> list[Mutant]:
    """Return one mutant of each kind that the tables have, chosen by their names alone."""
    lots = sorted(all_mutants(), key=lambda mutant: sha256(f"{proof.SEED} {mutant.id}".encode()).hexdigest())
    first = {mutant.kind: mutant for mutant in reversed(lots) if mutant.condition not in UNPLAYED}
    return [mutant for kind, mutant in first.items() if kind in OF_TABLES]


@pytest.mark.timeout(4800 if proof.FULL else 300)
def test_no_mutant_survives() -> None:
    """All but the further kinds in ``make proof``, which writes the page; a few in ``make test``."""
    made = campaign_mutants()
    proof.count("mutants of the product, all found", small=SAMPLE, full=len(made))
    if proof.FULL:
        verdicts = list(judge(made, modules()))
        PAGE.write_text(page(made, verdicts))
        assert [verdict.id for verdict in verdicts if verdict.survived] == []
        return
    few = _few()
    with Crew() as crew:
        jobs = [
            {"do": "judge", "id": m.id, "file": m.file, "text": m.text, "added": m.added, "how": m.how}
            | {"judges": likely(m), "at_most_s": 2 * ANSWERS_IN_S}
            for m in few
        ]
        answered = 0
        for job, answer in crew.do(jobs, "judging a few"):
            assert answer["by"] not in {"", "harness"}, f"{job['id']}: {answer}"
            answered += 1
    assert answered == SAMPLE


def test_the_page_tells_kinds_conditions_equivalents_survivors_and_what_is_left() -> None:
    """Each verdict is counted once; who survived and who is excused stand there by name."""
    silent, late = _mutant("silent", "alarms.py: air:"), _mutant("late", "alarms.py: air:")
    alike, left = Mutant("limit", "x", "x", "x", "x"), Mutant("table", "x", "x", "x", "x")
    verdicts = [
        Verdict(late.id, "late", ""),
        Verdict(alike.id, "limit", "equivalent", "nobody can tell them apart"),
        Verdict(silent.id, "silent", "scenario", AIR),
    ]
    text = page([silent, late, alike, left], verdicts)
    assert "Judged 3 of 4 mutants at commit" in text
    assert "| air | 2 | 1 | `air-in-line` |" in text
    equivalent, _, survivors = text.partition("## Equivalent")[2].partition("## Survivors")
    assert f"- `{alike.id}`: nobody can tell them apart" in equivalent
    survivors, _, not_judged = survivors.partition("## Not judged")
    not_judged = not_judged.partition(":")[2]
    assert (survivors.strip(), not_judged.strip()) == (f"- `{late.id}`", f"- table: 1\n  - `{left.id}`")
    assert "| **all** | 3 | 1 | 0 | 0 | 1 | 1 |" in text
