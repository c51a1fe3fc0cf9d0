"""A lost link ends by itself when the pump's counter accounts for the gap, and waits otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.gap import end_gap
from pumpd.core.quantities import Volume
from pumpd.core.telemetry import Measured, PumpStatus
from tests.core.courses.bed import Act, Counted, runs, silent, stands
from tests.core.courses.of_delivery import jumps

OFF, LATCHED = AlarmSignal.OFF, AlarmSignal.LATCHED
LOST = ConditionId.LINK_LOST
GAP_S = 360
STEP_NL = 10_000_000 / 3600
"""What ``runs`` adds by itself."""
FLOWS_NL = 10_000_000 * (GAP_S + 1) / 3600
"""At 10 mL/h, until the first reading after it."""
pytestmark = pytest.mark.requirement("LINKLOST-1")


def _after(*acts: Act) -> Counted:
    bed = Counted()
    for act in (runs(20), *acts):
        act(bed)
    return bed


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize(("beyond_nl", "ends"), [(0, True), (1, False)])
def test_it_ends_when_what_was_to_flow_has_flowed(way: int, beyond_nl: int, ends: bool) -> None:
    """5 % of it, three steps of the counter and a second of lag are nothing; a nanolitre more is."""
    bed = Counted()
    runs(1)(bed)
    before, reading = bed.state.account, bed.state.last
    assert before is not None
    assert reading is not None
    silent(GAP_S)(bed)
    due_nl = 10_000_000 * GAP_S // 3600
    off_nl = due_nl * 5 // 100 + 3_000 + 10_000_000 // 3600 + beyond_nl
    shows = Measured.valid(Volume(before.counter_nl + due_nl + way * off_nl))
    state = replace(bed.state, last=replace(reading, taken_ns=bed.now_ns, volume=shows))
    assert end_gap(state, before).alarms[LOST].accounted is ends


@pytest.mark.parametrize(("off_nl", "signal"), [(0, OFF), (40_000, OFF), (-40_000, OFF), (90_000, LATCHED)])
def test_nobody_has_to_look_at_what_went_as_it_was_set(off_nl: float, signal: AlarmSignal) -> None:
    """The first reading after the gap decides."""
    assert _after(silent(GAP_S), jumps(FLOWS_NL - STEP_NL + off_nl), runs(1)).signal(LOST) is signal


def test_a_pump_that_stood_waits_for_nobody() -> None:
    """Its lost link was of low priority, and such a one waits for nobody."""
    assert _after(stands(20), silent(GAP_S), stands(1)).signal(LOST) is OFF


@pytest.mark.parametrize(
    "then",
    [
        (runs(1, "11"),),
        (stands(1),),
        (jumps(-5_000_000), runs(1)),
        (stands(1, status=PumpStatus.UNKNOWN),),
    ],
    ids=["another rate", "another status", "a counter that began anew", "a status nobody knows"],
)
def test_it_waits_when_somebody_was_there(then: tuple[Act, ...]) -> None:
    """What was changed in the gap was changed at a time that nobody knows."""
    bed = _after(silent(GAP_S), jumps(FLOWS_NL - STEP_NL), *then)
    assert bed.signal(LOST) is LATCHED


def test_it_waits_after_a_restart() -> None:
    """What the pump did before this run is not known to it."""
    bed = _after(silent(GAP_S))
    bed.restart()
    runs(1)(bed)
    assert bed.signal(LOST) is LATCHED


def test_a_late_reading_that_is_itself_stale_ends_nothing() -> None:
    """The link is lost until something fresh is heard."""
    bed = _after(silent(GAP_S))
    late = bed.reading("10")
    silent(20)(bed)
    bed.give(late)
    assert bed.signal(LOST) is AlarmSignal.ON
