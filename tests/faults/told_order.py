"""Judges a trace of system calls: what a broker was sent against what was on disk by then.

Reads MQTT by itself (MQTT 3.1.1, 2.2 and 3.3) and imports nothing of pumpd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.system_calls import Call, on_disk

LOG = "journal.db-wal"
_ID = re.compile(rb'"id":"([^"]+)"')
_PUBLISH = 3

Key = tuple[str | None, str, int, str]
"""Pump (None: the node), condition, revision and signal: one state of one alarm."""


@dataclass(slots=True)
class Verdict:
    """What was sent unmarked, and every sentence on one that was not on disk when its sending began."""

    events: int = 0
    alarms: int = 0
    """States of alarms in retained topics."""
    wrong: list[str] = field(default_factory=list)


def publications(seen: Sequence[Call], port: int) -> Iterator[tuple[int, str, Any]]:
    """Yield (place, topic, payload) of all that was published to the broker at ``port``.

    The place is that of the call that began to send it. ValueError where the trace was cut short.
    """
    streams: dict[str, tuple[bytes, list[tuple[int, int]]]] = {}
    for call in seen:
        if not call.on.endswith(f"->127.0.0.1:{port}]") or call.result is None or call.result <= 0:
            continue
        if len(call.given) < call.result:
            raise ValueError(f"{call.name} at {call.begun}: only {len(call.given)} of {call.result} bytes")
        stream, starts = streams.get(call.on, (b"", []))
        starts.append((len(stream), call.begun))
        streams[call.on] = stream + call.given[: call.result], starts
    for stream, starts in streams.values():
        at = 0
        while at < len(stream):
            place = max(begun for start, begun in starts if start <= at)
            head, at = stream[at], at + 1
            length = shift = 0
            while True:
                length |= (stream[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if stream[at - 1] < 0x80:
                    break
            body, at = stream[at : at + length], at + length
            if head >> 4 != _PUBLISH:
                continue
            topic_end = 2 + int.from_bytes(body[:2], "big")
            payload = body[topic_end + (2 if head & 0x06 else 0) :]
            if payload:
                yield place, body[2:topic_end].decode(), json.loads(payload)


def judged(seen: Sequence[Call], port: int) -> Verdict:
    """Return what is to be said of a whole trace: each event and alarm not marked ``journalled: false``."""
    since: dict[str, int] = {}
    for call, place in on_disk(seen, LOG):
        if place is not None:
            for name in _ID.findall(call.given):
                since.setdefault(name.decode(), place)
    sent = sorted(publications(seen, port), key=lambda one: one[0])
    verdict, kept = Verdict(), dict[Key, int]()
    for place, topic, payload in sent:
        if not topic.endswith("/event"):
            continue
        on_disk_at = since.get(payload["id"])
        if payload["alarm"] and on_disk_at is not None:
            kept.setdefault(_key(payload["pump"], payload["alarm"]), on_disk_at)
        if payload["journalled"]:
            verdict.events += 1
            _hold(verdict, place, on_disk_at, f"event {payload['id']}")
    for place, topic, payload in sent:
        for pump, alarm in _standing(topic, payload):
            if alarm["journalled"]:
                verdict.alarms += 1
                key = _key(pump, alarm)
                _hold(verdict, place, kept.get(key), f"{topic}: {key}")
    return verdict


def _hold(verdict: Verdict, place: int, on_disk_at: int | None, what: str) -> None:
    if on_disk_at is None or on_disk_at > place:
        when = "never" if on_disk_at is None else f"only from {on_disk_at}"
        verdict.wrong.append(f"{what}: sent at {place}, on disk {when}")


def _key(pump: str | None, alarm: dict[str, Any]) -> Key:
    return pump, alarm["condition"], alarm["revision"], alarm["signal"]


def _standing(topic: str, payload: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield (pump, alarm) of every alarm that a retained topic tells."""
    if topic.endswith("/event"):
        return
    if isinstance(payload.get("alarm"), dict):
        yield payload["pump"], payload["alarm"]
    for alarm in payload.get("alarms", ()):
        yield payload.get("pump"), alarm
