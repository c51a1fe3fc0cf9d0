"""Courses of the conditions that a pump tells of itself."""

from __future__ import annotations

from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from tests.core.courses.bed import Act, Counted, Course, reads

FLAGS = {
    ConditionId.OCCLUSION: PumpAlarm.OCCLUSION,
    ConditionId.OCCLUSION_UPSTREAM: PumpAlarm.OCCLUSION_UPSTREAM,
    ConditionId.AIR: PumpAlarm.AIR,
    ConditionId.EMPTY: PumpAlarm.EMPTY,
    ConditionId.DOOR: PumpAlarm.DOOR,
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


def loop(flag: PumpAlarm = PumpAlarm.OCCLUSION, apart_s: int = 10) -> tuple[Act, ...]:
    """Return: it alarms and stops, and somebody starts it again."""
    alarmed = reads(1, "0", status=PumpStatus.ALARM, alarms=frozenset({flag}), raw_alarms=(flag.value,))
    return (alarmed, reads(apart_s))


def left(ml: float) -> Act:
    """Return: so much of the pump's programme is to come."""

    def act(bed: Counted) -> None:
        bed.to_come_nl = ml * 1e6

    return act


COURSES = {
    **{condition: _flagged(flag) for condition, flag in FLAGS.items()},
    # At 10 mL/h the last ten minutes are 1.667 mL.
    ConditionId.NEAR_END: Course(
        (left(1.666), reads(1)), (left(1.667), reads(60), left(0), reads(60)), (left(1.834), reads(1))
    ),
    ConditionId.ALERT_LOOP: Course(
        (*loop(), *loop(), *loop(apart_s=1)),
        (*loop(apart_s=300), *loop(apart_s=300), *loop(), *loop(PumpAlarm.AIR)),
        (reads(601),),
        beside=frozenset({ConditionId.OCCLUSION, ConditionId.AIR}),
    ),
    ConditionId.KVO: Course(
        (reads(1, "3.5", status=PumpStatus.KVO),), (reads(60, "3.5"),), (reads(1, "3.5"),)
    ),
}
