"""What is made from the tables and the code: nothing is left out, and nothing is made twice."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, replace

import pytest

from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.infusion import FlowLimits
from tests.mutants import tables
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.generated import all_mutants, modules
from tests.mutants.mutant import KINDS, ROOT, source
from tests.mutants.page import PAGE
from tests.mutants.panel import UNPLAYED, scenario_files

OF_A_CONDITION = {"priority", "latch", "silent", "stuck", "late"}


@pytest.mark.requirement("MUT-1")
@pytest.mark.parametrize("condition", list(ConditionId), ids=lambda condition: condition.value)
def test_every_condition_has_a_mutant_of_each_kind(condition: ConditionId) -> None:
    """Priority both ways, latching, silence, never ending, lateness; and its delay where it has one."""
    made = [mutant for mutant in all_mutants() if mutant.condition == condition.value]
    wanted = OF_A_CONDITION | ({"delay"} if CATALOGUE[condition].delay_s else set())
    assert {mutant.kind for mutant in made} == wanted
    assert sum(mutant.kind == "priority" for mutant in made) == len(AlarmPriority) - 1


@pytest.mark.requirement("MUT-1")
def test_what_is_added_to_the_catalogue_has_mutants_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delay and a latch that a condition is given are changed in turn, without a word said anywhere."""
    entry = replace(CATALOGUE[ConditionId.DOOR], delay_s=40, latch_from=None)
    monkeypatch.setitem(CATALOGUE, ConditionId.DOOR, entry)
    made = {m.change for m in tables.catalogue_mutants() if m.condition == "door"}
    assert {"delay_s 40 -> 0", "delay_s 40 -> 36", "delay_s 40 -> 44"} <= made
    assert {"latch_from None -> LOW", "latch_from None -> MEDIUM", "latch_from None -> HIGH"} <= made


@pytest.mark.requirement("MUT-1")
def test_every_limit_and_every_comparison_of_the_core_is_changed() -> None:
    """Each flow limit, and each comparison in each module, but those of messages and of narrowing asserts."""
    made = all_mutants()
    assert {m.where for m in made if m.kind == "limit"} >= {limit.name for limit in fields(FlowLimits)}
    for file in modules():
        changed = {m.change.partition(" -> ")[0] for m in made if m.file == file and m.kind == "comparison"}
        tree = ast.parse(source(file))
        silent = [n for n in ast.walk(tree) if isinstance(n, ast.Assert | ast.Raise | ast.JoinedStr)]
        skipped = {id(inner) for node in silent for inner in ast.walk(node)}
        compared = {
            " ".join((ast.get_source_segment(source(file), node) or "").split())
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare) and id(node) not in skipped
        }
        assert changed == compared, file


@pytest.mark.requirement("MUT-1")
def test_every_mutant_is_another_product_that_compiles() -> None:
    """Each differs from the file it changes, has a kind that the page can name, and is still Python."""
    for mutant in all_mutants():
        assert mutant.text != source(mutant.file), mutant.id
        assert mutant.kind in KINDS
    for mutant in all_mutants()[::20]:
        if mutant.file.endswith(".py"):
            compile(mutant.text, mutant.file, "exec", dont_inherit=True)


@pytest.mark.requirement("MUT-1")
def test_equivalents_are_few_exist_and_have_reasons() -> None:
    """A mutant is only excused by name, with words, and while it exists."""
    assert set(EQUIVALENT) <= {mutant.id for mutant in all_mutants()}
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())
    assert len(EQUIVALENT) <= 20


@pytest.mark.requirement("MUT-1")
def test_every_condition_is_raised_by_a_scenario() -> None:
    """What no scenario raises is only known from the outside by tests; those conditions are named here."""
    spoken = "".join((ROOT / scenario).read_text() for scenario in scenario_files())
    unspoken = {
        c.value for c in ConditionId if "check: raised" in spoken and f"alarm: {c.value}," not in spoken
    }
    assert unspoken == UNPLAYED


def test_the_page_lists_every_mutant_as_judged_and_none_as_survivor() -> None:
    """What was published is a whole campaign in which each was found or can not be told apart."""
    text = PAGE.read_text(encoding="utf-8")
    judged = re.search(r"^Judged (\d+) of (\d+) mutants at commit", text, re.MULTILINE)
    assert judged is not None
    assert judged[1] == judged[2]
    assert "\n## Survivors\n\nNone.\n" in text
    assert text.rstrip().endswith("None.")
