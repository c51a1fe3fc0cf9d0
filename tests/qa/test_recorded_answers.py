"""What people said of soft limits, and of pumps that went along, comes again in replay and scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.qa.comparison import Comparison, compare, decisions
from pumpd.qa.recorded_scenario import write_recorded_scenario
from pumpd.qa.replay import replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import LoadedScenario, load_scenario
from pumpd.store.recording import Recording, read_recording
from tests.qa.recordings import SCENARIOS, recording_of
from tests.qa.small import LIBRARY
from tests.qa.test_infusion_scenarios import TYPED
from tests.qa.test_recorded_infusion import EXACT_S, NURSE, PUMP

pytestmark = pytest.mark.requirement("REC-7")
ASKS = (
    *("Uncontrolled high blood pressure, or heart disease?", "Pregnant?"),
    *("Psychosis, now or in the past?", "Takes theophylline or aminophylline?"),
)
ANSWERS = ", ".join(f'{{ask: "{ask}", "yes": false}}' for ask in ASKS)
OTHER = (
    'label: B.K., identifier: "1234", checked_by: C. Second, order: {drug: TEST-A, concentration: 1 mg/mL, '
    'care_area: acute-pain, weight_kg: "70", dose_min: "0.1", dose_max: "0.3", dose_unit: mg/kg/h, '
    f'dose: "0.15", duration_min: 120}}, answers: [{ANSWERS}]'
)
"""The same patient's second infusion, of another drug."""
BOTH = (
    f"at_s: 5, {NURSE}, action: begin, typed: {{{TYPED}}}",
    f"at_s: 8, {NURSE.replace('01', '02')}, action: begin, typed: {{{OTHER}}}",
    f"at_s: 25, {NURSE}, action: transfer, typed: {{bed: window, reason: light}}",
)
SOFT = (
    f"at_s: 5, {NURSE}, action: begin, typed: {{{TYPED}}}",
    "at_s: 12, pump: PUMP-01, action: set-rate, rate: 18 mL/h",
    f"at_s: 60, {NURSE}, action: accept, alarm: over-soft, name: taken",
    "at_s: 90, pump: PUMP-01, action: set-rate, rate: 19 mL/h",
    f"at_s: 130, {NURSE}, action: acknowledge, alarm: over-soft",
    f"at_s: 140, {NURSE}, action: accept, alarm: over-soft, name: again",
)


def _two_drugs(folder: Path) -> Path:
    """Write the demo's library with TEST-A in the place of its second ketamine."""
    first, second = LIBRARY.read_text().split("care_area: acute-pain")
    begin, drug, end = first.rpartition("drug: ketamine")
    file = folder / "two-drugs.yaml"
    file.write_text(f"{begin}{drug.replace('ketamine', 'TEST-A')}{end}care_area: acute-pain{second}")
    return file


def _recorded(folder: Path, timeline: tuple[str, ...], pumps: str) -> list[Recording]:
    start_log("critical")
    folder.mkdir()
    _two_drugs(folder)
    lines = "".join(f"  - {{{line}}}\n" for line in timeline)
    file = folder / "ward.yaml"
    text = f"title: a ward\nduration_s: 170\nlibrary: two-drugs.yaml\npumps:\n{pumps}timeline:\n{lines}"
    file.write_text(text)
    outcome = run_scenario(load_scenario(file), recordings=folder / "recordings")
    assert (outcome.failures, outcome.error) == ((), "")
    assert "refused" not in outcome.record.answers.values()
    found = [read_recording(each) for each in (folder / "recordings").rglob("*.pumprec")]
    return sorted(found, key=lambda recording: str(recording.head["pumps"][0]["section"]["id"]))


def _played(recording: Recording, library: Path, out: Path) -> tuple[LoadedScenario, list[str]]:
    """Return the scenario of ``recording``, which plays as it was, and what it leaves out."""
    again = replay(recording)
    told = compare(decisions(recording), decisions(again.recording), recording.ended_ns, EXACT_S)
    assert told == Comparison((), ())
    left_out = write_recorded_scenario(recording, again, library, out)
    loaded = load_scenario(out)
    outcome = run_scenario(loaded)
    assert (outcome.failures, outcome.error) == ((), "")
    assert "refused" not in outcome.record.answers.values()
    return loaded, left_out


def _actions(loaded: LoadedScenario) -> list[str]:
    return [line.action for line in loaded.scenario.timeline]


@pytest.mark.requirement("ACCEPT-1")
def test_a_soft_limit_that_was_accepted_is_accepted_again(tmp_path: Path) -> None:
    """At once, which also answers the alarm, and after somebody had it: each is one line of its own."""
    (recording,) = _recorded(tmp_path / "ward", SOFT, PUMP.format(unit=1, line="USB0"))
    loaded, left_out = _played(recording, tmp_path / "ward" / "two-drugs.yaml", tmp_path / "scenario.yaml")
    assert left_out == []
    assert _actions(loaded) == ["begin", "set-rate", "accept", "set-rate", "acknowledge", "accept"]


def test_a_pump_that_was_taken_off_the_line_is_so_again(tmp_path: Path) -> None:
    """For the time that was asked for, to the second in which its end is kept."""
    recording = recording_of("off-the-line", tmp_path / "recordings")
    loaded, left_out = _played(
        recording,
        SCENARIOS / load_scenario(SCENARIOS / "off-the-line.yaml").scenario.library,
        tmp_path / "s.yaml",
    )
    assert left_out == []
    assert "off-line" in _actions(loaded)


@pytest.mark.requirement("INF-1")
@pytest.mark.parametrize("second_line", ["USB0", "USB1"])
def test_a_pump_that_went_along_to_another_bed_goes_again(tmp_path: Path, second_line: str) -> None:
    """With the pump of its line that leads; alone, where that is of another line, by a line of its own."""
    pumps = PUMP.format(unit=1, line="USB0") + PUMP.format(unit=2, line=second_line)
    told = {}
    for number, recording in enumerate(_recorded(tmp_path / "ward", BOTH, pumps), start=1):
        loaded, left_out = _played(
            recording, tmp_path / "ward" / "two-drugs.yaml", tmp_path / f"{number}.yaml"
        )
        assert left_out == []
        told[number] = [(line.action, line.pump) for line in loaded.scenario.timeline]
    moved = ("transfer", "PUMP-01")
    if second_line == "USB0":
        assert told == {1: [("begin", "PUMP-01"), ("begin", "PUMP-02"), moved]}
    else:
        assert told[1] == [("begin", "PUMP-01"), moved]
        assert told[2] == [("begin", "PUMP-02"), ("transfer", "PUMP-02")]
