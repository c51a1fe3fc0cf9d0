"""Every scenario that ships passes, and says that nothing else may be raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.simulator.faults import FaultKind
from pumpd.simulator.timeline import TimelineEvent

SHIPPED = sorted((Path(__file__).parents[2] / "config" / "scenarios").glob("*.yaml"))


@pytest.mark.requirement("QA-2", "INV-1", "INV-4", "INV-5")
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenario_passes(file: Path) -> None:
    """The real stack does what the file expects, and raises nothing else."""
    outcome = run_scenario(load_scenario(file))
    assert outcome.error == ""
    assert outcome.failures == (), outcome.replay


@pytest.mark.requirement("CFG-2", "QA-1")
def test_shipped_scenarios_cover_the_wire_and_leave_nothing_open() -> None:
    """At least thirty; each ends with nothing-else; every fault of a wire has one."""
    scenarios = [load_scenario(file).scenario for file in SHIPPED]
    assert len(scenarios) >= 30
    assert all(scenario.expect[-1].check == "nothing-else" for scenario in scenarios)
    kinds = {
        event.kind
        for scenario in scenarios
        for event in scenario.timeline
        if isinstance(event, TimelineEvent) and event.kind is not None
    }
    assert kinds == set(FaultKind)
