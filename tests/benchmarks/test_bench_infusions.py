"""The bench of whole sessions plays what it says."""

from __future__ import annotations

from benchmarks.bench_infusions import apart, together, unwatched


def test_two_infusions_together_and_one_apart_go_well_and_are_counted() -> None:
    """Every second of two hours and five minutes is a reading of each pump, and all expectations held."""
    both, alone, plain = together(2), apart(1), unwatched(1)
    assert 2 * 7490 <= both.readings <= 2 * 7510
    assert 7490 <= alone.readings <= 7510
    assert plain.readings == alone.readings
    assert both.cpu_s > 0 < alone.cpu_s
    assert (both.goal_cpu_s, alone.goal_cpu_s) == (3.0, 1.5)
