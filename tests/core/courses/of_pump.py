"""Courses of the conditions that a pump tells of itself."""

from __future__ import annotations

from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from tests.core.courses.bed import Course, reads

FLAGS = {
    ConditionId.OCCLUSION: PumpAlarm.OCCLUSION,
    ConditionId.OCCLUSION_UPSTREAM: PumpAlarm.OCCLUSION_UPSTREAM,
    ConditionId.AIR: PumpAlarm.AIR,
    ConditionId.EMPTY: PumpAlarm.EMPTY,
    ConditionId.DOOR: PumpAlarm.DOOR,
    ConditionId.NEAR_END: PumpAlarm.NEAR_END,
    ConditionId.INFUSION_COMPLETE: PumpAlarm.END,
    ConditionId.BATTERY_LOW: PumpAlarm.BATTERY_LOW,
    ConditionId.BATTERY_DEPLETED: PumpAlarm.BATTERY_DEPLETED,
    ConditionId.PUMP_FAULT: PumpAlarm.FAULT,
    ConditionId.PUMP_OTHER: PumpAlarm.OTHER,
}


def _flagged(flag: PumpAlarm) -> Course:
    """Return: its first reading with the flag tells it; the name of an alarm without its flag is none."""
    return Course(
        (reads(1, alarms=frozenset({flag}), raw_alarms=(flag.value,)),),
        (reads(60, raw_alarms=(flag.value,)),),
        (reads(1),),
    )


COURSES = {
    **{condition: _flagged(flag) for condition, flag in FLAGS.items()},
    ConditionId.KVO: Course(
        (reads(1, "3.5", status=PumpStatus.KVO),), (reads(60, "3.5"),), (reads(1, "3.5"),)
    ),
}
