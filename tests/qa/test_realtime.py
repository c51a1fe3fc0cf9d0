"""Scenarios with real processes, sockets, serial lines and a real broker: the verdicts of virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.qa.real_places import why_virtual_only
from pumpd.qa.realtime import run_real
from pumpd.qa.runner import run_scenario
from pumpd.qa.suite import QUIET, places
from tests import mosquitto, proof
from tests.qa.real_scenarios import SHORT, shipped, short, verdict

pytestmark = [pytest.mark.real, pytest.mark.e2e]


@pytest.mark.requirement("QA-5", "INV-4")
@pytest.mark.timeout(1800 if proof.FULL else 240)
def test_the_verdict_for_real_is_the_virtual_one(tmp_path: Path) -> None:
    """What passes in virtual time passes for real, and what fails fails for the same expectations."""
    if mosquitto.missing():
        pytest.skip(mosquitto.missing())
    start_log(QUIET)
    all_of_them = [*short(tmp_path), *(each for each in shipped() if not why_virtual_only(each))]
    played = all_of_them if proof.FULL else all_of_them[: len(SHORT)]
    names = ", ".join(each.name for each in played)
    proof.count(f"same verdict for real: {names}", small=len(SHORT), full=len(all_of_them))
    recordings = tmp_path / "recordings"
    real = run_real(played, recordings=recordings)
    virtual = [run_scenario(each) for each in played]
    assert {each.loaded.name: each.error for each in real if each.error} == {}
    apart = {
        ours.loaded.name: (ours.failures, theirs.failures)
        for ours, theirs in zip(real, virtual, strict=True)
        if verdict(ours) != verdict(theirs)
    }
    assert apart == {}, apart
    failing = [each.loaded.name for each in real if each.failed]
    assert failing == ["expects-what-is-not-so"]
    assert len(real[list(SHORT).index(failing[0])].failures) == 2
    assert all(each.record.published >= each.record.journalled for each in real)
    assert all(each.record.journalled for each in real)
    assert all(any(place.iterdir()) for place in places(recordings, played))
