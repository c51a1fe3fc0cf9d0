"""System calls in the order they were made: a line is confirmed only after its log is synced."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import proof

ROOT = Path(__file__).parents[2]
CALL = re.compile(r"^\d+ +(?P<call>fdatasync|fsync|pwrite64|write)\((?P<fd>\d+)(?:<(?P<path>[^>]*)>)?")
CALLS = "trace=fdatasync,fsync,pwrite64,write"
RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>.* = 0$")


def confirmations(trace: str) -> list[tuple[int, int, int]]:
    """Return for each confirmation: log writes and syncs since the one before, and writes not yet synced."""
    found = []
    writes = syncs = unsynced = 0
    under_way: dict[str, str] = {}
    for text in trace.splitlines():
        pid = text.split()[0]
        resumed = RESUMED.match(text)
        call = CALL.match(text)
        if resumed and resumed["call"] in {"fdatasync", "fsync"}:
            path, done = under_way.pop(pid), True
        elif call is None:
            continue
        elif call["call"] == "write":
            if call["fd"] == "1" and '"confirmed ' in text:
                found.append((writes, syncs, unsynced))
                writes = syncs = 0
            continue
        else:
            path, done = call["path"], text.endswith(" = 0")
        if not path.endswith("journal.db-wal"):
            continue
        if call is not None and call["call"] == "pwrite64":
            writes, unsynced = writes + 1, unsynced + 1
        elif done:
            syncs, unsynced = syncs + 1, 0
        else:
            under_way[pid] = path
    return found


@pytest.mark.real
@pytest.mark.requirement("INV-4", "HIST-3")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_confirmed_only_after_the_sync(tmp_path: Path) -> None:
    """Between the last write to the log and the confirmation stands a sync that returned 0, every time."""
    count = proof.count("confirmations traced by system call", small=25, full=1000)
    trace = tmp_path / "trace"
    plan = json.dumps([str(tmp_path / "journal.db"), *[1, 0] * count])
    tracing = ["strace", "-f", "-y", "-s", "24", "-e", CALLS, "-o", str(trace)]
    done = subprocess.run(
        [*tracing, sys.executable, "-m", "tests.store.crashing_writer"],
        cwd=ROOT,
        input=plan + "\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.count("confirmed") == count
    found = confirmations(trace.read_text())
    assert len(found) == count
    for writes, syncs, unsynced in found:
        assert writes >= 1
        assert syncs >= 1
        assert unsynced == 0
