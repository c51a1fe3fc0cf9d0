"""What a scenario was seen to do: transitions, samples, answers; and the event log two equal runs share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pumpd.contract.payloads import AlarmPart, EventPayload
from pumpd.qa.carried import Carried
from pumpd.store.base import HistoryRow, WriterStatus

Channel = tuple[str, str]
"""Pump and channel."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of an alarm's signal, when the daemon told it."""

    at_s: float
    whose: Channel | None
    """None: the node's own."""
    alarm: str
    event: str
    before: str
    signal: str
    priority: str
    title: str
    by: str
    quiet: str = "none"
    """What it is quieted by: audio-paused, shelved, suppressed or none."""
    detail: str = ""
    """Whom a step concerns, or why a pause ended."""

    @property
    def raises(self) -> bool:
        """True when people were told anew."""
        return self.event in {"raise", "worsen"} and self.signal == "on"


@dataclass(frozen=True, slots=True)
class Written:
    """One line of the journal about an infusion."""

    at_s: float
    whose: Channel
    line: str
    """What happened: begun, titrated, changed, observed, ended ..."""
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What a pump did at one moment, read off the simulated pump itself."""

    at_s: float
    status: str
    flow_nl_h: int
    given_nl: int
    """Since the scenario began, whichever pump stood there."""
    shown: str
    """What the daemon held of its reading: fresh, stale, lost, or nothing while there is no daemon."""
    patient_nl: int
    """What the patient really got since the scenario began, whatever the counters say."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """By how much what happens may miss a moment and still be what was expected."""

    late_s: float = 0.0
    """On top of each ``within_s``."""
    moment_s: float = 0.0
    """How long after a moment that a check names a look at the pump still counts as that moment's."""

    def __str__(self) -> str:
        return f"within_s + {self.late_s:g} s, at_s + {self.moment_s:g} s"


EXACT = Allowance()
"""In virtual time everything happens when it should."""
REAL_TIME = Allowance(late_s=2.0, moment_s=0.5)
"""Programs take a second or two to start, and share the machine with others."""


@dataclass(slots=True)
class Record:
    """Everything that is judged and drawn."""

    allowance: Allowance = EXACT
    transitions: list[Transition] = field(default_factory=list)
    samples: dict[Channel, list[Sample]] = field(default_factory=dict)
    read: dict[Channel, list[tuple[float, float]]] = field(default_factory=dict)
    """(seconds, mL/h) of each reading that the daemon kept in the history."""
    answers: dict[str, str] = field(default_factory=dict)
    """Name of a request -> accepted or refused."""
    journalled: set[str] = field(default_factory=set)
    """Ids of events that the journal confirmed."""
    published: set[str] = field(default_factory=set)
    """Ids of events that reached a broker as journalled."""
    carried: dict[Channel, list[Carried]] = field(default_factory=dict)
    """What pages showed of infusions, in order."""
    written: list[Written] = field(default_factory=list)
    """What the journal was told of infusions."""
    not_demo_count: int = 0
    """Payloads of a simulated pump that did not say so (invariant 5)."""
    log: list[str] = field(default_factory=list)
    """One line of JSON per event; byte for byte the same in every run with the same seed."""
    _seen: set[str] = field(default_factory=set)

    def write(self, at_s: float, what: str, **values: Any) -> None:
        """Add a line to the event log."""
        line = {"at_s": round(at_s, 6), "what": what, **values}
        self.log.append(json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")))

    def told(self, at_s: float, event: EventPayload) -> None:
        """Take an event that the daemon let out, journalled or not."""
        if event.journalled:
            self.journalled.add(event.id)
        self.write(at_s, "told", event=event.model_dump(mode="json"))
        if event.id in self._seen:
            return
        self._seen.add(event.id)
        if event.kind == "infusion" and event.pump is not None:
            whose = (event.pump, event.channel or "1")
            self.written.append(Written(at_s, whose, event.event, event.by, event.detail))
        if event.kind == "alarm" and event.alarm is not None:
            alarm = event.alarm
            owner = None if event.pump is None else (event.pump, event.channel or "1")
            self.transitions.append(
                Transition(
                    at_s=at_s,
                    whose=owner,
                    alarm=alarm.condition,
                    event=event.event,
                    before=event.before,
                    signal=alarm.signal,
                    priority=alarm.priority,
                    title=alarm.title,
                    by=event.by,
                    quiet=_quiet(alarm),
                    detail=event.detail,
                )
            )

    def carries(self, channel: Channel, now: Carried) -> None:
        """Take what a page shows of a channel's infusion from now on."""
        self.carried.setdefault(channel, []).append(now)

    def sampled(self, channel: Channel, sample: Sample) -> None:
        """Take what a pump does now."""
        self.samples.setdefault(channel, []).append(sample)


def _quiet(alarm: AlarmPart) -> str:
    if alarm.suppressed_by:
        return "suppressed"
    return "none" if alarm.inactivation is None else alarm.inactivation.kind


@dataclass(slots=True)
class KeptHistory:
    """The history without a thread or a file; implements ``TelemetryWriter``. ``failing`` breaks it."""

    record: Record
    failing: str = ""
    written: int = 0
    dropped: int = 0
    heard: list[Callable[[HistoryRow], None]] = field(default_factory=list)
    """Witnesses: every reading that the daemon took, kept or not."""

    def write(self, row: HistoryRow) -> None:
        """Keep one reading, or give it up while it fails."""
        for witness in self.heard:
            witness(row)
        if self.failing:
            self.dropped += 1
            return
        self.written += 1
        telemetry = row.telemetry
        flow = telemetry.flow.value
        if flow is not None:
            channel = (str(telemetry.pump), str(telemetry.channel))
            at_s = telemetry.taken_ns / 1e9
            self.record.read.setdefault(channel, []).append((at_s, flow.nl_per_h / 1e6))

    def status(self) -> WriterStatus:
        """Return how it is doing."""
        return WriterStatus(self.written, self.dropped, 0, self.failing)

    async def close(self) -> None:
        """Do nothing: everything is kept."""
