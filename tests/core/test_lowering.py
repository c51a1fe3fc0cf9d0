"""When the core asks for a lower rate instead of a pause, how low, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import Restrain
from pumpd.core.lowering import LowerNow, can_be_lowered, within
from pumpd.core.quantities import FlowRate
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.restraints import RestraintPhase
from pumpd.core.state import Effect, PauseNow, RestraintOutcome
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests import proof
from tests.core.situations import SETUP, Bedside

ON, OFF, LATCHED = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED
OVER, CEILING, LOWERED, FAILED = (
    ConditionId.OVER_HARD,
    ConditionId.FLOW_CEILING,
    ConditionId.RATE_LOWERED,
    ConditionId.RESTRAINT_FAILED,
)
CAPPED = replace(SETUP, gate=RestraintGate(Enforcement.CAP, True, Restrain.CAP, True, True))
"""Ordered up to 17.5 mL/h, hard maximum 35 mL/h, ceiling 60 mL/h."""
LIMIT = FlowRate.parse("17.5")


def _set(ml_per_h: str) -> Any:
    return Measured.valid(FlowRate.parse(ml_per_h))


def _asked(effects: list[Effect]) -> list[PauseNow | LowerNow]:
    return [e for e in effects if isinstance(e, (PauseNow, LowerNow))]


def _read(bed: Bedside, flow: str, times: int = 3, **other: object) -> list[PauseNow | LowerNow]:
    return _asked(bed.every_second([flow] * times, **{"set_flow": _set(flow), **other}))


@pytest.mark.requirement("RES-1", "INV-1")
@pytest.mark.parametrize(
    ("enforcement", "signed", "allows", "pause", "lower"),
    list(product(Enforcement, [False, True], Restrain, [False, True], [False, True])),
    ids=str,
)
def test_every_row_of_the_gate(
    enforcement: Enforcement, signed: bool, allows: Restrain, pause: bool, lower: bool
) -> None:
    """A pause where all three allow it, else a lower rate where all three allow that, else an alarm."""
    bed = Bedside(replace(SETUP, gate=RestraintGate(enforcement, signed, allows, pause, lower)))
    asked = [type(each) for each in _read(bed, "40")]
    wanted: list[type] = []
    if signed and pause and (enforcement, allows) == (Enforcement.PAUSE, Restrain.PAUSE):
        wanted = [PauseNow]
    elif signed and lower and enforcement is not Enforcement.ALARM and allows is not Restrain.NONE:
        wanted = [LowerNow]
    assert asked == wanted
    assert bed.signal(OVER) is ON


@pytest.mark.requirement("RES-4")
@pytest.mark.parametrize(
    ("flow", "ceiling", "to", "cause", "limit"),
    [
        ("40", "60", "17.5", OVER, "1 mg/kg/h of the drug library"),
        ("61", "60", "17.5", OVER, "1 mg/kg/h of the drug library"),
        ("40", "17.4", "17.4", OVER, "1 mg/kg/h of the drug library"),
        ("33", "30", "17.5", CEILING, "30 mL/h of this pump's configuration"),
    ],
)
def test_it_is_lowered_to_what_every_limit_allows(
    flow: str, ceiling: str, to: str, cause: ConditionId, limit: str
) -> None:
    """To the lowest of order, hard maximum and ceiling; it says whose limit was broken."""
    bed = Bedside(replace(CAPPED, ceiling=FlowRate.parse(ceiling)))
    (asked,) = _read(bed, flow)
    assert isinstance(asked, LowerNow)
    assert (asked.to, asked.cause, asked.allowed) == (FlowRate.parse(to), cause, limit)
    assert bed.state.phase is RestraintPhase.ASKED


@pytest.mark.requirement("RES-4", "INV-1")
@pytest.mark.parametrize("status", list(PumpStatus))
def test_only_a_running_pump_is_lowered(status: PumpStatus) -> None:
    """In a bolus, in KVO or in a status nobody knows the set rate is not what flows."""
    assert bool(_read(Bedside(CAPPED), "40", status=status)) is (status is PumpStatus.RUNNING)


@pytest.mark.requirement("RES-4")
@pytest.mark.parametrize(("rate", "lowers"), [("17.5", False), ("17.6", True), ("10", False)])
def test_a_pump_that_is_set_no_higher_is_only_alarmed_on(rate: str, lowers: bool) -> None:
    """It gives more than it is set to: another rate would not help."""
    bed = Bedside(CAPPED)
    assert bool(_read(bed, "40", set_flow=_set(rate))) is lowers
    assert bed.signal(OVER) is ON
    assert not _read(Bedside(CAPPED), "40", set_flow=missing())


@pytest.mark.requirement("RES-4")
def test_what_is_nought_is_no_rate_to_lower_to() -> None:
    """A limit of nothing at all asks for a hand."""
    reading = Bedside().reading("40", set_flow=_set("40"))
    assert [can_be_lowered(reading, FlowRate(nl)) for nl in (0, 1)] == [False, True]


@pytest.mark.requirement("RES-4")
@pytest.mark.parametrize(
    ("rate", "flow", "is_so"),
    [
        ("17.5", "17.5", True),
        ("17.6", "17.5", False),
        ("17.5", "17.6", False),
        (None, "17.5", False),
        ("17.5", None, False),
    ],
)
def test_it_has_worked_when_no_more_is_set_and_flows(rate: str | None, flow: str | None, is_so: bool) -> None:
    """Both must be known, and neither above the limit."""
    reading = Bedside().reading(flow, set_flow=missing() if rate is None else _set(rate))
    reading = replace(reading, flow=missing()) if flow is None else reading
    assert within(reading, LIMIT) is is_so


def _outcome(*, worked: bool, needless: bool = False) -> RestraintOutcome:
    return RestraintOutcome(OVER, worked, "1.143 mg/kg/h", "1 mg/kg/h of the drug library", LIMIT, needless)


def _lowered() -> Bedside:
    bed = Bedside(CAPPED)
    _read(bed, "40", 2)
    _read(bed, "17.4", 1)
    bed.give(_outcome(worked=True))
    return bed


@pytest.mark.requirement("RES-4")
@pytest.mark.parametrize(("then", "signal"), [("17.4", ON), ("17.3", LATCHED), ("17.5", LATCHED)])
def test_a_lowered_rate_is_told_until_a_hand_changes_it(then: str, signal: AlarmSignal) -> None:
    """What, why, whose limit and what is set now; it stays as long as that rate does, over a restart too."""
    bed = _lowered()
    alarm = bed.alarm(LOWERED)
    assert alarm is not None
    assert alarm.priority is AlarmPriority.MEDIUM
    assert alarm.title == (
        "pumpd LOWERED the rate of this pump: 1.143 mg/kg/h, now set to 17.4 mL/h, "
        "limit 1 mg/kg/h of the drug library"
    )
    assert bed.state.phase is RestraintPhase.IDLE
    bed.restart()
    bed.wait(1)
    _read(bed, "17.4", 1, set_flow=missing())
    assert bed.signal(LOWERED) is ON
    _read(bed, then, 5)
    assert bed.signal(LOWERED) is signal


@pytest.mark.requirement("RES-4")
@pytest.mark.parametrize(
    ("flow", "status", "signal"),
    [
        ("17.6", PumpStatus.RUNNING, ON),
        (None, PumpStatus.RUNNING, ON),
        ("0", PumpStatus.RUNNING, ON),
        ("17.5", PumpStatus.RUNNING, LATCHED),
        ("0", PumpStatus.STOPPED, LATCHED),
    ],
)
def test_a_rate_that_could_not_be_lowered_is_told_louder(
    flow: str | None, status: PumpStatus, signal: AlarmSignal
) -> None:
    """HIGH, by hand; over when the pump stands, or a hand has brought it within the limit."""
    bed = Bedside(CAPPED)
    _read(bed, "40", 2)
    bed.give(_outcome(worked=False))
    alarm = bed.alarm(FAILED)
    assert alarm is not None
    assert (alarm.priority, alarm.title) == (AlarmPriority.HIGH, "COULD NOT RESTRAIN. STOP THE PUMP BY HAND")
    bed.every_second([flow] * 3, status=status, **({"flow": missing()} if flow is None else {}))
    assert bed.signal(FAILED) is signal


@pytest.mark.requirement("RES-3", "RES-4")
def test_a_hand_that_was_quicker_is_told_nothing() -> None:
    """Nothing was written: no alarm says that anything was, and the pump is judged on."""
    bed = Bedside(CAPPED)
    _read(bed, "40", 2)
    bed.give(_outcome(worked=True, needless=True))
    assert (bed.signal(LOWERED), bed.signal(FAILED)) == (OFF, OFF)
    assert bed.state.phase is RestraintPhase.IDLE


@pytest.mark.requirement("RES-3", "RES-4")
def test_a_person_who_raises_it_again_is_not_fought() -> None:
    """The same rate set by hand is alarmed on for ten minutes; a higher one is lowered at once."""
    bed = _lowered()
    assert _read(bed, "40", 500) == []
    assert bed.signal(OVER) is ON
    assert [type(asked) for asked in _read(bed, "40.1", 1)] == [LowerNow]


@pytest.mark.requirement("INV-1", "RES-4")
@proof.examples("no rate is ever lowered to more than what is set, or than a limit", small=100, full=5_000)
@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700), st.sampled_from(PumpStatus)), max_size=20)
)
def test_nothing_is_asked_that_is_not_lower(course: list[tuple[int, int, PumpStatus]]) -> None:
    """Whatever a pump shows, what is asked is below the rate it shows and within both limits."""
    bed = Bedside(CAPPED)
    for set_tenths, flow_tenths, status in course:
        rate = FlowRate(set_tenths * 100_000)
        effects = bed.every_second([f"{flow_tenths / 10:.1f}"], set_flow=Measured.valid(rate), status=status)
        for asked in _asked(effects):
            assert isinstance(asked, LowerNow)
            assert asked.to < rate
            assert asked.to <= LIMIT
