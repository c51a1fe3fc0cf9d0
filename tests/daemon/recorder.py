"""An outlet that writes down what it was told and when, and a history that keeps its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pumpd.contract.payloads import EventPayload
from pumpd.core.conditions import ConditionId
from pumpd.daemon.seams import LivePump
from pumpd.store.base import HistoryRow, OutboxLine, WriterStatus


@dataclass(slots=True)
class Recorder:
    """Implements ``Publisher`` without a broker; every entry carries the loop's time."""

    readings: list[tuple[float, LivePump, int]] = field(default_factory=list)
    told: list[tuple[float, LivePump, dict[ConditionId, str]]] = field(default_factory=list)
    events: list[tuple[float, EventPayload]] = field(default_factory=list)
    """What went out, journalled or not."""
    node_told: int = 0
    closed: bool = False
    hangs: bool = False
    up: bool = True
    shown_until: datetime | None = None

    def reading(self, live: LivePump) -> None:
        self.readings.append((_now(), live, live.sequence))

    def changed(self, live: LivePump) -> None:
        alarms = {c: alarm.signal.value for c, alarm in live.told.alarms.items()}
        self.told.append((_now(), live, alarms))

    def node_changed(self) -> None:
        self.node_told += 1

    def journalled(self, lines: Sequence[OutboxLine]) -> None:
        for line in lines:
            event = EventPayload.model_validate_json(line.payload)
            self.events.append((_now(), event.model_copy(update={"seq": line.seq, "journalled": True})))

    def unjournalled(self, event: EventPayload) -> None:
        self.events.append((_now(), event))

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        self.closed = True
        if self.hangs:
            await asyncio.get_running_loop().create_future()

    def happened(self, kind: str, event: str = "") -> list[tuple[float, EventPayload]]:
        """Return the journalled events of a kind, in order."""
        return [
            (at, e) for at, e in self.events if e.journalled and e.kind == kind and event in {"", e.event}
        ]

    def raised(self, condition: ConditionId) -> list[tuple[float, EventPayload]]:
        """Return the journalled transitions of one condition."""
        return [
            (at, e) for at, e in self.happened("alarm") if e.alarm and e.alarm.condition == condition.value
        ]


@dataclass(slots=True)
class KeptHistory:
    """A ``TelemetryWriter`` in memory."""

    rows: list[HistoryRow] = field(default_factory=list)
    failing: str = ""

    def write(self, row: HistoryRow) -> None:
        self.rows.append(row)

    def status(self) -> WriterStatus:
        return WriterStatus(len(self.rows), 0, 0, self.failing)

    async def close(self) -> None:
        pass


def _now() -> float:
    return asyncio.get_running_loop().time()
