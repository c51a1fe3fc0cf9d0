"""A recording in which a tighter drug library was taken over keeps the limits that held before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.config_library import load_library
from pumpd.core.infusion_record import InfusionId
from pumpd.qa.recorded_library import older_library
from pumpd.qa.recorded_scenario import write_recorded_scenario
from pumpd.qa.replay import replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import read_recording
from tests.core.infusion_scene import LIBRARY as FULL
from tests.core.infusion_scene import infusion
from tests.qa.recordings import SCENARIOS
from tests.qa.small import LIBRARY

pytestmark = pytest.mark.requirement("REC-7")
TIGHTER = LIBRARY.with_name("drug-library-tighter.yaml")
SHIPPED_LIBRARY = LIBRARY.parents[1] / "drug-library.yaml"
SHIPPED = SCENARIOS / "library-tighter.yaml"


def _recorded(folder: Path, *, restarted_twice: bool) -> list[Path]:
    """Return the segments of the shipped scenario: one before the library came, one or two after."""
    start_log("critical")
    text = SHIPPED.read_text().replace("../demo/", f"{LIBRARY.parent}/")
    if restarted_twice:
        text = text.replace("expect:\n", "  - {at_s: 60, action: restart-daemon}\nexpect:\n", 1)
    folder.mkdir()
    file = folder / "ward.yaml"
    file.write_text(text)
    outcome = run_scenario(load_scenario(file), recordings=folder / "recordings")
    assert (outcome.failures, outcome.error) == ((), "")
    return sorted((folder / "recordings").rglob("*.pumprec"))


@pytest.mark.requirement("INF-4")
@pytest.mark.parametrize("restarted_twice", [False, True])
def test_the_limits_before_a_take_over_are_kept(tmp_path: Path, *, restarted_twice: bool) -> None:
    """Before it what the older limits allow raises nothing; the nurse is asked; after it the pump is paused.

    Also where she had been asked before the recording began.
    """
    segment = _recorded(tmp_path / "ward", restarted_twice=restarted_twice)[-1]
    recording, out = read_recording(segment), tmp_path / "scenario.yaml"
    left_out = write_recorded_scenario(recording, replay(recording), TIGHTER, out)
    assert left_out == ["PUMP-01/1 carried an infusion before: what it had given by then; it begins anew"]
    loaded = load_scenario(out)
    outcome = run_scenario(loaded)
    assert (outcome.failures, outcome.error) == ((), "")
    assert [told.line for told in outcome.record.written] == ["begun", "titrated", "library"]
    assert "library demo-1 -> demo-2" in outcome.record.written[-1].words
    raised = [told.alarm for told in outcome.record.transitions if told.raises]
    assert raised == ["library-tighter", "over-hard", "restrained"]


@pytest.mark.parametrize("file", [None, LIBRARY, TIGHTER, SHIPPED_LIBRARY])
def test_an_entry_written_as_a_file_is_the_same_entry(file: Path | None, tmp_path: Path) -> None:
    """Every limit, to the last digit; only where the numbers come from is told in one text."""
    library = FULL if file is None else load_library(file)
    text, elsewhere = older_library([infusion(library.entries[0])], library)
    assert elsewhere == []
    written = tmp_path / "library.yaml"
    written.write_text(text)
    again = load_library(written).entries
    assert [replace(entry, source="") for entry in again] == [
        replace(entry, source="") for entry in library.entries
    ]
    assert all(was.source in entry.source for was, entry in zip(library.entries, again, strict=True))


def test_two_infusions_under_other_limits_for_the_same_order_are_told_apart() -> None:
    """One file holds one of them: the other one is named, and an unsigned library stays unsigned."""
    one = infusion(signed_for=frozenset())
    other = replace(one, id=InfusionId("other"), entry=replace(one.entry, second_check=False))
    text, elsewhere = older_library([one, other, one], FULL)
    assert elsewhere == [other]
    assert "signed_for: []" in text
