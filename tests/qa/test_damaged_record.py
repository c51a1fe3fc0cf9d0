"""A record that the disk lost in a scenario: the judge forgives the infusion it held, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.qa import hospital
from pumpd.qa.damage import damage_record
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.journal_file import JournalFile

DAMAGED = Path(__file__).parents[2] / "config" / "scenarios" / "record-damaged.yaml"
pytestmark = pytest.mark.requirement("INF-2", "QA-2")


def test_only_the_infusion_whose_record_was_damaged_may_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another one is gone, the judge says so by its name."""

    def both(journal: Path, _pump: str, channel: str) -> None:
        for pump in ("PUMP-01", "PUMP-02"):
            damage_record(journal, pump, channel)

    monkeypatch.setattr(hospital, "damage_record", both)
    failures = run_scenario(load_scenario(DAMAGED), seed=1).failures
    gone = [failure for failure in failures if failure.startswith("INF-2")]
    assert gone == ["INF-2: an infusion is gone after a restart: qa-request-0002 at 70.000 s"]


def test_nothing_is_damaged_where_nothing_is_kept(tmp_path: Path) -> None:
    """A scenario that damages what is not there would show nothing: it is an error."""
    JournalFile.open(tmp_path / "journal.db", synchronous="OFF").close()
    with pytest.raises(ValueError, match="keeps nothing of PUMP-09/1"):
        damage_record(tmp_path / "journal.db", "PUMP-09", "1")
