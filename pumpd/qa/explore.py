"""Random hospitals, each from a seed of its own, held to the five invariants after every step."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pumpd.cli_words import start_log
from pumpd.config_library import check_library
from pumpd.core.drug_library import DrugLibrary
from pumpd.document import read_document
from pumpd.errors import ConfigError
from pumpd.qa.explore_infusions import TIGHTER, infusing, replacing
from pumpd.qa.explore_pumps import made_beds
from pumpd.qa.explore_quieting import quieting
from pumpd.qa.explore_timeline import TimelineMaker
from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import LoadedScenario, Scenario
from pumpd.qa.suite import QUIET
from pumpd.qa.workers import done_by_workers

DURATIONS_S = (40, 60, 90, 150)
LIBRARY = "drug-library.yaml"
"""How a hospital names the one that is in force."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of one hospital."""

    seed: int
    failures: tuple[str, ...]
    """Invariants that did not hold, and why it could not be played to its end; empty when all was well."""


def made_hospital(seed: int) -> Scenario:
    """Return the hospital of a seed; the same seed draws the same, whatever came before."""
    chance = random.Random(seed)  # noqa: S311 - a hospital is to be repeated, not secret
    beds = made_beds(chance)
    duration_s = chance.choice(DURATIONS_S)
    said = {
        "title": f"Explored hospital {seed}",
        "seed": seed,
        "duration_s": duration_s,
        "library": LIBRARY,
        "pumps": [bed.said for bed in beds],
        "timeline": sorted(
            [
                *TimelineMaker(chance, beds, duration_s).draw(),
                *quieting(seed, beds, duration_s),
                *infusing(seed, beds, duration_s),
                *replacing(seed, beds, duration_s),
            ],
            key=lambda event: float(event["at_s"]),
        ),
    }
    return Scenario.model_validate(said)


class Explorer:
    """Plays hospitals under one drug library."""

    def __init__(self, library_file: Path) -> None:
        """Load the library; ConfigError names every problem in it."""
        library, problems = check_library(read_document(library_file))
        if library is None or problems:
            raise ConfigError(tuple(problems))
        self._file = library_file
        self._library: DrugLibrary = library
        beside = library_file.with_name(TIGHTER)
        tighter = check_library(read_document(beside))[0] if beside.exists() else None
        self._later = {} if tighter is None else {TIGHTER: tighter}

    def loaded(self, seed: int) -> LoadedScenario:
        """Return a hospital as if it had been read from a file beside the library."""
        file = self._file.with_name(f"hospital-{seed}.yaml")
        scenario = made_hospital(seed)
        timeline = tuple(e for e in scenario.timeline if getattr(e, "library", None) in {None, *self._later})
        scenario = scenario.model_copy(update={"library": self._file.name, "timeline": timeline})
        return LoadedScenario(file, "", scenario, self._library, self._later)

    def play(self, seed: int) -> Outcome:
        """Play one hospital."""
        return run_scenario(self.loaded(seed))

    def explore(
        self, seeds: Iterable[int], n_workers: int, told: Callable[[Explored], None]
    ) -> list[Explored]:
        """Play every seed; ``told`` hears of each as it ends. The result is in the order of ``seeds``."""
        start_log(QUIET)
        ordered = list(seeds)
        if n_workers == 1:
            return [_told(self._explored(seed), told) for seed in ordered]
        jobs = [partial(_some, self._file, part) for part in _parts(ordered)]
        parts = done_by_workers(jobs, n_workers, QUIET, lambda part: _tell(part, told))
        return [explored for part in parts for explored in part]

    def _explored(self, seed: int) -> Explored:
        outcome = self.play(seed)
        return Explored(seed, (*outcome.failures, *([outcome.error] if outcome.error else ())))


def _some(library_file: Path, seeds: Sequence[int]) -> list[Explored]:
    explorer = Explorer(library_file)
    return [explorer._explored(seed) for seed in seeds]  # noqa: SLF001 - the same class in another process


def _parts(seeds: Sequence[int]) -> list[Sequence[int]]:
    return [seeds[at : at + 10] for at in range(0, len(seeds), 10)]


def _tell(part: Sequence[Explored], told: Callable[[Explored], None]) -> None:
    for explored in part:
        told(explored)


def _told(explored: Explored, told: Callable[[Explored], None]) -> Explored:
    told(explored)
    return explored
