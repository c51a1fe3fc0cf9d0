"""When the core asks for a pause: three agreements, a confirmed hard limit, once per cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import Restrain
from pumpd.core.quantities import DoseRate, FlowRate
from pumpd.core.restraining import ONE_RESTRAINT_PER
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.restraints import RestraintPhase
from pumpd.core.state import PauseNow, RestraintOutcome
from pumpd.core.telemetry import Measured, PumpStatus
from tests import proof
from tests.core.situations import ENTRY, SETUP, Bedside, pauses

ON, OFF, LATCHED = AlarmSignal.ON, AlarmSignal.OFF, AlarmSignal.LATCHED
CAUSE = ConditionId.OVER_HARD
GATES = list(product(Enforcement, [False, True], Restrain, [False, True]))


def _paused(bed: Bedside, flow: str = "40") -> PauseNow:
    (pause,) = pauses(bed.every_second([flow, flow]))
    return pause


@pytest.mark.requirement("RES-1")
@pytest.mark.parametrize(("enforcement", "signed", "allows", "proven"), GATES, ids=str)
def test_every_row_of_the_gate(
    enforcement: Enforcement, signed: bool, allows: Restrain, proven: bool
) -> None:
    """Of all 36 combinations one pauses; every one of them alarms."""
    gate = RestraintGate(enforcement, signed, allows, proven)
    bed = Bedside(replace(SETUP, gate=gate))
    asked = pauses(bed.every_second(["40"] * 3))
    wanted = (enforcement, signed, allows, proven) == (Enforcement.PAUSE, True, Restrain.PAUSE, True)
    assert len(asked) == wanted
    assert bed.signal(CAUSE) is ON


@pytest.mark.requirement("RES-1")
@pytest.mark.parametrize("missing", ["programme", "entry"])
def test_without_an_order_or_an_entry_nothing_is_paused(missing: str) -> None:
    """Above its ceiling, gate open, but no order or no library entry: alarmed on and left running."""
    left_out: dict[str, None] = {"entry": None} if missing == "entry" else {"programme": None, "entry": None}
    bed = Bedside(replace(SETUP, **left_out))  # type: ignore[arg-type]
    assert pauses(bed.every_second(["61"] * 5)) == []
    assert bed.signal(ConditionId.FLOW_CEILING) is ON


@pytest.mark.requirement("RES-2")
def test_one_reading_is_not_enough_to_pause() -> None:
    """The first reading above the limit asks for another; the second one pauses, with what was measured."""
    bed = Bedside()
    assert pauses(bed.every_second(["40"])) == []
    (pause,) = pauses(bed.every_second(["40"]))
    assert pause == PauseNow(CAUSE, "1.143 mg/kg/h", "1 mg/kg/h of the drug library")
    assert bed.state.phase is RestraintPhase.ASKED


@pytest.mark.requirement("RES-2")
@pytest.mark.parametrize("status", list(PumpStatus))
def test_only_a_pump_that_delivers_is_paused(status: PumpStatus) -> None:
    """A pump that stands still is not told to stop; one whose status nobody knows is."""
    bed = Bedside()
    asked = pauses(bed.every_second(["40"] * 3, status=status))
    assert bool(asked) is (status.delivers and status is not PumpStatus.PRIMING)


@pytest.mark.requirement("RES-3")
def test_nothing_is_asked_twice_while_the_first_is_on_its_way() -> None:
    """Between asking and the outcome no reading, however high, brings a second pause."""
    bed = Bedside()
    _paused(bed)
    assert pauses(bed.every_second(["50", "55", "61", "61"])) == []


@pytest.mark.requirement("RES-2")
def test_a_pause_that_worked_is_told_until_a_person_restarts_the_pump() -> None:
    """RESTRAINED stays while the pump stands, and latches when it runs again."""
    bed = Bedside()
    _paused(bed)
    bed.give(RestraintOutcome(CAUSE, paused=True, measured="1.143 mg/kg/h", allowed="1 mg/kg/h"))
    bed.every_second(["0"] * 10, status=PumpStatus.PAUSED)
    assert bed.signal(ConditionId.RESTRAINED) is ON
    bed.every_second(["10"])
    assert bed.signal(ConditionId.RESTRAINED) is LATCHED
    assert bed.signal(CAUSE) is LATCHED


@pytest.mark.requirement("RES-2")
def test_a_pause_that_failed_is_told_louder() -> None:
    """RESTRAINT_FAILED is HIGH, stays while the pump runs, and gives way when it stands after all."""
    bed = Bedside()
    _paused(bed)
    bed.give(RestraintOutcome(CAUSE, paused=False, measured="no answer", allowed="1 mg/kg/h"))
    alarm = bed.alarm(ConditionId.RESTRAINT_FAILED)
    assert alarm is not None
    assert alarm.priority is AlarmPriority.HIGH
    bed.every_second(["40"] * 3)
    assert bed.signal(ConditionId.RESTRAINT_FAILED) is ON
    bed.every_second(["0"], status=PumpStatus.STOPPED)
    assert bed.signal(ConditionId.RESTRAINT_FAILED) is LATCHED


def _restarted_by_hand(bed: Bedside) -> None:
    bed.give(RestraintOutcome(CAUSE, paused=True, measured="m", allowed="a"))
    bed.every_second(["0"] * 3, status=PumpStatus.PAUSED)


@pytest.mark.requirement("RES-3")
def test_once_per_cause_in_ten_minutes() -> None:
    """A person restarted it at the same rate: alarmed, not paused again until ten minutes have passed."""
    bed = Bedside()
    _paused(bed)
    _restarted_by_hand(bed)
    seconds = int(ONE_RESTRAINT_PER.total_seconds())
    assert pauses(bed.every_second(["40"] * (seconds - 5))) == []
    assert bed.signal(CAUSE) is ON
    assert len(pauses(bed.every_second(["40"] * 6))) == 1


@pytest.mark.requirement("RES-3")
def test_a_higher_rate_than_before_is_paused_again_at_once() -> None:
    """The restraint of a lower flow does not protect a higher one."""
    bed = Bedside()
    _paused(bed)
    _restarted_by_hand(bed)
    assert pauses(bed.every_second(["39", "39", "40", "40"])) == []
    assert len(pauses(bed.every_second(["40.1"]))) == 1


@pytest.mark.requirement("RES-3", "INV-4")
def test_a_restart_does_not_forget_what_was_restrained() -> None:
    """After a restart of the daemon the ten minutes still hold, by the time of day."""
    bed = Bedside()
    _paused(bed)
    _restarted_by_hand(bed)
    bed.restart()
    assert pauses(bed.every_second(["40"] * 60)) == []
    assert bed.state.restraints[CAUSE].at < bed.now.wall


@pytest.mark.requirement("RES-3")
def test_a_clock_that_stepped_back_brings_no_second_pause() -> None:
    """With the record in the future the ten minutes have not passed."""
    bed = Bedside()
    _paused(bed)
    _restarted_by_hand(bed)
    bed.restart()
    record = bed.state.restraints[CAUSE]
    ahead = replace(record, at=record.at + timedelta(hours=2))
    bed.state = replace(bed.state, restraints={CAUSE: ahead})
    assert pauses(bed.every_second(["40"] * 900)) == []


@pytest.mark.requirement("RES-3")
@pytest.mark.parametrize("hours", [-30, 30])
def test_a_stepped_clock_neither_brings_nor_prevents_a_second_pause(hours: int) -> None:
    """Within one run the ten minutes are ten minutes, whatever the time of day does."""
    bed = Bedside()
    _paused(bed)
    _restarted_by_hand(bed)
    bed.stepped += timedelta(hours=hours)
    assert pauses(bed.every_second(["40"] * 590)) == []
    assert len(pauses(bed.every_second(["40"] * 10))) == 1


@pytest.mark.requirement("RES-3")
@pytest.mark.parametrize("known", ["set", "seen"])
def test_a_pump_paused_on_its_way_up_is_not_paused_again_at_the_same_setting(known: str) -> None:
    """It was paused at 38 on its way to 50; started by hand it climbs to the same 50: alarmed, not paused."""
    to_50 = {"set_flow": Measured.valid(FlowRate.parse("50"))} if known == "set" else {}
    bed = Bedside()
    assert len(pauses(bed.every_second(["36", "38"], **to_50))) == 1
    if known == "seen":
        bed.every_second(["45", "50"])
    _restarted_by_hand(bed)
    assert pauses(bed.every_second(["20", "36", "45", "50", "50"], **to_50)) == []
    assert bed.signal(CAUSE) is ON
    assert len(pauses(bed.every_second(["50.1"]))) == 1


@pytest.mark.requirement("RES-1", "INV-1")
@proof.examples("no flow within the limits is ever restrained", small=100, full=5_000)
@given(st.lists(st.integers(0, 350).map(lambda tenths: f"{tenths / 10:.1f}"), max_size=40))
def test_within_the_limits_nothing_is_ever_paused(flows: list[str]) -> None:
    """Whatever the flow does below the hard maximum and the ceiling, no pause is asked."""
    assert pauses(Bedside().every_second(flows)) == []


@pytest.mark.requirement("CORE-2", "CORE-8")
@pytest.mark.parametrize(
    ("ordered", "entry", "says"),
    [
        ("ug/kg/min", "mg/kg/h", ("1.143 mg/kg/h", "1 mg/kg/h")),
        ("mg/h", "mg/kg/h", ("1.143 mg/kg/h", "1 mg/kg/h")),
    ],
)
def test_an_alarm_speaks_in_the_unit_of_its_limit(ordered: str, entry: str, says: tuple[str, str]) -> None:
    """An order in one unit and a library in another: dose and limit stand side by side in the library's."""
    assert SETUP.programme is not None
    zero, some = DoseRate.parse(f"0 {ordered}"), DoseRate.parse(f"5 {ordered}")
    assert ENTRY.unit.value == entry
    bed = Bedside(replace(SETUP, programme=replace(SETUP.programme, dose_min=zero, dose_max=some)))
    bed.every_second(["40", "40"])
    alarm = bed.alarm(CAUSE)
    assert alarm is not None
    assert (alarm.measured, alarm.allowed) == says
