"""The last value that is still within: ends of ranges that belong to them, wherever the core compares."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.delivered import seen
from pumpd.core.drug_library import Bounds, TotalLimit, TotalOver
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.infusion import OrderedRange, flow_limits
from pumpd.core.limits import confirmed_findings, findings
from pumpd.core.occlusion import Trend, followed, line_of, part_nl
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.restraining import ONE_RESTRAINT_PER, _may_again
from pumpd.core.restraints import RestraintRecord
from pumpd.core.state import PumpSetup, new_state
from pumpd.core.telemetry import Measured, PumpStatus, Telemetry, missing
from tests.core.situations import ENTRY, PROGRAMME, SETUP, START, Bedside, mg_kg_h

pytestmark = pytest.mark.requirement("CORE-3")


def _set_to(ml_per_h: str, flow: str = "10", **other: object) -> Telemetry:
    return Bedside().reading(flow, set_flow=Measured.valid(FlowRate.parse(ml_per_h)), **other)


@pytest.mark.parametrize(
    ("ml_per_h", "meant"), [("3.4", None), ("3.5", "3.5"), ("17.5", "17.5"), ("17.6", None)]
)
def test_a_rate_at_the_end_of_the_order_is_meant(ml_per_h: str, meant: str | None) -> None:
    """The set rate of a running pump counts, or its flow where it shows none; a stopped one means nothing."""
    state, wanted = new_state(SETUP, Bedside().now), None if meant is None else FlowRate.parse(meant)
    assert seen(state, _set_to(ml_per_h)).meant == wanted
    assert seen(state, Bedside().reading(ml_per_h, set_flow=missing())).meant == wanted
    assert seen(state, _set_to(ml_per_h, status=PumpStatus.STOPPED)).meant is None


def _confirmed(setup: PumpSetup, reading: Telemetry) -> set[ConditionId]:
    return {condition for condition, _ in confirmed_findings(new_state(setup, Bedside().now), reading)}


@pytest.mark.parametrize(
    ("ceiling", "told"), [(35, {ConditionId.TEN_FOLD}), (34, {ConditionId.FLOW_CEILING})]
)
def test_a_slip_beyond_a_limit_is_told_as_that(ceiling: int, told: set[ConditionId]) -> None:
    """A set rate at the ceiling and the hard maximum is told as a slip; above, as beyond that limit."""
    assert _confirmed(replace(SETUP, ceiling=FlowRate.parse(ceiling)), _set_to("35")) == told
    assert _confirmed(SETUP, _set_to("35.1")) == {ConditionId.OVER_HARD}


@pytest.mark.parametrize(
    ("ml_per_h", "status", "told"),
    [
        ("1.8", PumpStatus.RUNNING, {ConditionId.UNDER_SOFT}),
        ("1.7", PumpStatus.RUNNING, {ConditionId.UNDER_SOFT, ConditionId.UNDER_HARD}),
        ("1.7", PumpStatus.BOLUS, set()),
        ("0", PumpStatus.RUNNING, {ConditionId.UNDER_SOFT, ConditionId.UNDER_HARD}),
        ("0", PumpStatus.STOPPED, set()),
        ("3.5", PumpStatus.RUNNING, set()),
        ("17.5", PumpStatus.RUNNING, set()),
        ("17.6", PumpStatus.RUNNING, {ConditionId.OVER_SOFT}),
    ],
)
def test_a_flow_at_a_limit_is_within_it(ml_per_h: str, status: PumpStatus, told: set[ConditionId]) -> None:
    """Each limit itself is allowed; minima hold of a pump that runs."""
    state = new_state(SETUP, Bedside().now)
    assert {c for c, _ in findings(state, Bedside().reading(ml_per_h, status=status))} == told


def test_a_cause_is_restrained_again_after_ten_minutes() -> None:
    """To the last nanosecond of this run's clock, or microsecond of the wall clock after a restart."""
    now, flow = Bedside().now, FlowRate.parse(40)
    per_ns = round(ONE_RESTRAINT_PER.total_seconds() * NS_PER_S)
    for short, again in ((0, True), (1, False)):
        here = RestraintRecord(START, flow, settled=True, at_ns=now.mono_ns - per_ns + short)
        before = now.wall - ONE_RESTRAINT_PER + timedelta(microseconds=short)
        assert _may_again(here, flow, now) is again
        assert _may_again(RestraintRecord(before, flow, settled=True), flow, now) is again


def test_the_tighter_limit_is_named_and_of_two_alike_the_dose() -> None:
    """A flow limit that equals the dose's, above or below, is told as a dose."""
    alike = Bounds(hard_max=FlowRate.parse(35), hard_min=FlowRate.parse("1.8"))
    assert flow_limits(replace(ENTRY, flow=alike), PROGRAMME, SETUP.flow_step).of_flow == frozenset()
    tighter = Bounds(hard_max=FlowRate.parse("34.9"), hard_min=FlowRate.parse("1.9"))
    limits = flow_limits(replace(ENTRY, flow=tighter), PROGRAMME, SETUP.flow_step)
    assert limits.of_flow == {"hard_max", "hard_min"}


def test_what_is_made_of_one_value_is_whole() -> None:
    """One dose is a range, one flow is told once, stale may be lost at once; no window is of nought."""
    assert replace(PROGRAMME, dose_max=mg_kg_h("0.1")).dose_min == mg_kg_h("0.1")
    with pytest.raises(ValueError, match="dose"):
        replace(PROGRAMME, dose_max=mg_kg_h("0.09"))
    assert str(OrderedRange(FlowRate.parse(5), FlowRate.parse(5))) == "5 mL/h"
    assert str(OrderedRange(FlowRate.parse(5), FlowRate.parse(6))) == "5 to 6 mL/h"
    assert FreshnessLimits(5, 5).lost_after_ns == 5
    with pytest.raises(ValueError, match="window"):
        TotalLimit(TotalOver.WINDOW, Bounds(hard_max=DrugAmount.parse("1 mg")), 0)


def test_a_part_of_a_rising_pressure_ends_with_its_volume() -> None:
    """A part is whole with its last nanolitre; twice as much at once was not seen; its bound is told on."""
    line = line_of(50, 1000)
    part = part_nl(line, 1_000)
    trend = Trend(1_000, 100, 1, (1,), told_kpa_e4=None)
    reading = Bedside().reading("5", pressure_kpa_e1=Measured.valid(100))

    def after(moved_nl: int, was: Trend = trend) -> Trend:
        followed_on = followed(was, reading, 1_000 + moved_nl, line, 1_000)
        assert followed_on is not None
        return followed_on

    assert [after(moved).n_readings for moved in (part - 1, part)] == [2, 1]
    assert [after(moved).parts_kpa_e4 for moved in (2 * part - 1, 2 * part)] == [(1, 100_000), ()]
    assert after(0).begun_nl == 1_000
    assert after(0).n_readings == 2
    told = trend._replace(told_kpa_e4=100_000)
    assert after(0, told).told_kpa_e4 == 100_000
    assert after(0, told._replace(told_kpa_e4=100_001)).told_kpa_e4 is None
