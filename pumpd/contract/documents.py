"""The contract as documents for other programs: a JSON Schema per payload, and AsyncAPI over all of them.

Written into ``docs/mqtt/`` by ``python -m pumpd.contract.documents DIRECTORY``; a test holds them equal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pumpd.contract.envelope import SignedPayload
from pumpd.contract.parts import Payload
from pumpd.contract.payloads import (
    AlarmPayload,
    EventPayload,
    NodeStatusPayload,
    PresencePayload,
    ReplyPayload,
    SnapshotPayload,
    TelemetryPayload,
)
from pumpd.contract.topics import SCHEMA_VERSION, Topics
from pumpd.contract.verbs import VERBS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SITE = "SITE"
_NAMES = {
    "site": "the hospital or clinic",
    "node": "one daemon",
    "pump": "asset number",
    "channel": "channel",
}
_NAMES |= {
    "condition": "id of an alarm condition",
    "command": "id of a command",
    "dashboard": "one dashboard",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of topic: its address with parameters in braces, and what travels on it."""

    name: str
    address: str
    payload: type[Payload]
    qos: int
    retained: bool
    sent_by: str
    """``node`` or ``dashboard``."""
    signed: bool = False
    """The payload travels as text inside a ``signed`` one."""


_T = Topics(_SITE)
CHANNELS = (
    Channel("node-status", _T.node_status("{node}"), NodeStatusPayload, 1, True, "node"),
    Channel("telemetry", _T.node_telemetry("{node}"), TelemetryPayload, 0, False, "node"),
    Channel("snapshot", _T.snapshot("{pump}", "{channel}"), SnapshotPayload, 1, True, "node"),
    Channel("alarm", _T.alarm("{pump}", "{channel}", "{condition}"), AlarmPayload, 1, True, "node"),
    Channel("event", _T.node_event("{node}"), EventPayload, 1, False, "node"),
    *(
        Channel(verb, _T.command("{node}", verb), payload, 1, False, "dashboard", signed=True)
        for verb, payload in VERBS.items()
    ),
    Channel("reply", _T.reply("{node}", "{command}"), ReplyPayload, 1, False, "node"),
    Channel("presence", _T.presence("{dashboard}"), PresencePayload, 1, True, "dashboard"),
)
"""Every kind of topic of this schema version."""
SIGNED = "signed"
"""What every command travels in."""


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _first_sentence(model: type[Payload]) -> str:
    return " ".join((model.__doc__ or "").split()).replace("``", "`")


def _asyncapi() -> dict[str, Any]:
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for channel in CHANNELS:
        address = channel.address.replace(f"/{_SITE}/", "/{site}/")
        parameters = [part[1:-1] for part in address.split("/") if part.startswith("{")]
        channels[channel.name] = {
            "address": address,
            "parameters": {name: {"description": _NAMES[name]} for name in parameters},
            "messages": {
                channel.name: {
                    "contentType": "application/json",
                    "summary": _first_sentence(channel.payload),
                    "payload": {
                        "schemaFormat": f"application/schema+json;version={_DIALECT.split('/')[-2]}",
                        "schema": {"$ref": f"./{SIGNED if channel.signed else channel.name}.schema.json"},
                    },
                }
            },
        }
        operations[f"send-{channel.name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{channel.name}"},
            "summary": f"Sent by a {channel.sent_by}.",
            "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retained, "bindingVersion": "0.2.0"}},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "pumpd over MQTT",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": "What a pumpd node tells and takes over MQTT 3.1.1. Advisory: a second pair of "
            "eyes, not a primary alarm. Readers pass over keys they do not know.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def documents() -> dict[str, str]:
    """Return every document by file name."""
    made = {"asyncapi.json": _text(_asyncapi())}
    payloads: dict[str, type[Payload]] = {each.name: each.payload for each in CHANNELS}
    payloads[SIGNED] = SignedPayload
    for name, payload in payloads.items():
        schema = {"$schema": _DIALECT, "$id": f"{name}.schema.json", **payload.model_json_schema()}
        if name in VERBS:
            schema["description"] += f" As text in ``command`` of ``{SIGNED}.schema.json``."
        made[f"{name}.schema.json"] = _text(schema)
    return made


def write(directory: Path) -> None:
    """Write every document into ``directory``."""
    for name, text in documents().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
