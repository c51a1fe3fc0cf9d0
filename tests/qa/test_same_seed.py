"""Equal seeds, equal bytes: whatever the process, its hash seed, its workers or where the files lie."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario

ROOT = Path(__file__).parents[2]
NAMES = ("ward-network-outage", "daemon-killed", "wire-damage", "broker-hangs", "disk-full", "air-in-line")


def _logs(where: Path, folder: Path, workers: int, hash_seed: str, seed: int = 7) -> dict[str, bytes]:
    """Return the event logs of a run of its own, by file name."""
    files = [f"config/scenarios/{name}.yaml" for name in NAMES]
    run = [sys.executable, "-m", "pumpd.cli", "qa", "run", *files]
    done = subprocess.run(
        [*run, "--workers", str(workers), "--seed", str(seed), "--log", str(folder)],
        cwd=where,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(where)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.requirement("QA-3")
def test_logs_are_equal_in_other_processes_with_other_workers_and_from_another_checkout(
    tmp_path: Path,
) -> None:
    """Six scenarios with faults of every kind: the logs are byte for byte the same."""
    first = _logs(ROOT, tmp_path / "first", workers=1, hash_seed="0")
    assert len(first) == len(NAMES)
    assert all(len(log) > 2000 for log in first.values())
    assert _logs(ROOT, tmp_path / "second", workers=2, hash_seed="12345") == first
    other = tmp_path / "another" / "place"
    shutil.copytree(ROOT / "pumpd", other / "pumpd", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", other / "config")
    assert _logs(other, tmp_path / "third", workers=2, hash_seed="99") == first


@pytest.mark.requirement("QA-3")
def test_another_seed_is_another_run() -> None:
    """The seed reaches what chance decides: with another one the wire carries other bytes."""
    loaded = load_scenario(ROOT / "config/scenarios/wire-damage.yaml")
    assert run_scenario(loaded, 1).event_log == run_scenario(loaded, 1).event_log
    assert run_scenario(loaded, 1).event_log != run_scenario(loaded, 2).event_log
