"""A recording as a scenario: what people, pump and wire did becomes its timeline, what was raised its checks.

What a reading does not show can not be told: how the pump is built, what its reservoir held, which key was
pressed. Expectations are those of the recording, so a scenario that fails says where the story differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pumpd.contract.payloads import EventPayload
from pumpd.core.conditions import ConditionId
from pumpd.core.off_line import off_line_until
from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus, Telemetry
from pumpd.qa.comparison import troubles
from pumpd.qa.recorded_infusions import BY, RecordedInfusions
from pumpd.qa.replay import Replayed
from pumpd.qa.scenario import Scenario
from pumpd.qa.scenario_text import write_scenario
from pumpd.qa.whole_file import write_whole
from pumpd.store.recording import Kind, Recording

WINDOW_S = 5.0
"""How far from its recorded time an alarm may be raised: what people did is known to two readings only."""
_OWN = {PumpAlarm.NEAR_END, PumpAlarm.END, PumpAlarm.EMPTY}
"""What a simulated pump comes to by itself, when its volume is in."""
_KEPT = (
    *("id", "url", "driver", "channels", "bed", "ward", "poll_interval_s", "stale_after_s", "enforcement"),
    *("ceiling", "programme"),
)
_STANDS = (PumpStatus.STOPPED, PumpStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class _Story:
    """What a scenario is made from."""

    recording: Recording
    events: list[tuple[float, EventPayload]]
    """Seconds since the beginning, and what was decided."""
    readings: dict[tuple[str, str], list[Telemetry]]

    def at_s(self, at_ns: int) -> float:
        return max(0.0, (at_ns - self.recording.began_ns) / NS_PER_S)


def write_recorded_scenario(recording: Recording, replayed: Replayed, library: Path, file: Path) -> list[str]:
    """Write the scenario of ``recording``; ``library`` is the file of its drug library.

    Returns what it leaves out; ValueError when what was recorded can not be a scenario.
    """
    readings: dict[tuple[str, str], list[Telemetry]] = {}
    for row in replayed.readings:
        readings.setdefault((row.telemetry.pump, row.telemetry.channel), []).append(row.telemetry)
    events = [(r.at_ns, EventPayload.model_validate_json(r.payload)) for r in recording.of(Kind.EVENT)]
    began_ns = recording.began_ns
    story = _Story(recording, [((at - began_ns) / NS_PER_S, event) for at, event in events], readings)
    infusions = RecordedInfusions(recording)
    expect = [*infusions.checks(), *_expected(story), {"check": "nothing-else"}]
    lines = (*_hands(story), *_commands(story), *infusions.lines(), *_wire(story))
    timeline = sorted(lines, key=lambda event: event["at_s"])
    begins_under = library
    if infusions.older:
        begins_under = file.with_name(f"{file.stem}-older-library.yaml")
        write_whole(begins_under, infusions.older.encode())
        for line in timeline:
            if line["action"] == "replace-library":
                line["library"] = str(library.resolve())
    reaches_s = [check["after_s"] + check["within_s"] for check in expect if "within_s" in check]
    pumps = [_pump(story, told["section"]) for told in recording.head["pumps"]]
    scenario = Scenario.model_validate(
        {
            "title": f"Recorded: {', '.join(pump['id'] for pump in pumps)}"[:80],
            "story": f"Made from a flight recording of pumpd {recording.head['program']}.",
            "duration_s": max([round(story.at_s(recording.ended_ns) + 1, 3), *reaches_s]),
            "library": str(begins_under),
            "pumps": pumps,
            "timeline": timeline,
            "expect": expect,
        }
    )
    write_scenario(scenario, begins_under, file)
    return [*_left_out(story), *infusions.left_out]


def _pump(story: _Story, section: dict[str, Any]) -> dict[str, Any]:
    pump: dict[str, Any] = {key: section[key] for key in _KEPT if section.get(key) not in (None, [])}
    if "programme" in pump:
        pump["programme"] = {key: value for key, value in section["programme"].items() if value is not None}
    channels: dict[str, Any] = {}
    for (whose, channel), seen in story.readings.items():
        if whose == section["id"]:
            channels[channel] = _start(seen[0])
    pump["simulated"] = {"channels": channels} if channels else {"absent": True}
    return pump


def _start(first: Telemetry) -> dict[str, Any]:
    """Return how a channel is at the beginning."""
    rate = first.set_flow.value or first.flow.value
    start: dict[str, Any] = {"running": first.status.delivers}
    if rate is not None and rate.nl_per_h:
        start["rate"] = str(rate)
    to_come = first.volume_to_be_infused.value
    if to_come is not None and to_come.nl:
        start["to_be_infused"] = str(to_come)
        start["reservoir"] = str(to_come)
    return start


def _hands(story: _Story) -> Iterator[dict[str, Any]]:
    """Yield what a hand at the pump, or the pump itself, did between two readings."""
    for (pump, channel), seen in story.readings.items():
        for before, after in pairwise(seen):
            at_s = round((story.at_s(before.taken_ns) + story.at_s(after.taken_ns)) / 2, 3)
            for action in _between(story, before, after):
                yield {"at_s": at_s, "pump": pump, "channel": channel, **action}


def _between(story: _Story, before: Telemetry, after: Telemetry) -> Iterator[dict[str, Any]]:
    if after.set_flow.value not in {before.set_flow.value, None}:
        yield {"action": "set-rate", "rate": str(after.set_flow.value)}
    raised, ended = after.alarms - before.alarms, before.alarms - after.alarms
    yield from ({"action": "alarm", "alarm": a.value} for a in _told(raised - _OWN - {PumpAlarm.OTHER}))
    if ended and not after.alarms:
        yield {"action": "clear"}
    unknown = PumpStatus.UNKNOWN
    if after.status is unknown and before.status is not unknown:
        place = f"channels.{after.channel}.status"
        yield {"action": "show", "path": place, "words": [int(after.raw_status)]}
    elif before.status is unknown and after.status is not unknown:
        yield {"action": "show-again", "path": f"channels.{after.channel}.status"}
    elif after.status is PumpStatus.RUNNING and not before.status.delivers:
        yield {"action": "start"}
    elif after.status in _STANDS and before.status.delivers and not after.alarms:
        yield from () if _paused_by_pumpd(story, before, after) else ({"action": "stop"},)


def _told(alarms: frozenset[PumpAlarm]) -> list[PumpAlarm]:
    return sorted(alarms, key=lambda alarm: alarm.value)


def _paused_by_pumpd(story: _Story, before: Telemetry, after: Telemetry) -> bool:
    """Return whether a pause went out between two readings, or while the second was taken."""
    since_s, until_s = story.at_s(before.taken_ns), story.at_s(after.taken_ns + after.span_ns)
    return any(
        event.kind == "restraint"
        and event.event in {"pause-sent", "pause-not-confirmed"}
        and (event.pump, event.channel) == (after.pump, after.channel)
        and since_s <= at_s <= until_s
        for at_s, event in story.events
    )


def _commands(story: _Story) -> Iterator[dict[str, Any]]:
    """Yield what people asked of pumpd."""
    for at, (at_s, event) in enumerate(story.events):
        whose = {"pump": event.pump, "channel": event.channel, "by": BY}
        if event.kind == "alarm" and event.alarm is not None and event.event == "acknowledge":
            behind = story.events[at + 1 : at + 2]
            if not any(_accepts(then) and _same_alarm(then, event) for _, then in behind):
                yield {"at_s": at_s, "action": "acknowledge", "alarm": event.alarm.condition, **whose}
        elif event.alarm is not None and event.by and event.alarm.condition == ConditionId.OFF_LINE.value:
            if event.event != "clear":  # no line puts a pump back on the line
                for_s = (off_line_until(event.alarm.allowed) - event.at).total_seconds()
                yield {"at_s": at_s, "action": "off-line", "for_s": for_s, **whose}
        elif event.alarm is not None and _accepts(event):
            yield {"at_s": at_s, "action": "accept", "alarm": event.alarm.condition, **whose}
        elif event.kind == "alarm" and event.by and event.alarm is not None:
            quiet = event.alarm.inactivation
            how_long = {} if quiet is None else {"for_s": (quiet.until - quiet.at).total_seconds()}
            yield {"at_s": at_s, "action": event.event, "alarm": event.alarm.condition, **how_long, **whose}
        elif event.kind == "restraint" and event.event == "asked" and event.by:
            yield {"at_s": at_s, "action": "pause-pump", **whose}


def _accepts(event: EventPayload) -> bool:
    """Return whether a person ended the alarm of a soft limit: it was accepted."""
    return event.kind == "alarm" and event.event == "clear" and bool(event.by)


def _same_alarm(one: EventPayload, other: EventPayload) -> bool:
    assert one.alarm is not None
    assert other.alarm is not None
    of_one, of_other = ((e.pump, e.channel, e.alarm.condition, e.at) for e in (one, other) if e.alarm)
    return of_one == of_other


def _wire(story: _Story) -> Iterator[dict[str, Any]]:
    """Yield when the line was gone, and when a pump did not answer or answered badly."""
    recording = story.recording
    pumps = [told["section"]["id"] for told in recording.head["pumps"]]
    for record in recording.of(Kind.LOST):
        yield {"at_s": story.at_s(record.at_ns), "pump": pumps[0], "action": "unplug"}
    lost = False
    for record in recording.of(Kind.LOST, Kind.OPENED):
        if record.kind is Kind.OPENED and lost:
            yield {"at_s": round(story.at_s(record.at_ns) - 0.01, 3), "pump": pumps[0], "action": "plug"}
        lost = record.kind is Kind.LOST
    arrived_s = [story.at_s(record.at_ns) for record in recording.of(Kind.IN)]
    for pump in pumps:
        failed = [t for t in troubles(recording) if t.pump == pump and t.what != "TransportError"]
        taken_s = sorted(
            {
                story.at_s(one.taken_ns)
                for (whose, _), seen in story.readings.items()
                for one in seen
                if whose == pump
            }
        )
        gaps = pairwise([0.0, *taken_s, story.at_s(recording.ended_ns)])
        for begins_s, ends_s in gaps:
            inside = [t for t in failed if begins_s < story.at_s(t.at_ns) < ends_s]
            if inside:
                came = any(begins_s + 0.5 < at_s < ends_s for at_s in arrived_s) and len(pumps) == 1
                yield _fault(pump, begins_s, ends_s, inside[0].what, came=came)


def _fault(pump: str, begins_s: float, ends_s: float, what: str, *, came: bool) -> dict[str, Any]:
    silent = what == "LinkTimeoutError" and not came
    kind = "exception" if what == "DeviceRefusedError" else "silence" if silent else "damage"
    at_s = round(begins_s + 0.3, 3)
    for_s = round(max(ends_s - at_s - 0.05, 0.05), 3)
    return {"at_s": at_s, "pump": pump, "action": "fault", "kind": kind, "for_s": for_s}


def _expected(story: _Story) -> Iterator[dict[str, Any]]:
    """Yield a check for everything that people were told, and for every pause that worked."""
    for at_s, event in story.events:
        whose = {"pump": event.pump, "channel": event.channel}
        since_s = round(max(0.0, at_s - WINDOW_S), 3)
        when = {"after_s": since_s, "within_s": round(at_s + WINDOW_S - since_s, 3)}
        if event.kind == "restraint" and event.event == "paused":
            yield {"check": "paused", **whose, **when}
        elif event.alarm is not None and event.event in {"raise", "worsen"} and event.alarm.signal == "on":
            alarm = {"alarm": event.alarm.condition, "priority": event.alarm.priority}
            yield {"check": "raised", **whose, **alarm, **when}


def _left_out(story: _Story) -> Iterator[str]:
    """Yield what the readings show that no timeline can say."""
    for _, event in story.events:
        off_line = event.alarm is not None and event.alarm.condition == ConditionId.OFF_LINE.value
        if off_line and event.event == "clear" and event.by:
            yield f"{event.pump}/{event.channel} was put back on the line: no line of a timeline says so"
    for (pump, channel), seen in story.readings.items():
        for status in (PumpStatus.PRIMING, PumpStatus.FLUSHING, PumpStatus.BOLUS):
            if any(one.status is status for one in seen):
                yield f"{pump}/{channel} was {status.value}: no reading tells how much was given; add it"
        if any(PumpAlarm.OTHER in one.alarms for one in seen):
            yield f"{pump}/{channel} told an alarm that its map does not name; add it by hand"
