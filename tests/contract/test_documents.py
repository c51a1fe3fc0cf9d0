"""The documents in docs/mqtt/ are what the code speaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pumpd.contract import infusion_payloads, payloads, ports, quieting
from pumpd.contract.documents import CHANNELS, documents
from pumpd.contract.parts import Payload
from pumpd.contract.topics import Topics
from pumpd.contract.verbs import VERBS

DIRECTORY = Path(__file__).parents[2] / "docs" / "mqtt"
pytestmark = pytest.mark.requirement("MQTT-4")


def test_the_documents_are_up_to_date():
    """Each file is what the generator writes now, and no other schema lies beside them."""
    found = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.json")}
    assert found == documents(), "run: python -m pumpd.contract.documents docs/mqtt"


def test_every_payload_and_every_verb_is_in_them():
    """A payload model or a command that nobody documents is found here."""
    models = {
        model
        for module in (payloads, ports, quieting, infusion_payloads)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Payload) and not model.__subclasses__()
    }
    assert {channel.payload for channel in CHANNELS} == models
    assert {c.name: c.payload for c in CHANNELS if "/command/" in c.address} == VERBS


def test_addresses_are_those_of_the_topics():
    """With the braces filled in, each address is what the code publishes or subscribes to."""
    topics = Topics("s")
    wanted = {
        "node-status": topics.node_status("n"),
        "telemetry": topics.node_telemetry("n"),
        "snapshot": topics.snapshot("p", "1"),
        "alarm": topics.alarm("p", "1", "kvo"),
        "event": topics.node_event("n"),
        **{verb: topics.command("n", verb) for verb in VERBS},
        "reply": topics.reply("n", "c-1"),
        "presence": topics.presence("d"),
    }
    given = {"site": "s", "node": "n", "pump": "p", "channel": "1", "condition": "kvo", "command": "c-1"}
    channels = json.loads(documents()["asyncapi.json"])["channels"]
    assert {name: c["address"].format(dashboard="d", **given) for name, c in channels.items()} == wanted
    assert all(set(c["parameters"]) <= {*given, "dashboard"} for c in channels.values())


def test_nothing_that_may_not_be_retained_is():
    """Commands, replies, events and readings are never kept by a broker; state is."""
    retained = {channel.name for channel in CHANNELS if channel.retained}
    assert retained == {"node-status", "snapshot", "alarm", "presence"}


def test_every_reference_leads_somewhere():
    """Each $ref of each document points at a file or a place that exists."""
    made = {name: json.loads(text) for name, text in documents().items()}

    def references(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for name, document in made.items():
        for reference in references(document):
            file, _, pointer = reference.partition("#")
            target = made[file.removeprefix("./")] if file else document
            for step in pointer.split("/")[1:]:
                assert step in target, f"{name}: {reference}"
                target = target[step]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_every_payload_says_that_it_is_advisory(channel):
    """Each schema fixes version 1 and ``advisory: true``."""
    properties = json.loads(documents()[f"{channel.name}.schema.json"])["properties"]
    assert properties["v"]["const"] == 1
    assert properties["advisory"]["const"] is True
