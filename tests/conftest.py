"""What holds for every test: nothing is left behind, no log call is broken, chance has a seed.

Collected at the end: the counts that properties were tried, and why anything was skipped.
"""

from __future__ import annotations

import asyncio
import asyncio.runners
import gc
import json
import os
import random
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from tests import proof, sharing

settings.register_profile(
    "test", derandomize=True, deadline=None, database=None, print_blob=True, max_examples=100
)
settings.register_profile(
    "proof",
    settings.get_profile("test"),
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("mutant", settings.get_profile("test"), phases=(Phase.explicit, Phase.generate))
"""A mutant is found or not; the smallest example that finds it is of no use."""
settings.load_profile("proof" if proof.FULL else "mutant" if os.environ.get("PUMPD_MUTANT") else "test")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A runner in the background leaves Ctrl-C ignored, and every program that a test starts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ENDING_GRACE_S = 1.0
"""How long a thread or a child that was told to end may take to be gone."""

LONGEST_END_S = 60
"""Of a test that failed."""
TOLD_TO_END_EVERY_S, TOLD_TO_END_TIMES = 0.5, 20

_cancelled_at_close: list[str] = []
_cancel_all_tasks = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]


def _note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
    """Note every task that a closing runner has to cancel: whoever made it left it behind."""
    left = asyncio.all_tasks(loop)
    _cancelled_at_close.extend(f"{t.get_name()}: {t.get_coro()}" for t in left)
    for _ in range(TOLD_TO_END_TIMES):
        # ``asyncio.wait_for`` of Python 3.11 can lose a cancellation, and the runner would wait for ever.
        if not left:
            break
        for task in left:
            task.cancel()
        left = loop.run_until_complete(asyncio.wait(left, timeout=TOLD_TO_END_EVERY_S))[1]
    _cancel_all_tasks(loop)


asyncio.runners._cancel_all_tasks = _note_and_cancel  # type: ignore[attr-defined]


def _open_files() -> set[tuple[str, str]]:
    found = set()
    for fd in Path("/proc/self/fd").iterdir():
        if fd.name in {"0", "1", "2"}:  # pytest's capture exchanges them
            continue
        try:
            found.add((fd.name, str(fd.readlink())))
        except OSError:  # the descriptor of this very listing
            continue
    return found


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update((task / "children").read_text().split())
        except OSError:  # that thread has just ended, or the kernel keeps no such list
            continue
    return found


def _until_gone(left: list[str], still_there: object) -> list[str]:
    """Return what of ``left`` is still there after the grace."""
    assert callable(still_there)
    deadline = time.monotonic() + ENDING_GRACE_S  # noqa: TID251 - real threads end in real time
    while left and time.monotonic() < deadline:  # noqa: TID251
        time.sleep(0.01)
        left = still_there()
    return left


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> None:
    item = request.node
    item.stash[_BEFORE] = (_open_files(), set(threading.enumerate()), _children())
    random.seed(proof.SEED)
    structlog.reset_defaults()  # a verb that ran in this process has set its own level


_BEFORE = pytest.StashKey[tuple[set[tuple[str, str]], set[threading.Thread], set[str]]]()


def _left_behind(item: pytest.Item) -> list[str]:
    files, threads, children = item.stash[_BEFORE]

    def threads_now() -> list[str]:
        return [f"thread {t.name}" for t in threading.enumerate() if t not in threads and t.is_alive()]

    def children_now() -> list[str]:
        return [f"child process {pid}" for pid in _children() - children]

    def files_now() -> list[str]:
        return [f"descriptor {fd} -> {what}" for fd, what in sorted(_open_files() - files)]

    left = [f"task {task}" for task in _cancelled_at_close]
    left += _until_gone(threads_now(), threads_now)
    left += _until_gone(children_now(), children_now)
    if files_now():
        gc.collect()  # a transport closed by its loop gives its socket back when it is collected
        left += _until_gone(files_now(), files_now)
    return left


def pytest_collection_finish() -> None:
    """Leave the collected tests, which live to the end, out of every later collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    proof.running = item.nodeid
    _cancelled_at_close.clear()
    return (yield)


def _end_takes_too_long(*_: object) -> None:
    pytest.fail(f"its end took more than {LONGEST_END_S} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    # pytest-timeout lets go of a test once it has failed; what such a test left open can hang its end.
    unguarded = signal.getitimer(signal.ITIMER_REAL)[0] == 0 and not proof.FULL
    if unguarded:
        signal.signal(signal.SIGALRM, _end_takes_too_long)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_END_S)
    try:
        done = yield
    finally:
        if unguarded:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if _BEFORE in item.stash:
        left = _left_behind(item)
        if left:
            pytest.fail("left behind: " + "; ".join(left), pytrace=False)
    return done


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> sharing.SharedScheduling:
    """Give tests that share a browser, a server or a recording to one worker."""
    return sharing.SharedScheduling(config, log)


@pytest.fixture
def seeded() -> random.Random:
    """Return randomness that is the same in every run."""
    return random.Random(proof.SEED)


# --- what is told at once --------------------------------------------------------------------------------


class TellAtOnce:
    """Prints a failure when it happens: a run that is cut off has told what it found, and what hung."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        """Print by ``reporter``."""
        self._reporter = reporter
        self._began: dict[str, float] = {}
        signal.signal(signal.SIGTERM, self._cut_off)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note what runs."""
        self._began[nodeid] = time.monotonic()  # noqa: TID251 - told to people

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note what has ended."""
        self._began.pop(nodeid, None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what failed."""
        if report.failed:
            self._reporter.write_line(f"\n{report.nodeid} failed in {report.when}:\n{report.longreprtext}")

    def _cut_off(self, *_: object) -> None:
        now_s = time.monotonic()  # noqa: TID251 - told to people
        for nodeid, began_s in self._began.items():
            self._reporter.write_line(f"\ncut off in {nodeid}, which ran for {now_s - began_s:.0f} s")
        raise KeyboardInterrupt


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tell at once, but for a worker, whose terminal nobody sees."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(TellAtOnce(reporter))


# --- what is told at the end -----------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["proof"] = proof.as_rows()
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    for row in getattr(node, "workeroutput", {}).get("proof", []):
        known = proof.announced.get(row["name"])
        if known is None or row["test"]:
            proof.announced[row["name"]] = proof.Announced(**row)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = sorted(proof.announced.values(), key=lambda a: a.name)
    if rows:
        terminalreporter.section(f"tried (seed {proof.SEED}; full counts by make proof)")
    for row in rows:
        terminalreporter.write_line(f"{row.count:>9,} of {row.full:>9,}  {row.name}")
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("skipped, and why")
        for report in skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            terminalreporter.write_line(f"{report.nodeid}: {reason}")
        if os.environ.get("CI") == "true":
            terminalreporter.write_line("CI=true: a skipped test counts as a failure")
    if not os.environ.get("PUMPD_INFLUXDB2_URL"):
        why = "PUMPD_INFLUXDB2_URL (and _ORG, _TOKEN_FILE) names none"
        terminalreporter.write_line(f"untried: pumpd against an InfluxDB 2.x or 3.x, since {why}")
    record = os.environ.get("PUMPD_PROOF_RECORD")
    if record:
        Path(record).write_text(json.dumps(proof.as_rows()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two cores are what the project promises to need."""
    return 2
