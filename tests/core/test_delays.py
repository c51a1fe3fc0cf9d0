"""A delay that runs back, ends, or stands while nothing can be judged: to the last nanosecond."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.delays import delayed, suspended
from pumpd.core.dwell import Dwell
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import new_state
from tests.core.situations import SETUP, Bedside

OVER = ConditionId.OVER_SOFT
CLEAR_AFTER_NS = 5 * NS_PER_S
NOW = Bedside().now
pytestmark = pytest.mark.requirement("CORE-5")


@pytest.mark.parametrize(
    ("broke_s", "good_ns", "left_ns"),
    [
        (1, CLEAR_AFTER_NS, None),
        (1, CLEAR_AFTER_NS - 1, 0),
        (60, CLEAR_AFTER_NS, 60 * NS_PER_S - CLEAR_AFTER_NS // 2),
    ],
)
def test_a_delay_runs_back_at_half_the_pace_and_ends(broke_s: int, good_ns: int, left_ns: int | None) -> None:
    """It is forgotten when nothing of it is left and five seconds were good, and not a nanosecond sooner."""
    dwell = Dwell(broke_s * NS_PER_S, 0, NOW.mono_ns - good_ns)
    state = replace(new_state(SETUP, NOW), dwells=MappingProxyType({OVER: dwell}))
    passed, dwells = delayed(state, {}, (), NOW)
    assert passed == {}
    assert dwells == ({} if left_ns is None else {OVER: Dwell(left_ns, good_ns, NOW.mono_ns)})


def test_without_a_flow_only_what_a_flow_decides_stands() -> None:
    """Its delay neither runs on nor back; that of anything else goes on."""
    over, other = Dwell(5, 0, 1), Dwell(7, 0, 2)
    dwells = {OVER: over, ConditionId.SILENT_STOP: other}
    stands = {OVER: replace(over, last_ns=NOW.mono_ns), ConditionId.SILENT_STOP: other}
    assert suspended(dwells, NOW) == stands
    alone = {ConditionId.SILENT_STOP: other}
    assert suspended(alone, NOW) is alone


@pytest.mark.parametrize(
    "condition",
    [
        ConditionId.OVER_SOFT,
        ConditionId.UNDER_HARD,
        ConditionId.UNDER_SOFT,
        ConditionId.ABOVE_ORDER,
        ConditionId.BELOW_ORDER,
        ConditionId.NO_PROGRAMME,
        ConditionId.LIBRARY_MISSING,
    ],
)
def test_each_that_a_flow_decides_stands_without_one(condition: ConditionId) -> None:
    """A pump that shows no flow for a while neither raises nor clears any of them by that."""
    dwell = Dwell(5, 0, 1)
    assert suspended({condition: dwell}, NOW) == {condition: replace(dwell, last_ns=NOW.mono_ns)}
