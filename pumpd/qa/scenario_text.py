"""A scenario as the text of a file that loads as the same scenario."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from pumpd.qa.happenings import Happening, SiteEvent
from pumpd.qa.scenario import Scenario
from pumpd.qa.whole_file import write_whole


def scenario_text(scenario: Scenario) -> str:
    """Return YAML with what was said of ``scenario``; what was left out stays out."""
    said = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(said, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def write_scenario(scenario: Scenario, library: Path, file: Path, came_from: Path | None = None) -> None:
    """Write ``file`` so that it loads: ``library`` is where the drug library stands now.

    Libraries that take its place are named relative to the folder ``came_from``, else to its own.
    """

    def beside(named: Path) -> str:
        return os.path.relpath(named.resolve(), file.parent.resolve())

    def moved(event: Happening) -> Happening:
        if not isinstance(event, SiteEvent) or event.library is None:
            return event
        return event.model_copy(update={"library": beside((came_from or library.parent) / event.library)})

    timeline = tuple(moved(event) for event in scenario.timeline)
    told = scenario.model_copy(update={"library": beside(library), "timeline": timeline})
    write_whole(file, scenario_text(told).encode())
