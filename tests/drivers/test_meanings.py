"""What a pattern means is worked out once, and what is kept of it has a bound."""

from __future__ import annotations

import pytest

from pumpd.drivers import register_reading

pytestmark = pytest.mark.requirement("MAP-2")


def test_a_meaning_is_worked_out_once_and_a_counter_never_fills_the_memory() -> None:
    """Asked twice, worked out once; after thousands of patterns the oldest are let go, all at once."""
    asked: list[int] = []

    def work_out(pattern: int) -> int:
        asked.append(pattern)
        return pattern + 1

    most = register_reading._MEANINGS_KEPT
    meanings = register_reading._Meanings(work_out)
    assert [meanings[pattern] for pattern in (1, 2, 1, 2)] == [2, 3, 2, 3]
    assert asked == [1, 2]
    for pattern in range(most):
        assert meanings[pattern] == pattern + 1
    assert len(meanings) == most
    assert meanings[most] == most + 1
    assert len(meanings) == 1
