"""The measure of the core judges what it says: infusing pumps, of which one reading in fifty changes."""

from __future__ import annotations

import pytest

from benchmarks import bench_evaluate


def test_it_measures_infusing_pumps_of_which_some_raise_and_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 pumps are judged once a round, none accused by its history; 2 % of readings change something."""
    monkeypatch.setattr(bench_evaluate, "HISTORY_S", 30)
    assert all(state.watch is not None and not state.alarms for state, _ in bench_evaluate.ward())
    per_s, judged, changed = bench_evaluate.readings_per_s(4)
    assert judged == 4 * bench_evaluate.PUMPS
    assert 0.005 < changed / judged < 0.04
    assert per_s > 0
