"""What judges say of the product in this process: scenarios are played, tests run, to the first failure."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from tests.mutants.mutant import ROOT

_PYTEST = (
    "-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-m", "not real and not e2e", "-k", "not page",
    "--rootdir",
)  # fmt: skip
"""Rewriting assertions reads the files of a package with a plug-in, and never a changed text."""


class HarnessError(Exception):
    """The judges could not do their work: no judgement on a mutant."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one judge ran through of the product as it is."""

    judge: str
    seconds: float
    lines: dict[str, list[int]]
    """Lines that it ran, by file."""


def play(scenario: str) -> str:
    """Play one scenario; return what failed first, empty when it passed."""
    from pumpd.cli_words import start_log
    from pumpd.qa.runner import run_scenario
    from pumpd.qa.scenario import load_scenario
    from pumpd.qa.suite import QUIET

    start_log(QUIET)
    outcome = run_scenario(load_scenario(Path(scenario)))
    return outcome.error or next(iter(outcome.failures), "")


def _file(test: str) -> str:
    return test.partition("::")[0]


def _function(test: str) -> str:
    return test.partition("[")[0]


@dataclass(eq=False)
class _Chosen:
    """Runs only the chosen tests, in the given order, and keeps the first that failed."""

    tests: Sequence[str]
    failed: str = ""
    ran: int = 0
    asked: bool = False
    """Their functions are all there, perhaps with other cases."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        place = {test: at for at, test in enumerate(self.tests)}
        functions = {_function(item.nodeid) for item in items}
        self.asked = functions.issuperset(_function(test) for test in self.tests)
        chosen = [item for item in items if item.nodeid in place or _file(item.nodeid) in place]
        items[:] = sorted(chosen, key=lambda item: place.get(item.nodeid, place.get(_file(item.nodeid), 0)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid} can not be loaded"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran += report.when == "call"
        if report.failed and not self.failed:
            self.failed = report.nodeid


def run_tests(tests: Sequence[str]) -> str:
    """Run these tests, or whole files of them, in this order; return the first that failed, empty for none.

    HarnessError when pytest itself could not. A test that a changed table no longer asks for says nothing.
    """
    chosen = _Chosen(tests)
    files = sorted({_file(test) for test in tests})
    ended = pytest.main([*_PYTEST, str(ROOT), *files], plugins=[chosen])
    if ended == pytest.ExitCode.NO_TESTS_COLLECTED and chosen.asked:
        return ""
    if not chosen.failed and (ended != pytest.ExitCode.OK or not chosen.ran):
        raise HarnessError(f"pytest ended with {ended}; {chosen.ran} of {len(tests)} tests ran")
    return chosen.failed


@dataclass(eq=False)
class _Watched:
    """Notes of every test how long it took and which lines of the product it ran."""

    cov: coverage.Coverage
    seen: list[Seen] = field(default_factory=list)
    failed: str = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = time.process_time()
        self.cov.erase()
        self.cov.start()
        try:
            return (yield)
        finally:
            self.cov.stop()
            self.seen.append(Seen(item.nodeid, time.process_time() - began, ran_lines(self.cov)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped:
            self.failed = self.failed or f"{report.nodeid}: {report.longreprtext or report.longrepr}"


def watcher(files: Sequence[str]) -> coverage.Coverage:
    """Return what notes the lines that run in ``files``."""
    cov = coverage.Coverage(data_file=None, include=[str(ROOT / file) for file in files], config_file=False)
    cov.set_option(
        "run:disable_warnings", ["no-data-collected", "module-not-measured", "module-not-imported"]
    )
    return cov


def ran_lines(cov: coverage.Coverage) -> dict[str, list[int]]:
    """Return what was noted since the start, by file relative to the root."""
    data = cov.get_data()
    return {
        Path(file).relative_to(ROOT).as_posix(): sorted(data.lines(file) or ())
        for file in data.measured_files()
    }


def watch_scenario(scenario: str, files: Sequence[str]) -> tuple[list[Seen], str]:
    """Play one scenario on the product as it is; return what it ran, and what failed."""
    play(scenario)  # once before, so that nothing is counted that only the first one does
    cov = watcher(files)
    began = time.process_time()
    cov.start()
    failed = play(scenario)
    cov.stop()
    return [Seen(scenario, time.process_time() - began, ran_lines(cov))], failed


def watch_tests(file: str, files: Sequence[str]) -> tuple[list[Seen], str]:
    """Run a file of tests on the product as it is; return what each ran, and what failed."""
    watched = _Watched(watcher(files))
    pytest.main([*_PYTEST, str(ROOT), file], plugins=[watched])
    return watched.seen, watched.failed
