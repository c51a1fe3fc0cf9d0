"""A recording becomes a scenario: it loads, plays, and raises what was raised then."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.cli_words import start_log
from pumpd.qa.recorded_scenario import write_recorded_scenario
from pumpd.qa.replay import replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import written
from tests import proof
from tests.qa.recordings import SCENARIOS, recording_of, small

FEW = ("ten-fold-rate", "cable-pulled", "wire-silence", "air-in-line", "nurse-asks-for-a-pause")
MORE = (
    *("above-the-ceiling", "battery-low", "door-open", "occlusion", "pump-fault", "status-nobody-knows"),
    *("titrated-twice", "too-slow", "unknown-concentration"),
)
NAMES = (*FEW, *MORE) if proof.FULL else FEW


@pytest.mark.requirement("REC-7")
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_scenario_plays_and_raises_the_same(name: str, tmp_path: Path) -> None:
    """Recorded, made a scenario, loaded and played: all that it expects comes, and nothing else."""
    start_log("critical")
    told = load_scenario(SCENARIOS / f"{name}.yaml")
    recording = recording_of(name, tmp_path / "recordings")
    out = tmp_path / "scenario.yaml"
    left_out = write_recorded_scenario(recording, replay(recording), SCENARIOS / told.scenario.library, out)
    assert left_out == []
    loaded = load_scenario(out)
    outcome = run_scenario(loaded)
    assert outcome.failures == ()
    assert outcome.error == ""
    wanted = {(c.pump, c.alarm, c.priority) for c in told.scenario.expect if c.check == "raised" and c.pump}
    expected = {(c.pump, c.alarm, c.priority) for c in loaded.scenario.expect if c.check == "raised"}
    assert wanted <= expected
    assert loaded.scenario.expect[-1].check == "nothing-else"


@pytest.mark.requirement("REC-7", "CFG-5")
def test_the_verb_writes_one_and_says_how_to_play_it(tmp_path: Path) -> None:
    """Without a library it is refused with what to give; with one the file stands there and loads."""
    recording = small(tmp_path)
    file, out = tmp_path / "x.pumprec", tmp_path / "out.yaml"
    file.write_bytes(written(iter(recording.records)))
    arguments = ["replay", str(file), "--to-scenario", str(out)]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "--library" in refused.output
    library = str(SCENARIOS.parent / "demo" / "drug-library.yaml")
    done = CliRunner().invoke(app, [*arguments, "--library", library])
    assert done.exit_code == 0
    assert f"pumpd qa run {out}" in done.output
    assert load_scenario(out).scenario.pumps[0].id == "PUMP-01"
