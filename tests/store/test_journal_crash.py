"""What was confirmed survives kill -9, in order, once, with the state that belongs to it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.conditions import ConditionId
from pumpd.store.audit import verify_file
from pumpd.store.journal_file import JournalFile
from tests import proof
from tests.store.crashing_writer import FOR_EVER

pytestmark = [pytest.mark.real, pytest.mark.requirement("INV-4", "HIST-3")]
ROOT = Path(__file__).parents[2]


class Writers:
    """Runs plans in processes that are killed; each leaves what it confirmed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.crashing_writer"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, path: Path, plan: list[int]) -> int:
        """Begin a plan; return the id of the process that carries it out."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(path), *plan]) + "\n")
        self._process.stdin.flush()
        return int(self._word("ready"))

    def confirmed(self) -> Iterator[int]:
        """Give the last number of each confirmation until the process is gone."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            if text == "over\n":
                return
            word, _, last = text.split()
            assert word == "confirmed"
            yield int(last)

    def _word(self, expected: str) -> str:
        assert self._process.stdout is not None
        word, _, rest = self._process.stdout.readline().partition(" ")
        assert word == expected
        return rest

    def close(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


@pytest.fixture(scope="module")
def writers() -> Iterator[Writers]:
    found = Writers()
    yield found
    found.close()


def whole_until(path: Path, confirmed: int) -> int:
    """Check a journal after a crash: it holds boot-1, boot-2 ... to at least ``confirmed``; return its last.

    The state, the command and the lines of each append are there together or not at all.
    """
    file = JournalFile.open(path)
    restored, commands, lines = file.load(), file.commands(), file.recent(0)
    file.close()
    assert restored.last_seq >= confirmed
    verdict = verify_file(path, [])
    assert (verdict.head.seq, verdict.broken) == (restored.last_seq, None)
    assert [(each.seq, each.event_id) for each in lines] == [
        (n, f"boot-{n}") for n in range(1, restored.last_seq + 1)
    ]
    if restored.last_seq:
        (state,) = restored.durables
        assert state.alarms[ConditionId.OVER_HARD].revision == restored.last_seq
        assert commands[-1] == f"command-{restored.last_seq}"
    assert [each.seq for each in restored.unsent] == [each.seq for each in lines][-len(restored.unsent) :]
    return restored.last_seq


def test_killed_in_the_middle_of_storms(tmp_path: Path, writers: Writers, seeded: random.Random) -> None:
    """Writers killed from outside at seeded moments of a storm leave everything they confirmed."""
    last = 0
    for _ in range(proof.count("kill -9 of a journal writer in a storm", small=10, full=200)):
        pid = writers.start(tmp_path / "journal.db", [FOR_EVER])
        kill_after = last + seeded.randint(1, 150)
        for number in writers.confirmed():
            assert number > last, "a number was given twice"
            if last < kill_after <= number:
                os.kill(pid, signal.SIGKILL)
            last = number
        last = whole_until(tmp_path / "journal.db", last)


@given(st.lists(st.lists(st.sampled_from([0, 1, 2, 3, 40, -1]), max_size=8), min_size=1, max_size=4))
@proof.examples("appends and crashes in any order", small=30, full=5000)
def test_any_sequence_of_appends_and_crashes(writers: Writers, rounds: list[list[int]]) -> None:
    """Whatever was appended, awaited and marked between crashes: nothing confirmed is lost or doubled."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "journal.db"
        last = 0
        for plan in rounds:
            before = last
            writers.start(path, plan)
            last = max([last, *writers.confirmed()])
            if plan and plan[-1] == 0:
                assert last == before + sum(step for step in plan if step > 0)
            last = whole_until(path, last)
