"""System calls in the order they were made: a line is confirmed only after its log is synced."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import proof
from tests.system_calls import SYNCS, calls, on_disk, tracing

ROOT = Path(__file__).parents[2]
LOG = "journal.db-wal"
CALLS = ("fdatasync", "fsync", "pwrite64", "write")


def confirmations(trace: str) -> list[tuple[int, int, int]]:
    """Return for each confirmation: log writes and syncs since the one before, and writes not yet on disk."""
    seen = calls(trace)
    written = on_disk(seen, LOG)
    synced = [
        call.begun for call in seen if call.name in SYNCS and call.on.endswith(LOG) and call.result == 0
    ]
    found, before = [], 0
    for call in seen:
        if call.fd == 1 and call.given.startswith(b"confirmed "):
            writes = sum(before < write.begun < call.begun for write, _ in written)
            syncs = sum(before < begun < call.begun for begun in synced)
            waiting = sum(
                write.begun < call.begun and (place is None or place > call.begun) for write, place in written
            )
            found.append((writes, syncs, waiting))
            before = call.begun
    return found


@pytest.mark.real
@pytest.mark.requirement("INV-4", "HIST-3")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_confirmed_only_after_the_sync(tmp_path: Path) -> None:
    """Between the last write to the log and the confirmation stands a sync that returned 0, every time."""
    count = proof.count("confirmations traced by system call", small=25, full=1000)
    trace = tmp_path / "trace"
    plan = json.dumps([str(tmp_path / "journal.db"), *[1, 0] * count])
    done = subprocess.run(
        [*tracing(str(trace), CALLS, 24), sys.executable, "-m", "tests.store.crashing_writer"],
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
