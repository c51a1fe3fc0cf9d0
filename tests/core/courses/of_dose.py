"""Courses of the conditions of the rate."""

from __future__ import annotations

from dataclasses import replace

from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DoseLimits
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpStatus
from tests.core.courses.bed import Course, reads, set_up_as
from tests.core.situations import ENTRY, SETUP, mg_kg_h

LOW_CEILING = replace(SETUP, ceiling=FlowRate.parse("30"))
STANDS = reads(60, "0", status=PumpStatus.STOPPED)

WIDE = replace(ENTRY, dose_rate=DoseLimits(hard_max=mg_kg_h("1")))
UNLIMITED = replace(SETUP, entry=WIDE)
"""Ordered 3.5 to 17.5 mL/h; the library says only that 35 mL/h are too fast."""

COURSES = {
    ConditionId.OVER_HARD: Course(
        (reads(2, "35.1"),),
        (reads(20, "35"),),
        (reads(4),),
        beside=frozenset({ConditionId.TEN_FOLD}),  # 35 is ten times the least that was ordered
    ),
    ConditionId.OVER_SOFT: Course((reads(31, "17.6"),), (reads(60, "17.5"),), (reads(6),)),
    ConditionId.UNDER_HARD: Course(
        (reads(301, "1.7"),),
        (reads(600, "1.8"),),
        (reads(6),),
        beside=frozenset({ConditionId.UNDER_SOFT}),
    ),
    ConditionId.ABOVE_ORDER: Course((reads(31, "17.6"),), (reads(60, "17.5"),), (reads(6),), setup=UNLIMITED),
    ConditionId.BELOW_ORDER: Course((reads(301, "3.4"),), (reads(600, "3.5"),), (reads(6),), setup=UNLIMITED),
    ConditionId.UNDER_SOFT: Course((reads(301, "3.4"),), (reads(600, "3.5"),), (reads(6),)),
    ConditionId.FLOW_CEILING: Course((reads(2, "30.1"),), (reads(20, "30"),), (reads(4),), setup=LOW_CEILING),
    ConditionId.NO_PROGRAMME: Course(
        (reads(31),),
        (STANDS, reads(30)),
        (set_up_as(SETUP), reads(7)),
        setup=replace(SETUP, programme=None, entry=None),
        before=(),
    ),
    ConditionId.LIBRARY_MISSING: Course(
        (reads(6),),
        (STANDS, reads(5)),
        (set_up_as(SETUP), reads(7)),
        setup=replace(SETUP, entry=None),
        before=(),
    ),
}
