"""Journal lines, durables and readings for the tests of the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from pumpd.core.alarms import Alarm, AlarmSignal
from pumpd.core.climb import Call, Climb
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.delivery_account import Carried
from pumpd.core.inactivation import Inactivation, InactivationKind
from pumpd.core.quantities import FlowRate
from pumpd.core.restraints import RestraintRecord
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.base import Durable, NewLine

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
T0_MS = int(T0.timestamp()) * 1000
PUMP, CHANNEL = PumpId("P-1"), ChannelId("1")


class SetClock:
    """A clock that stands where the test puts it."""

    boot_id = "boot"

    def __init__(self) -> None:
        self.mono_ns = 1_000
        self.at = T0

    def monotonic_ns(self) -> int:
        return self.mono_ns

    def wall(self) -> datetime:
        return self.at


def line(n: int | str, pump: PumpId | None = PUMP, *, kind: str = "alarm", at: datetime = T0) -> NewLine:
    channel = None if pump is None else CHANNEL
    return NewLine(f"boot-{n}", at, kind, pump, channel, json.dumps({"id": f"boot-{n}", "text": "é ü 患者"}))


def durable(revision: int, pump: PumpId | None = PUMP) -> Durable:
    """A channel with two alarms and a restraint; ``revision`` tells versions apart."""
    condition, other = ConditionId.OVER_HARD, ConditionId.OCCLUSION
    acknowledged = Alarm(
        condition,
        AlarmPriority.HIGH,
        AlarmSignal.ACKNOWLEDGED,
        revision,
        T0,
        "0.61 mg/kg/h",
        "at most 0.5 mg/kg/h",
        "Nurse Özil",
        T0 + timedelta(microseconds=revision),
    )
    silenced = Inactivation(InactivationKind.SHELVED, "Özil", "später", T0, T0 + timedelta(minutes=revision))
    calls = (Call("nurse", T0, "mail"), Call("pager", T0 + timedelta(seconds=revision), "webhook", "no line"))
    climb = Climb(T0, None, 1, ("pager",), ("nurse",), calls)
    latched = Alarm(
        other, AlarmPriority.HIGH, AlarmSignal.LATCHED, 1, T0, "", "", inactivation=silenced, climb=climb
    )
    return Durable(
        pump,
        None if pump is None else CHANNEL,
        {condition: acknowledged, other: latched},
        {condition: RestraintRecord(T0 + timedelta(seconds=revision), FlowRate(12_500_000))},
        None if pump is None else Carried(5_000_000 + revision, 900_000, 800_000),
    )
