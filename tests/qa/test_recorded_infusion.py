"""A recording with infusions replays to the same decisions, becomes a scenario, and can be redacted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.qa import replay as replaying
from pumpd.qa.comparison import Comparison, compare, decisions
from pumpd.qa.recorded_scenario import write_recorded_scenario
from pumpd.qa.redaction import redacted
from pumpd.qa.replay import Replayed, replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import LoadedScenario, load_scenario
from pumpd.store.recording import Kind, Recording, parse_recording, read_recording
from tests.qa.small import LIBRARY
from tests.qa.test_infusion_scenarios import ORDER, TYPED

EXACT_S = 1e-6
PUMP = """\
  - id: PUMP-0{unit}
    url: modbus-rtu:///dev/tty{line}/{unit}?baud=19200&parity=E
    driver: reference-pump
    bed: "{unit}"
    simulated:
      channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, running: true}}}}
"""
WIDER = ORDER.replace('dose_max: "0.5"', 'dose_max: "0.6"').replace('dose: "0.3"', 'dose: "0.6"')
CHANGED = f"reason: strong pain, checked_by: C. Second, accepted: tumour pain, {WIDER}"
TO_THE_OTHER = 'to_pump: PUMP-02, to_channel: "1", reason: noisy'
ENDED = "reason: sleeps, witness: E. Fourth"
NURSE = "pump: PUMP-01, by: A. Nurse"
TIMELINE = (
    f"at_s: 5, {NURSE}, action: begin, name: begin, typed: {{{TYPED}}}",
    "at_s: 12, pump: PUMP-01, action: set-rate, rate: 14 mL/h",
    f"at_s: 20, {NURSE}, action: observe, name: look, typed: {{pain: 4, side_effects: very drowsy}}",
    f"at_s: 25, {NURSE}, action: transfer, name: moved, typed: {{bed: window, reason: light}}",
    f"at_s: 30, {NURSE}, action: change, name: changed, typed: {{{CHANGED}}}",
    "at_s: 34, pump: PUMP-01, action: set-rate, rate: 21 mL/h",
    f"at_s: 60, {NURSE}, action: swap-infusion, name: swapped, typed: {{{TO_THE_OTHER}}}",
    f"at_s: 90, pump: PUMP-02, by: D. Third, action: end, name: end, typed: {{{ENDED}}}",
)
NAMES = ("begin", "look", "moved", "changed", "swapped", "end")
SAID = (
    "B.K.",
    "1234",
    "A. Nurse",
    "C. Second",
    "D. Third",
    "E. Fourth",
    "very drowsy",
    "tumour pain",
    "sleeps",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A ward's recordings, and what was played."""

    recordings: dict[str, Recording]
    loaded: LoadedScenario


def _recorded(folder: Path, second_line: str) -> Told:
    lines = "".join(f"  - {{{line}}}\n" for line in TIMELINE)
    checks = "".join(f"  - {{check: answer, request: {name}, is: accepted}}\n" for name in NAMES)
    pumps = PUMP.format(unit=1, line="USB0") + PUMP.format(unit=2, line=second_line)
    file = folder / "ward.yaml"
    file.write_text(
        f"title: a ward\nduration_s: 120\nlibrary: {LIBRARY}\npumps:\n{pumps}"
        f"timeline:\n{lines}expect:\n{checks}"
    )
    loaded = load_scenario(file)
    outcome = run_scenario(loaded, recordings=folder / "recordings")
    assert (outcome.failures, outcome.error) == ((), "")
    found = [read_recording(each) for each in sorted((folder / "recordings").rglob("*.pumprec"))]
    return Told({one.head["pumps"][0]["section"]["id"]: one for one in found}, loaded)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return the recording of two pumps on one line."""
    start_log("critical")
    return _recorded(tmp_path_factory.mktemp("shared"), "USB0")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return the recordings of two pumps on two lines: the infusion goes from one to the other."""
    start_log("critical")
    return _recorded(tmp_path_factory.mktemp("apart"), "USB1")


def _compared(then: Recording, now: Replayed) -> Comparison:
    return compare(decisions(then), decisions(now.recording), then.ended_ns, EXACT_S)


def _whats(recording: Recording) -> list[str]:
    return [decision.what for decision in decisions(recording)]


@pytest.mark.requirement("REC-4", "REC-6")
def test_infusions_of_a_recording_come_again(shared: Told) -> None:
    """Begun, titrated, looked at, moved, changed, swapped, ended: all at its moment, with its alarms."""
    recording = shared.recordings["PUMP-01"]
    replayed = replay(recording)
    assert _compared(recording, replayed) == Comparison((), ())
    done = ["begun", "titrated", "observed", "transferred", "changed", "titrated", "swapped", "ended"]
    assert [w.removeprefix("infusion ") for w in _whats(recording) if w.startswith("infusion")] == done
    assert "still-running raised HIGH" in _whats(recording)


@pytest.mark.requirement("REC-6")
def test_a_replay_without_its_infusions_is_seen(shared: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that forgets them decides something else, and the comparison says what."""
    monkeypatch.setattr(replaying, "repeat_infusions", lambda *_: None)
    recording = shared.recordings["PUMP-01"]
    found = _compared(recording, replay(recording))
    assert "still-running raised HIGH" in [decision.what for decision in found.only_then]


@pytest.mark.requirement("REC-4")
def test_each_line_replays_alone_what_came_of_a_swap(apart: Told) -> None:
    """The line that it left and the line that it came to: each recording knows its own side."""
    for recording in apart.recordings.values():
        assert [*recording.of(Kind.INFUSION)]
        assert _compared(recording, replay(recording)) == Comparison((), ())
    assert "infusion swapped" in _whats(apart.recordings["PUMP-02"])
    assert "infusion swapped" not in _whats(apart.recordings["PUMP-01"])


@pytest.mark.requirement("REC-5")
def test_a_redacted_recording_names_nobody_of_an_infusion(shared: Told) -> None:
    """Patient, second identifier, nurses, witness and their words are gone; the decisions are the same."""
    recording = shared.recordings["PUMP-01"]
    data = redacted(recording)
    for said in SAID:
        assert said.encode() not in data
    copy = parse_recording(data, "copy")
    assert _whats(replay(copy).recording) == _whats(recording)


@pytest.mark.requirement("REC-7")
def test_a_recording_becomes_a_scenario_with_its_infusion(shared: Told, tmp_path: Path) -> None:
    """Played, it raises what was raised then and nothing else, and every command of a nurse is in it."""
    recording, out = shared.recordings["PUMP-01"], tmp_path / "scenario.yaml"
    assert write_recorded_scenario(recording, replay(recording), LIBRARY, out) == []
    loaded = load_scenario(out)
    outcome = run_scenario(loaded)
    assert (outcome.failures, outcome.error) == ((), "")
    asked = [line.action for line in loaded.scenario.timeline if getattr(line, "typed", None)]
    assert asked == ["begin", "observe", "transfer", "change", "swap-infusion", "end"]
    assert {line.line for line in outcome.record.written} >= {"begun", "changed", "swapped", "ended"}
    assert "Nurse" not in out.read_text()


@pytest.mark.requirement("REC-7")
def test_what_one_line_can_not_tell_is_left_out_by_name(apart: Told, tmp_path: Path) -> None:
    """What came from another line begins anew, what went there ends; both are told."""
    said = {}
    for pump, recording in apart.recordings.items():
        out = tmp_path / f"{pump}.yaml"
        said[pump] = write_recorded_scenario(recording, replay(recording), LIBRARY, out)
        outcome = run_scenario(load_scenario(out))
        assert (outcome.failures, outcome.error) == ((), "")
    assert "PUMP-01/1: its infusion went to another line; it ends here" in said["PUMP-01"]
    assert said["PUMP-02"] == [
        "PUMP-02/1 carried an infusion before: what it had given by then; it begins anew"
    ]
