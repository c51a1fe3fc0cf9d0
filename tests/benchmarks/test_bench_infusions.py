"""The bench of whole sessions plays what it says."""

from __future__ import annotations

import pytest

from benchmarks import bench_infusions
from benchmarks.bench_infusions import apart, together, unwatched


def test_two_infusions_together_and_one_apart_go_well_and_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every second is a reading of each pump, and all expectations held; here of a session of an hour."""
    shorter = bench_infusions.SCENARIO.with_name("infusion-begun-and-ended.yaml")
    monkeypatch.setattr(bench_infusions, "SCENARIO", shorter)
    both, alone, plain = together(2), apart(1), unwatched(1)
    assert 2 * 3390 <= both.readings <= 2 * 3410
    assert 3390 <= alone.readings <= 3410
    assert plain.readings == alone.readings
    assert both.cpu_s > 0 < alone.cpu_s
    assert (both.goal_cpu_s, alone.goal_cpu_s) == (3.0, 1.5)
