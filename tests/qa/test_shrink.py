"""A scenario that fails becomes a short one that fails in the same way, and is a file that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.qa.hospital import Hospital
from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.qa.scenario_text import write_scenario
from pumpd.qa.shrink import kinds, shrink
from pumpd.simulator.model import PumpModel
from tests.qa.small import played, written

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"
FAST = "at_s: 20, pump: PUMP-01, action: set-rate, rate: 42 mL/h"
AROUND = (
    "at_s: 3, action: broker-down",
    "at_s: 7.5, action: broker-up",
    "at_s: 11, pump: PUMP-01, action: fault, kind: delay, for_s: 3, delay_ms: 20",
    FAST,
    "at_s: 40, action: acknowledge, pump: PUMP-01, alarm: over-hard, by: B. Keller, name: taken",
    "at_s: 45, action: step-clock, step_s: 0.5",
)
RESTRAINED = "check: raised, pump: PUMP-01, alarm: restrained, priority: MEDIUM, after_s: 20, within_s: 3"
ANSWER = "check: answer, request: taken, is: accepted"


def _actions(outcome: Outcome) -> list[str]:
    return [line.action for line in outcome.loaded.scenario.timeline]


@pytest.mark.requirement("QA-4")
def test_only_what_it_takes_to_fail_is_left(tmp_path: Path) -> None:
    """Of six lines one is left, and no check whose cause is gone; the same comes out every time."""
    outcome = played(tmp_path, timeline=AROUND, expect=(RESTRAINED, ANSWER, "check: nothing-else"))
    first, second = shrink(outcome), shrink(outcome)
    assert _actions(first.outcome) == ["set-rate"]
    assert first.outcome.loaded.scenario.duration_s < 30
    assert kinds(first.outcome) == kinds(outcome) == ("surprise: ('PUMP-01', '1') over-hard",)
    assert [check.check for check in first.outcome.loaded.scenario.expect] == ["nothing-else"]
    assert first.outcome.event_log == second.outcome.event_log


@pytest.mark.requirement("QA-4")
def test_the_check_that_failed_is_held_fixed(tmp_path: Path) -> None:
    """An alarm that did not come keeps its check and its time; everything else goes."""
    missing = "check: raised, pump: PUMP-01, alarm: air, priority: HIGH, after_s: 20, within_s: 10"
    outcome = played(tmp_path, timeline=AROUND, expect=(missing, ANSWER))
    found = shrink(outcome).outcome
    assert _actions(found) == []
    assert [str(check) for check in found.loaded.scenario.expect] == [str(outcome.loaded.scenario.expect[0])]
    assert 30 <= found.loaded.scenario.duration_s <= 31


@pytest.mark.requirement("QA-4", "INV-1")
def test_a_broken_invariant_is_shrunk_and_its_lines_follow_closely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No check tells the time of a broken invariant, so the cause moves to the beginning."""

    def speeds_up(model: PumpModel) -> None:
        model.set_rate_nl_h += 1

    monkeypatch.setattr(PumpModel, "pause", speeds_up)
    found = shrink(played(tmp_path, timeline=AROUND)).outcome
    assert _actions(found) == ["set-rate"]
    assert found.loaded.scenario.timeline[0].at_s == 1
    assert found.loaded.scenario.duration_s <= 6
    assert kinds(found) == ("INV-1: after a frame from pumpd a pump gave more",)


def test_it_ends_after_so_many_plays(tmp_path: Path) -> None:
    """The number of plays is bounded, and each is told."""
    outcome = played(tmp_path, timeline=AROUND, expect=("check: nothing-else",))
    told: list[int] = []
    assert shrink(outcome, most_count=4, told=told.append).play_count == 4
    assert told == [1, 2, 3, 4]


@pytest.mark.requirement("QA-4")
def test_the_verb_writes_it_and_prints_the_command_that_plays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed command fails in the same way, and what it plays is the written file."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, timeline=AROUND, expect=("check: nothing-else",))
    ran = CliRunner().invoke(app, ["qa", "run", "small.yaml", "--seed", "3", "--shrunk", "found"])
    said = re.search(r"shrunk: from 6 lines and 60 s to 1 line and \d+ s; pumpd (.*)", ran.stdout)
    assert said, ran.output
    assert said[1] == "qa run found/small.yaml --seed 3"
    again = CliRunner().invoke(app, [*said[1].split(), "--no-shrink"])
    assert again.exit_code == 1
    assert "over-hard HIGH" in again.stdout
    assert "shrunk:" not in again.stdout


@pytest.mark.requirement("QA-1")
@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_scenario_written_again_loads_as_the_same(tmp_path: Path, file: Path) -> None:
    """Every shipped scenario survives being written, wherever it is written to."""
    loaded = load_scenario(file)
    library = file.parent / loaded.scenario.library
    write_scenario(loaded.scenario, library, tmp_path / "below" / "again.yaml", file.parent)
    again = load_scenario(tmp_path / "below" / "again.yaml")
    named: dict[str, object] = {"library": again.scenario.library}
    if loaded.later:
        named["timeline"] = again.scenario.timeline
        whens = [[(e.at_s, e.action) for e in one.scenario.timeline] for one in (again, loaded)]
        assert whens[0] == whens[1]
    assert again.scenario == loaded.scenario.model_copy(update=named)
    assert again.library.sha256 == loaded.library.sha256
    assert [one.sha256 for one in again.later.values()] == [one.sha256 for one in loaded.later.values()]


def test_a_scenario_that_breaks_is_shrunk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can not be played to its end fails in one way: by what broke it."""

    def broken(*_: object) -> None:
        raise RuntimeError("no such clock")

    monkeypatch.setattr(Hospital, "step_clock", broken)
    outcome = run_scenario(load_scenario(written(tmp_path, timeline=AROUND)))
    assert kinds(outcome) == ("error: RuntimeError",)
    assert _actions(shrink(outcome).outcome) == ["step-clock"]
