"""Many scenarios: found, loaded, played on several processes, told in the order they were named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path

from pumpd.cli_words import start_log
from pumpd.document import read_document
from pumpd.errors import ConfigError, Problem
from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import LoadedScenario, load_scenario
from pumpd.qa.scenario_text import write_scenario
from pumpd.qa.workers import done_by_workers

QUIET = "critical"
"""What the daemon logs about faults that a scenario causes is no news; the event log has it all."""


def scenario_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files to play, each once: those named, and every scenario below a folder that is named."""
    found: dict[Path, Path] = {}
    for path in paths:
        below = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        libraries = {library for file in below for library in _library_of(file)} if path.is_dir() else set()
        for file in below:
            if file.resolve() not in libraries:
                found.setdefault(file.resolve(), file)
    return [*found.values()]


def _library_of(file: Path) -> list[Path]:
    """Return the drug libraries that a scenario names, so that they are not taken for scenarios."""
    data = read_document(file).data
    if not isinstance(data, dict) or "pumps" not in data:
        return []
    timeline = data.get("timeline")
    events = timeline if isinstance(timeline, list) else []
    later = [event["library"] for event in events if isinstance(event, dict) and "library" in event]
    named = [data.get("library", "drug-library.yaml"), *later]
    return [(file.parent / str(name)).resolve() for name in named]


def load_all(files: Sequence[Path]) -> list[LoadedScenario]:
    """Return every scenario; ConfigError names every problem of every file at once."""
    loaded: list[LoadedScenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            loaded.append(load_scenario(file))
        except ConfigError as error:
            problems += error.problems
    if not files:
        problems.append(
            Problem(
                "pumpd qa run",
                0,
                "PATH",
                "there is no scenario",
                "files, or a folder with *.yaml",
                "name one",
            )
        )
    if problems:
        raise ConfigError(tuple(problems))
    return loaded


def keep(outcome: Outcome, file: Path) -> Outcome:
    """Write the scenario of ``outcome`` to ``file``, which loads; return the outcome as one of that file."""
    loaded = outcome.loaded
    write_scenario(loaded.scenario, loaded.file.parent / loaded.scenario.library, file, loaded.file.parent)
    return replace(outcome, loaded=load_scenario(file))


def places(below: Path, loaded: Sequence[LoadedScenario]) -> list[Path]:
    """Return a place of its own for each scenario, named after its folder and itself."""
    found: list[Path] = []
    for each in loaded:
        name = f"{each.file.parent.name}-{each.name}"
        others = (below / f"{name}-{number}" for number in count(2))
        found.append(next(place for place in chain((below / name,), others) if place not in found))
    return found


def run_all(
    loaded: Sequence[LoadedScenario],
    seed: int | None,
    n_workers: int,
    told: Callable[[Outcome], None],
    recordings: Path | None = None,
) -> list[Outcome]:
    """Play all; ``told`` hears of each as it ends. The result is in the order of ``loaded``.

    Below ``recordings`` each scenario gets a folder for what its flight recorder writes.
    """
    folders = places(recordings, loaded) if recordings else [None] * len(loaded)
    start_log(QUIET)
    if n_workers == 1 or len(loaded) == 1:
        outcomes = []
        for scenario, folder in zip(loaded, folders, strict=True):
            outcomes.append(run_scenario(scenario, seed, folder))
            told(outcomes[-1])
        return outcomes
    jobs = [partial(run_scenario, each, seed, folder) for each, folder in zip(loaded, folders, strict=True)]
    return done_by_workers(jobs, n_workers, QUIET, told)
