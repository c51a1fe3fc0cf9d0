"""What a person who is not at a screen is told, in words and as facts for programs."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from pumpd.channels.base import Message
from pumpd.core.alarms import Alarm
from pumpd.core.conditions import AlarmPriority
from pumpd.core.telemetry import Provenance
from pumpd.daemon.seams import LivePump, Ward

ADVISORY = "pumpd is a second pair of eyes, not a primary alarm. Look at the pump."
DEMO = "DEMO, NO PATIENT"
Told = tuple[LivePump | None, Alarm]
"""An alarm, and the channel that it is of; None: of the node."""


def alarm_message(
    ward: Ward, message_id: str, live: LivePump | None, alarm: Alarm, *, show_label: bool
) -> Message:
    """Return what is said of one alarm; the patient label only when ``show_label``."""
    where = _where(ward, live)
    demo = _demo(ward, live)
    subject = f"{alarm.priority.name} {where}: {alarm.title}"
    label = live.place.label if live is not None and show_label else ""
    facts: dict[str, str | bool] = {
        **_facts(ward, demo=demo),
        "condition": alarm.condition.value,
        "priority": alarm.priority.name,
        "title": alarm.title,
        "action": alarm.action,
        "since": alarm.since.isoformat(timespec="seconds"),
    }
    if live is not None:
        facts |= {"pump": live.pump, "channel": live.channel, "bed": live.place.bed, "ward": live.place.ward}
    if label:
        facts["label"] = label
    lines = [
        alarm.title,
        alarm.action,
        "",
        f"where: {where}" + (f", ward {live.place.ward}" if live is not None and live.place.ward else ""),
        *([f"patient: {label}"] if label else []),
        f"since: {alarm.since.isoformat(timespec='seconds')}",
        'Nobody has said "I have it".',
    ]
    return _message(message_id, subject, lines, facts, demo=demo)


def summary_message(ward: Ward, message_id: str, told: Sequence[Told], flood_count: int) -> Message:
    """Return one message for many alarms, while they come faster than one can read them."""
    counts = Counter(alarm.priority for _, alarm in told)
    words = ", ".join(f"{counts[p]} {p.name}" for p in reversed(AlarmPriority) if counts[p])
    places = list(dict.fromkeys(_where(ward, live) for live, _ in told))
    demo = all(_demo(ward, live) for live, _ in told)
    subject = f"{flood_count} new alarms in 10 minutes; nobody has {words}"
    facts: dict[str, str | bool] = {**_facts(ward, demo=demo), "summary": True, "where": ", ".join(places)}
    lines = [
        f"Nobody has {words} of them.",
        f"where: {', '.join(places)}",
        "Look at the screen: each is there.",
    ]
    return _message(message_id, subject, lines, facts, demo=demo)


def test_message(ward: Ward, contact: str, by: str, at: datetime) -> Message:
    """Return a message that nobody can take for an alarm."""
    subject = f"TEST, NO ALARM: {by} tries whether {contact} can be reached"
    facts = {**_facts(ward, demo=False), "test": True, "contact": contact}
    lines = [
        "This is a test. There is no alarm.",
        f"Asked for by {by} at {at.isoformat(timespec='seconds')}, node {ward.node} of {ward.site}.",
    ]
    return _message(uuid.uuid4().hex, subject, lines, facts, demo=False)


def _message(
    message_id: str, subject: str, lines: Sequence[str], facts: dict[str, str | bool], *, demo: bool
) -> Message:
    marked = f"{DEMO}: {subject}" if demo else subject
    text = "\n".join([*([DEMO] if demo else []), *lines, "", ADVISORY, ""])
    return Message(message_id, " ".join(marked.split()), text, facts)


def _facts(ward: Ward, *, demo: bool) -> dict[str, str | bool]:
    return {"advisory": True, "test": False, "demo": demo, "site": ward.site, "node": ward.node}


def _where(ward: Ward, live: LivePump | None) -> str:
    if live is None:
        return f"node {ward.node}"
    return f"bed {live.place.bed} ({live.pump})" if live.place.bed else str(live.pump)


def _demo(ward: Ward, live: LivePump | None) -> bool:
    """Return whether no patient is concerned: the node's own alarms are of all its pumps."""
    concerned = ward.pumps.values() if live is None else (live,)
    return all(pump.state.setup.provenance is Provenance.DEMO for pump in concerned)
