"""Courses of the conditions of the watching itself."""

from __future__ import annotations

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.inactivation import TakeOffLine
from pumpd.core.quantities import FlowRate
from pumpd.core.site import Technical
from pumpd.core.state import FrameBlocked, PumpInput, RestraintOutcome, SessionCrashed, WrongDevice
from pumpd.core.telemetry import Measured, PumpStatus
from pumpd.core.told import ToldOfPump
from tests.core.courses.bed import (
    Act,
    Counted,
    Course,
    Node,
    NodeAct,
    NodeCourse,
    began_anew,
    given,
    reads,
    silent,
    stands,
)

CAUSE = ConditionId.OVER_HARD

OUT = TakeOffLine("Ada", 600, "to be cleaned")


def refused(what: PumpInput) -> Act:
    """Return: somebody asks for it, and it can not be."""

    def act(bed: Counted) -> None:
        with pytest.raises(ValueError, match="stop it at the pump"):
            bed.give(what)

    return act


def strange(seconds: int) -> Act:
    """Return: it shows a status that nobody knows."""
    return reads(seconds, status=PumpStatus.UNKNOWN, raw_status="77")


def impossible(seconds: int) -> Act:
    """Return: it sends a value that can not be."""
    return reads(seconds, battery_percent=Measured.invalid("255"))


def said(condition: ConditionId, words: str) -> Act:
    """Return: others than its readings say this of it."""
    return given(ToldOfPump(condition, words, frozenset({words})))


def lowered(ml_per_h: int, seconds: int) -> Act:
    """Return: it runs at the rate that it is set to."""
    rate = Measured.valid(FlowRate.parse(f"{ml_per_h}"))
    return reads(seconds, f"{ml_per_h}", set_flow=rate)


COURSES = {
    ConditionId.LINK_LOST: Course((silent(16),), (silent(5), reads(1), silent(5)), (reads(1),)),
    ConditionId.OFF_LINE: Course(
        (stands(5), given(OUT), silent(60)),
        (reads(5), refused(OUT), stands(60)),
        (silent(541), reads(1)),
    ),
    ConditionId.OFF_LINE_DELIVERS: Course(
        (stands(5), given(OUT), silent(60), reads(1)),
        (stands(5), given(OUT), silent(60), stands(60)),
        (stands(1),),
        beside=frozenset({ConditionId.OFF_LINE}),
    ),
    ConditionId.INVALID_VALUE: Course((impossible(6),), (impossible(5),), (reads(6),)),
    ConditionId.UNKNOWN_STATUS: Course((strange(6),), (strange(5),), (reads(6),)),
    ConditionId.WRONG_DEVICE: Course(
        (given(WrongDevice("serial 9", "serial 1")),),
        (given(WrongDevice("", "")), reads(5)),
        (given(WrongDevice("", "")),),
    ),
    ConditionId.LINE_DISTURBED: Course(
        (said(ConditionId.LINE_DISTURBED, "7 of 600 questions in 10 min"), reads(5)),
        (said(ConditionId.LINE_DISTURBED, ""), reads(5)),
        (said(ConditionId.LINE_DISTURBED, ""),),
    ),
    ConditionId.UNKNOWN_PUMP: Course(
        (said(ConditionId.UNKNOWN_PUMP, "pumpd project REF-1 SIM-99"), reads(5)),
        (said(ConditionId.UNKNOWN_PUMP, ""), reads(5)),
        (said(ConditionId.UNKNOWN_PUMP, ""),),
    ),
    ConditionId.SAME_DRUG: Course(
        (said(ConditionId.SAME_DRUG, "ketamine on PUMP-02"), reads(5)),
        (said(ConditionId.SAME_DRUG, ""), reads(5)),
        (said(ConditionId.SAME_DRUG, ""),),
    ),
    ConditionId.LIBRARY_TIGHTER: Course(
        (said(ConditionId.LIBRARY_TIGHTER, "dose rate, hard limit 0.6 mg/kg/h; library 2"), reads(5)),
        (said(ConditionId.LIBRARY_TIGHTER, ""), reads(5)),
        (said(ConditionId.LIBRARY_TIGHTER, ""),),
    ),
    ConditionId.SESSION_CRASHED: Course(
        (given(SessionCrashed("it ended")),),
        (given(SessionCrashed("")), reads(5)),
        (given(SessionCrashed("")),),
    ),
    ConditionId.RESTRAINED: Course(
        (given(RestraintOutcome(CAUSE, True, "40 mL/h", "35 mL/h")),),
        (given(RestraintOutcome(CAUSE, False, "40 mL/h", "35 mL/h")), reads(5)),
        (stands(60), reads(1)),
        beside=frozenset({ConditionId.RESTRAINT_FAILED}),
    ),
    ConditionId.RATE_LOWERED: Course(
        (lowered(17, 5), given(RestraintOutcome(CAUSE, True, "40 mL/h", "35 mL/h", FlowRate.parse("35")))),
        (
            lowered(17, 5),
            given(RestraintOutcome(CAUSE, True, "40 mL/h", "35 mL/h", FlowRate.parse("35"), needless=True)),
        ),
        (lowered(17, 60), lowered(16, 1)),
    ),
    ConditionId.RESTRAINT_FAILED: Course(
        (given(RestraintOutcome(CAUSE, False, "40 mL/h", "35 mL/h")),),
        (given(RestraintOutcome(CAUSE, True, "40 mL/h", "35 mL/h")), stands(5)),
        (reads(60), stands(1)),
        beside=frozenset({ConditionId.RESTRAINED}),
    ),
    ConditionId.FRAME_BLOCKED: Course(
        (given(FrameBlocked("0x05: not declared")),), (reads(60),), (began_anew, reads(1))
    ),
}


def told(condition: ConditionId, reason: str) -> NodeAct:
    """Return: the daemon says that it is so for ``reason``, or, when that is empty, that it is not."""

    def act(node: Node) -> None:
        node.give(Technical(condition, bool(reason), reason))

    return act


NODE_COURSES = {
    condition: NodeCourse((told(condition, "no space left"),), (told(condition, ""),), (told(condition, ""),))
    for condition in (
        ConditionId.JOURNAL_LATE,
        ConditionId.HISTORY_FAILING,
        ConditionId.LINE_LOST,
        ConditionId.ESCALATION_FAILING,
    )
}
