"""The judge of invariant 4: no alarm is lost, and an acknowledgement means just what it says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pumpd.contract.payloads import EventPayload
from pumpd.core.alarms import Alarms, AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpStatus
from pumpd.daemon.app import App
from pumpd.qa.broken import Broken
from pumpd.qa.hospital import Hospital
from pumpd.qa.journal_lines import JournalLines, LastChange
from pumpd.qa.parsed import command_in, parsed
from pumpd.qa.record import Channel
from pumpd.store.base import HistoryRow

Whose = Channel | None
"""None: the node's own alarm."""
Mark = tuple[int, str]
"""Revision and signal."""

TOLD_WITHIN_S = 3.0
"""The journal has 1 s; then the watchdog and the next look."""
PUBLISHED_WITHIN_S = 6.0
"""How long after daemon and broker found each other everything stands at the broker."""
FLOW_ALARMS = (ConditionId.OVER_HARD, ConditionId.FLOW_CEILING)
JUDGED_READINGS = 6
"""A limit is broken when 2 of 3 readings break it; so many in a row leave no doubt."""
OPENED_WITHIN_S = 10.0
"""How long after the disk is well a journal that could not be opened is."""


@dataclass(slots=True)
class _Steady:
    """The alarms of one owner and since when they are so; what comes and goes between looks is unseen."""

    marks: Mapping[str, Mark]
    since_s: float
    told: Mapping[str, Mark]
    told_since_s: float
    odd_since_s: float | None = None
    """Since when the broker keeps something else."""


@dataclass(slots=True)
class _Ending:
    """An alarm that is no longer there: its end must be told."""

    by_s: float
    whose: Whose
    condition: str
    revision: int


@dataclass(slots=True)
class _Boot:
    """What is known of one run of the daemon."""

    app: App | None = None
    steady: dict[Whose, _Steady] = field(default_factory=dict)
    endings: list[_Ending] = field(default_factory=list)
    ended: dict[tuple[Whose, str], int] = field(default_factory=dict)
    """The highest revision of each alarm whose end was told: it may have worsened since it was looked at."""
    owed: dict[tuple[Whose, str], LastChange] = field(default_factory=dict)
    """What was on disk when the journal could not be opened."""
    owed_from_s: float | None = None


class AlarmsJudge:
    """Follows every alarm from the daemon's state to the disk and to the broker, and over restarts."""

    def __init__(self, hospital: Hospital, broken: Broken) -> None:
        self._hospital = hospital
        self._broken = broken
        self._disk = JournalLines(hospital.journal_file)
        self._boot = _Boot()
        self._well_since_s: float | None = None
        self._asked: set[tuple[Whose, str, int]] = set()
        self._taken_off: set[Whose] = set()  # whoever takes a pump off the line has its lost link
        self._ended: dict[str, dict[tuple[Whose, str], int]] = {}  # by boot
        self._priorities: dict[tuple[Whose, str, int], str] = {}
        self._flows: dict[Channel, deque[int]] = {}
        self._seen: dict[tuple[Channel | None, str], int] = {}
        """The highest of the last flows, in nL/h, when somebody said "I have it"."""
        self._snapshots: dict[str, tuple[bytes, dict[str, Mark]]] = {}
        self._alone: dict[str, set[str]] = {}
        """As of this look: pump and channel -> the conditions that stand on topics of their own."""

    def close(self) -> None:
        """Let go of the disk."""
        self._disk.close()

    # --- what is said ---------------------------------------------------------------------------------

    def told(self, event: EventPayload) -> None:
        """Take an event as the daemon lets it out."""
        alarm = event.alarm
        if alarm is None:
            return
        whose = None if event.pump is None else (event.pump, event.channel or "1")
        key = (whose, alarm.condition, alarm.revision)
        if alarm.signal == "off":
            ended = self._ended.setdefault(event.boot_id, {})
            ended[whose, alarm.condition] = max(ended.get((whose, alarm.condition), 0), alarm.revision)
        if event.event in {"raise", "worsen"}:
            self._priorities[key] = alarm.priority
            self._seen.pop((whose, alarm.condition), None)
        elif event.event == "clear":
            # A lost link may end so: the pump's counter then accounts for the gap.
            seen_to = alarm.suppressed_by or alarm.condition == ConditionId.LINK_LOST.value
            unseen = event.before != "acknowledged" and not seen_to
            if alarm.priority == "HIGH" and alarm.signal == "off" and unseen:
                where = f"{_words(whose)} {alarm.condition}, revision {alarm.revision}"
                self._broken.tell("INV-4", "a HIGH alarm ended that nobody had seen", where)
        elif event.event == "acknowledge":
            where = f"{_words(whose)} {alarm.condition}, revision {alarm.revision}"
            with_its_pump = alarm.condition == ConditionId.LINK_LOST.value and whose in self._taken_off
            if key not in self._asked and not with_its_pump:
                self._broken.tell("INV-4", "an acknowledgement is of what nobody acknowledged", where)
            elif self._priorities.get(key, alarm.priority) != alarm.priority:
                self._broken.tell("INV-4", "an acknowledgement hides a worse alarm", where)
            elif whose is not None:
                self._seen[whose, alarm.condition] = max(self._flows.get(whose, (0,)))

    def read(self, row: HistoryRow) -> None:
        """Take a reading: a flow, given or set, that is worse than the acknowledged one is told anew."""
        reading = row.telemetry
        parts = (reading.flow, reading.set_flow)[: 1 + (reading.status is PumpStatus.RUNNING)]
        if not (told_nl_h := [part.value.nl_per_h for part in parts if part.value is not None]):
            return
        whose = (str(reading.pump), str(reading.channel))
        flows = self._flows.setdefault(whose, deque(maxlen=JUDGED_READINGS))
        flows.append(max(told_nl_h))
        for condition in FLOW_ALARMS:
            seen_nl_h = self._seen.get((whose, condition.value))
            if seen_nl_h is None or len(flows) < JUDGED_READINGS or min(flows) * 10 <= seen_nl_h * 12:
                continue
            live = (app := self._hospital.begun) and app.ward.pumps.get((reading.pump, reading.channel))
            alarm = live and live.state.alarms.get(condition)
            if alarm and alarm.signal is AlarmSignal.ACKNOWLEDGED:
                where = f"{_words(whose)} {condition.value}: seen at {seen_nl_h} nL/h, now {flows[-1]}"
                self._broken.tell("INV-4", "an acknowledged alarm hides a flow that is worse", where)

    def heard(self, topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001 - as Heard
        """Take a message that reached the broker."""
        if topic.endswith("/command/off-line"):
            asked = command_in(payload)
            self._taken_off.add((asked["pump"], asked["channel"]))
        elif topic.endswith(("/command/acknowledge", "/command/accept")):
            asked = command_in(payload)
            whose = None if asked["pump"] is None else (asked["pump"], asked["channel"])
            self._asked.add((whose, asked["condition"], asked["revision"]))
        elif topic.endswith("/event"):
            event = parsed(payload)
            if event["journalled"] and not self._disk.has_event(event["id"]):
                self._broken.tell("INV-4", "an event was on the network before it was on disk", event["id"])
        elif topic.endswith("/snapshot") and payload:
            self._said_on_disk(parsed(payload))

    def _said_on_disk(self, snapshot: dict[str, Any]) -> None:
        whose = (snapshot["pump"], snapshot["channel"])
        for alarm in snapshot["alarms"]:
            mark = (whose, alarm["condition"], alarm["revision"], alarm["signal"])
            if alarm["journalled"] and not self._disk.has_change(mark):
                where = f"{_words(whose)} {alarm['condition']} {alarm['signal']}"
                self._broken.tell("INV-4", "an alarm is said to be on disk and is not", where)

    # --- what stands ----------------------------------------------------------------------------------

    def look(self) -> None:
        """Check that the daemon, the disk and the broker agree on what is alarmed."""
        app, now_s = self._hospital.begun, self._hospital.now_s()
        if app is not self._boot.app:
            self._booted(app)
        self._follow_broker(now_s)
        if app is None:
            return
        self._alone = _on_topics(self._hospital.broker.retained)
        for whose, state, told in _owners(app):
            self._follow(whose, _marks(state), _marks(told), now_s)
        self._follow_endings(now_s)
        self._settle_owed(app, now_s)

    def _booted(self, app: App | None) -> None:
        self._boot = _Boot(app, ended={} if app is None else self._ended.setdefault(app.ward.boot_id, {}))
        if app is None:
            return
        state = {whose: alarms for whose, alarms, _ in _owners(app)}
        standing = {key: change for key, change in self._disk.last().items() if change.signal != "off"}
        if self._hospital.journal_fault:
            self._boot.owed = standing
            return
        for (whose, condition), change in standing.items():
            mark = _marks(state.get(whose, {})).get(condition)
            if mark is None and whose is None:  # the machine is looked at before anybody can look here
                by_s = self._hospital.now_s() + TOLD_WITHIN_S
                self._boot.endings.append(_Ending(by_s, whose, condition, change.revision))
            elif mark != (change.revision, change.signal):
                where = f"{_words(whose)} {condition}: {change.signal} on disk, {mark} after the start"
                self._broken.tell("INV-4", "an alarm did not survive a restart", where)

    def _follow(self, whose: Whose, marks: dict[str, Mark], told: dict[str, Mark], now_s: float) -> None:
        steady = self._boot.steady.get(whose)
        if steady is None:
            self._boot.steady[whose] = _Steady(marks, now_s, told, now_s)
            return
        if steady.told != told:
            steady.told, steady.told_since_s = told, now_s
        if steady.marks != marks:
            for condition, (revision, _) in steady.marks.items():
                if condition not in marks:
                    self._boot.endings.append(_Ending(now_s + TOLD_WITHIN_S, whose, condition, revision))
            steady.marks, steady.since_s = marks, now_s
        both_since_s = max(steady.since_s, steady.told_since_s)
        if now_s - both_since_s > TOLD_WITHIN_S and told != marks:
            where = f"{_words(whose)}: alarmed are {marks}, told {told}"
            self._broken.tell("INV-4", "the alarms that are told are not those that are", where)
        if whose is None or self._well_since_s is None:
            return
        kept = self._kept(whose)
        if kept == marks:
            steady.odd_since_s = None
            return
        steady.odd_since_s = now_s if steady.odd_since_s is None else steady.odd_since_s
        if now_s - max(both_since_s, steady.odd_since_s, self._well_since_s) > PUBLISHED_WITHIN_S:
            where = f"{_words(whose)}: alarmed are {marks}, the broker keeps {kept}"
            self._broken.tell("INV-4", "the alarms at the broker are not those that are", where)

    def _kept(self, whose: Channel) -> dict[str, Mark]:
        """Return what the broker keeps of one channel's alarms, in snapshot and on topics of their own."""
        topic = f"{self._hospital.topics.prefix}/pump/{whose[0]}/{whose[1]}"
        payload = self._hospital.broker.retained.get(f"{topic}/snapshot", b"")
        known = self._snapshots.get(topic)
        if known is None or known[0] is not payload:
            alarms = parsed(payload)["alarms"] if payload else []
            known = payload, {a["condition"]: (a["revision"], a["signal"]) for a in alarms}
            self._snapshots[topic] = known
        alone = self._alone.get(topic, set())
        return known[1] if alone == set(known[1]) else dict.fromkeys(alone, (0, "on a topic of its own"))

    def _follow_broker(self, now_s: float) -> None:
        broker = self._hospital.broker
        there = broker.up and not broker.frozen and self._hospital.session_name in broker.sessions
        since_s = now_s if self._well_since_s is None else self._well_since_s
        self._well_since_s = since_s if there else None

    def _follow_endings(self, now_s: float) -> None:
        due = [ending for ending in self._boot.endings if ending.by_s <= now_s]
        self._boot.endings = [ending for ending in self._boot.endings if ending.by_s > now_s]
        for ending in due:
            if self._boot.ended.get((ending.whose, ending.condition), 0) < ending.revision:
                where = f"{_words(ending.whose)} {ending.condition}, revision {ending.revision}"
                self._broken.tell("INV-4", "an alarm vanished and nobody was told", where)

    def _settle_owed(self, app: App, now_s: float) -> None:
        boot = self._boot
        if not boot.owed:
            return
        if self._hospital.journal_fault:
            boot.owed_from_s = None
            return
        boot.owed_from_s = now_s if boot.owed_from_s is None else boot.owed_from_s
        if now_s - boot.owed_from_s < OPENED_WITHIN_S:
            return
        state = {whose: alarms for whose, alarms, _ in _owners(app)}
        for key in boot.owed:
            if key[1] not in _marks(state.get(key[0], {})) and key not in boot.ended:
                where = f"{_words(key[0])} {key[1]}"
                self._broken.tell("INV-4", "an alarm did not come back with the journal", where)
        boot.owed = {}


def _owners(app: App) -> Iterator[tuple[Whose, Alarms, Alarms]]:
    """Yield each owner of alarms with those it has and those that the network may know of."""
    for (pump, channel), live in app.ward.pumps.items():
        yield (str(pump), str(channel)), live.state.alarms, live.told.alarms
    yield None, app.ward.site_state.alarms, app.ward.told.alarms


def _marks(alarms: Alarms) -> dict[str, Mark]:
    return {c.value: (alarm.revision, alarm.signal.value) for c, alarm in alarms.items()} if alarms else {}


def _on_topics(retained: Iterable[str]) -> dict[str, set[str]]:
    """Return the conditions that stand on topics of their own, by what stands in front of ``/alarm/``."""
    found: dict[str, set[str]] = {}
    for topic in retained:
        owner, alarm, condition = topic.partition("/alarm/")
        if alarm:
            found.setdefault(owner, set()).add(condition)
    return found


def _words(whose: Whose) -> str:
    return "the node" if whose is None else f"{whose[0]}/{whose[1]}"
