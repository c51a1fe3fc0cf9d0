"""docs/hazards.md from list, catalogue, tests and scenarios: ``python -m tests.house.hazard_page``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TypedDict

import yaml

from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from tests.house.test_requirements import named_ids
from tests.house.tree import ROOT
from tests.mutants.panel import UNPLAYED

PAGE = ROOT / "docs" / "hazards.md"
HAZARDS = ROOT / "docs" / "hazards.yaml"
SCENARIOS = ROOT / "config" / "scenarios"
_RAISED = re.compile(r"check: raised,.*?alarm: ([a-z-]+)")


class Hazard(TypedDict, total=False):
    """One entry of docs/hazards.yaml."""

    hazard: str
    unseen: str
    requirements: list[str]
    beside: str


@cache
def hazards() -> dict[str, Hazard]:
    """Return docs/hazards.yaml."""
    loaded: dict[str, Hazard] = yaml.safe_load(HAZARDS.read_text())
    return loaded


def conditions_of(hazard: str) -> list[ConditionId]:
    """Return the conditions that tell of a hazard, as their rows in the catalogue say."""
    return [c.id for c in CATALOGUE.values() if hazard in c.hazards]


@cache
def scenarios_of(condition: ConditionId) -> tuple[str, ...]:
    """Return the shipped scenarios that demand that a condition is raised."""
    files = sorted(SCENARIOS.glob("*.yaml"))
    return tuple(f.stem for f in files if condition.value in _RAISED.findall(f.read_text()))


def tests_of(requirements: Iterable[str]) -> list[str]:
    """Return the files of the tests that name one of these requirements."""
    named = named_ids()
    return sorted({file for requirement in requirements for file in named.get(requirement, [])})


def page() -> str:
    """Return the whole page."""
    known = hazards()
    pump = {name: entry for name, entry in known.items() if name.startswith("GIP-")}
    monitor = {name: entry for name, entry in known.items() if name.startswith("MON-")}
    return "\n".join(
        [
            "# What may happen to a patient, and what tells of it?",
            "",
            "Written by `python -m tests.house.hazard_page` from [hazards.yaml](hazards.yaml), the",
            "catalogue, the tests and the scenarios. They are joined by what they mean: in the hazard",
            "table of Generic Infusion Pump v1.0 some numbers of requirements are those of the next",
            "section.",
            "",
            "Every condition named here has its six tests in `tests/core/test_catalogue_courses.py`,",
            "under its own name. A requirement stands in [requirements.yaml](requirements.yaml); the",
            "tests that show it name it.",
            "",
            "## Of the pump",
            "",
            *_table(pump),
            "",
            "## Of watching it",
            "",
            *_table(monitor),
            "",
            "## What a monitor can not see",
            "",
            *(f"- **{name}** {e['hazard']} {e['unseen']}" for name, e in known.items() if "unseen" in e),
            "",
            "## What shows that it is told or answered",
            "",
            "Conditions besides by `tests/core/test_catalogue_courses.py`.",
            "",
            "| id | tests that name its requirements | scenarios that demand its conditions |",
            "|---|---|---|",
            *(_witnesses(name, entry) for name, entry in known.items() if "unseen" not in entry),
            "",
            "## Which scenario shows which condition",
            "",
            "| condition | hazards | scenarios |",
            "|---|---|---|",
            *map(_shown, sorted(CATALOGUE, key=lambda c: c.value)),
            "",
        ]
    )


def _table(chosen: dict[str, Hazard]) -> list[str]:
    lines = ["| id | hazard | told as | answered by | what stays unseen |", "|---" * 5 + "|"]
    for name, entry in chosen.items():
        if "unseen" in entry:
            continue
        told = ", ".join(f"`{c.value}`" for c in conditions_of(name)) or "no alarm"
        required = ", ".join(entry.get("requirements", ())) or "the conditions"
        lines.append(f"| {name} | {entry['hazard']} | {told} | {required} | {entry.get('beside', '')} |")
    return lines


def _witnesses(name: str, entry: Hazard) -> str:
    tests = ", ".join(f"`{file}`" for file in tests_of(entry.get("requirements", ())))
    played = sorted({s for condition in conditions_of(name) for s in scenarios_of(condition)})
    return f"| {name} | {tests} | {', '.join(f'`{s}`' for s in played)} |"


def _shown(condition: ConditionId) -> str:
    played = ", ".join(f"`{s}`" for s in scenarios_of(condition))
    if condition.value in UNPLAYED:
        played = "none: pumpd itself would have to be at fault"
    return f"| `{condition.value}` | {', '.join(CATALOGUE[condition].hazards)} | {played} |"


if __name__ == "__main__":
    PAGE.write_text(page())
