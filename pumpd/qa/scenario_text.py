"""A scenario as the text of a file that loads as the same scenario."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from pumpd.qa.scenario import Scenario
from pumpd.qa.whole_file import write_whole


def scenario_text(scenario: Scenario) -> str:
    """Return YAML with what was said of ``scenario``; what was left out stays out."""
    said = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(said, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def write_scenario(scenario: Scenario, library: Path, file: Path) -> None:
    """Write ``file`` so that it loads: ``library`` is where the drug library stands now."""
    beside = os.path.relpath(library.resolve(), file.parent.resolve())
    write_whole(file, scenario_text(scenario.model_copy(update={"library": beside})).encode())
