"""Recordings for tests: a shipped scenario played in virtual time with the flight recorder running."""

from __future__ import annotations

from pathlib import Path

from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import Recording, read_recording
from tests.qa.small import written

QUESTIONS = 61
"""How many a quiet minute takes when none is asked twice."""
SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"


def recorded(name: str, folder: Path) -> list[Path]:
    """Return the files that a shipped scenario leaves, oldest first."""
    outcome = run_scenario(load_scenario(SCENARIOS / f"{name}.yaml"), recordings=folder)
    assert outcome.passed, (outcome.failures, outcome.error)
    return sorted(folder.rglob("*.pumprec"))


def recording_of(name: str, folder: Path) -> Recording:
    """Return the only recording of a shipped scenario."""
    (file,) = recorded(name, folder)
    return read_recording(file)


def small(folder: Path, *, line: str = "", enforcement: str = "pause") -> Recording:
    """Return the recording of a quiet minute of one pump, on ``line`` where it says so."""
    folder.mkdir(exist_ok=True)
    file = written(folder, enforcement=enforcement)
    text = file.read_text()
    file.write_text(text.replace("modbus-tcp://10.0.0.1:502/1", line) if line else text)
    outcome = run_scenario(load_scenario(file), recordings=folder / "recordings")
    assert not outcome.error
    (segment,) = sorted((folder / "recordings").rglob("*.pumprec"))
    return read_recording(segment)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    """Return ``data`` with one bit flipped."""
    damaged = bytearray(data)
    damaged[at] ^= 1 << bit
    return bytes(damaged)
