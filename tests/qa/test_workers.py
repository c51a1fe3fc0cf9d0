"""The processes that play scenarios: none of them outlives ``pumpd qa run``, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.left import alive, until
from tests.qa.real_scenarios import REPOSITORY

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _exploring(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """Explore more hospitals than anybody waits for, in two processes; temporary files go to ``folder``."""
    verb_words = ("qa", "explore", "--runs", "100000", "--workers", "2")
    command = (sys.executable, "-m", "pumpd.cli", *verb_words, "--keep", str(folder / "found"))
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, process_group=0
    ) as verb:
        try:
            # Two that work, and multiprocessing's own, which ends with the last of them.
            until(lambda: len(_children(verb.pid)) == 3 and _busy(temporary) == 2, 60, "two at work")
            yield verb, _children(verb.pid)
        finally:
            verb.kill()


def _busy(temporary: Path) -> int:
    """Return how many processes play a hospital: each has a folder inside the one of all."""
    return len(list(temporary.glob("*/*")))


@pytest.mark.requirement("QA-4")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_ends_its_processes(tmp_path: Path, number: signal.Signals) -> None:
    """A signal to the verb alone ends all, leaves no file, says so in its status, and shows no traceback."""
    with _exploring(tmp_path) as (verb, started):
        verb.send_signal(number)
        _, told = verb.communicate(timeout=40)
        assert verb.returncode == 130
        assert b"Traceback" not in told
        until(lambda: not any(alive(pid) for pid in started), 10, "all of them gone")
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.requirement("QA-4")
def test_its_processes_do_not_outlive_it(tmp_path: Path) -> None:
    """Killed with SIGKILL, it can do nothing any more: the kernel ends its processes."""
    with _exploring(tmp_path) as (verb, started):
        verb.kill()
        verb.communicate(timeout=40)
        until(lambda: not any(alive(pid) for pid in started), 10, "all of them gone")


DOES = """\
from functools import partial
from pumpd.qa.workers import done_by_workers
told = []
if __name__ == "__main__":
    jobs = [{job}, *[partial(abs, -number) for number in range(20)]]
    print(done_by_workers(jobs, 2, "critical", told.append), sorted(told))
"""


def _done(folder: Path, job: str) -> subprocess.CompletedProcess[str]:
    """Do ``job`` and twenty others in a program of its own: multiprocessing leaves a process in each."""
    program = folder / "program.py"
    program.write_text(DOES.format(job=job))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(program)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_results_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    """Whoever is ready first is told of first, and the list is as it was given."""
    done, in_order = _done(tmp_path, "partial(int, -7)"), [-7, *range(20)]
    assert (done.stderr, done.stdout) == ("", f"{in_order} {sorted(in_order)}\n")


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (
            'partial(exec, "import os; os.kill(os.getpid(), 9)")',
            "WorkerError: a process of",
        ),
        ('partial(int, "x")', "ValueError: invalid literal"),
    ],
)
def test_what_went_wrong_in_a_process_is_told(tmp_path: Path, job: str, error: str) -> None:
    """A process that is killed, and a job that raises, end the whole with their reason."""
    done = _done(tmp_path, job)
    assert error in done.stderr
    assert done.returncode == 1
