"""What is known of a pump goes into a recording's head and comes back as it was, every field of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from pathlib import Path

import pytest

from pumpd.config_library import load_library
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.state import PumpState
from pumpd.daemon.recorded_state import state_of, take_up
from pumpd.daemon.seams import LivePump
from pumpd.qa import hospital
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.values import read, written
from tests.qa.recordings import SCENARIOS


@pytest.mark.requirement("REC-4")
@pytest.mark.parametrize("name", ["ten-fold-rate", "two-pumps-one-patient"])
def test_the_state_of_a_pump_at_any_time_comes_back_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once in ten seconds of a scenario the state of each pump is written as JSON, read, and equal."""
    seen = 0
    sample = hospital.Hospital.sample

    def looked_at(self: hospital.Hospital) -> None:
        nonlocal seen
        sample(self)
        if self.app is None or round(asyncio.get_running_loop().time() * 1000) % 10_000:
            return
        plans = {watched.plan.pump: watched.plan for watched in self.app._parts.watched}
        for live in self.app.ward.pumps.values():
            told = json.loads(json.dumps(state_of(live)))
            other = LivePump(live.place, PumpState(live.state.setup, None, 0), live.link)
            take_up(other, plans[live.pump], told)
            assert other.state == live.state
            assert (other.identity, other.sequence) == (live.identity, live.sequence)
            seen += 1

    monkeypatch.setattr(hospital.Hospital, "sample", looked_at)
    outcome = run_scenario(load_scenario(SCENARIOS / f"{name}.yaml"))
    assert outcome.error == ""
    assert seen >= 50


@pytest.mark.requirement("REC-4")
def test_a_kind_of_value_without_a_form_is_refused() -> None:
    """A new kind of value in the core can not be left out of recordings unseen."""
    with pytest.raises(TypeError, match="complex has no form in a recording"):
        written(1j)
    assert len(fields(PumpState)) > 10


@pytest.mark.requirement("REC-4")
@pytest.mark.parametrize("file", ["drug-library.yaml", "demo/drug-library.yaml"])
def test_a_drug_library_comes_back_as_it_was(file: str) -> None:
    """Every entry, bound, source and signature, exactly."""
    library = load_library(SCENARIOS.parent / file)
    assert len(library.entries) > 1
    assert read(DrugLibrary, json.loads(json.dumps(written(library)))) == library
