"""Every kind of check fails when what it says is not so, and says what happened instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.daemon import outbox_publisher
from pumpd.qa.hospital import Hospital
from pumpd.simulator.model import PumpModel
from tests.qa.small import played

FAST = "at_s: 20, pump: PUMP-01, action: set-rate, rate: 42 mL/h"
ASKED = "at_s: 30, action: acknowledge, pump: PUMP-01, alarm: over-hard, by: B. Keller, name: taken"
WRONG = {
    "check: raised, pump: PUMP-01, alarm: occlusion, priority: HIGH, within_s: 50": "none of it",
    "check: raised, pump: PUMP-01, alarm: over-hard, priority: LOW, within_s: 50": "over-hard HIGH at 20",
    "check: raised, pump: PUMP-01, alarm: over-hard, priority: HIGH, within_s: 10": "over-hard HIGH at 20",
    "check: never, alarm: over-hard": "over-hard HIGH at 20",
    "check: never, alarm: restrained, pump: PUMP-01": "restrained MEDIUM at 20",
    'check: signal, pump: PUMP-01, alarm: over-hard, at_s: 25, is: "off"': "it was latched",
    "check: status, pump: PUMP-01, at_s: 50, is: running": "it was paused",
    "check: paused, pump: PUMP-01, after_s: 20, within_s: 0.001": "it was paused at 20",
    "check: paused, pump: PUMP-01, after_s: 0, within_s: 20": "it was paused at 20",
    "check: volume, pump: PUMP-01, least: 1 mL, most: 2 mL": "given were 0.0",
    "check: patient, pump: PUMP-01, least: 1 mL, most: 2 mL": "the patient got 0.0",
    "check: dose, pump: PUMP-01, least_dose: 1 mg, most_dose: 2 mg": "given were 0.",
    "check: shown, pump: PUMP-01, at_s: 50, is: lost": "it was fresh",
    "check: answer, request: taken, is: refused": "it was accepted",
    "check: nothing-else": "raised were also PUMP-01: over-hard HIGH at 20",
}


@pytest.mark.requirement("QA-1")
@pytest.mark.parametrize("check", WRONG)
def test_a_check_that_is_not_so_fails(tmp_path: Path, check: str) -> None:
    """One wrong expectation is one failure, with what was expected and what happened."""
    outcome = played(tmp_path, timeline=(FAST, ASKED), expect=(check,))
    assert len(outcome.failures) == 1
    assert outcome.failures[0].startswith("expected: ")
    assert WRONG[check] in outcome.failures[0]
    assert outcome.replay == f"pumpd qa run {tmp_path / 'small.yaml'} --seed 1"


@pytest.mark.requirement("QA-1")
def test_what_is_expected_is_no_surprise(tmp_path: Path) -> None:
    """Alarms that are expected, each in its time, leave nothing else."""
    expect = (
        "check: raised, pump: PUMP-01, alarm: over-hard, priority: HIGH, after_s: 20, within_s: 3",
        "check: raised, pump: PUMP-01, alarm: restrained, priority: MEDIUM, after_s: 20, within_s: 3",
        "check: nothing-else",
    )
    assert played(tmp_path, timeline=(FAST,), expect=expect).passed


@pytest.mark.requirement("INV-1")
def test_a_frame_that_makes_a_pump_give_more_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge of invariant 1 sees a pump that runs faster after a frame, whatever the file expects."""

    def speeds_up(model: PumpModel) -> None:
        model.set_rate_nl_h += 1

    monkeypatch.setattr(PumpModel, "pause", speeds_up)
    outcome = played(tmp_path, timeline=(FAST,))
    assert outcome.failures
    assert outcome.failures[0].startswith("INV-1: after a frame from pumpd a pump gave more: PUMP-01/1: ")


@pytest.mark.requirement("INV-4")
def test_an_event_that_never_reaches_a_broker_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outbox that loses a line is found, whatever the file expects."""
    whole = outbox_publisher._event

    def all_but_the_third(line, *, resent):
        return None if line.seq == 3 else whole(line, resent=resent)

    monkeypatch.setattr(outbox_publisher, "_event", all_but_the_third)
    outcome = played(tmp_path, timeline=(FAST,))
    assert outcome.failures == ("INV-4: journalled events never reached a broker: 1, the first boot-1-3",)


def test_a_scenario_that_breaks_is_told_and_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can not be played to its end is an error with its reason, not a traceback."""

    async def broken(_: Hospital) -> None:
        raise RuntimeError("no such wire")

    monkeypatch.setattr(Hospital, "open", broken)
    outcome = played(tmp_path)
    assert not outcome.passed
    assert outcome.error == "RuntimeError: no such wire"
