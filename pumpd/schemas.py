"""JSON Schema of every kind of file an operator writes, for editors; printed by ``pumpd schema``."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from pumpd.document import parse_document
from pumpd.errors import ConfigError, Problem

KINDS = {
    "config": ("pumpd.config_models", "ConfigSection", "pumpd's configuration"),
    "library": ("pumpd.config_library_models", "LibrarySection", "a drug library"),
    "map": ("pumpd.protocols.registers", "RegisterMap", "the register map of a Modbus pump"),
    "card": ("pumpd.drivers.card", "Card", "the card of a driver"),
    "ward": ("pumpd.simulator.ward", "Ward", "a simulated ward"),
    "scenario": ("pumpd.qa.scenario", "Scenario", "a scenario for pumpd qa run"),
}
"""Each kind of file: the module and name of its model, and what it is called."""


def schema_text(kind: str) -> str:
    """Return the JSON Schema of ``kind`` as text that ends in a line feed; ConfigError names the kinds."""
    if kind not in KINDS:
        problem = Problem(
            "pumpd schema", 0, "NAME", f"there is no schema '{kind}'", ", ".join(KINDS), "name one"
        )
        raise ConfigError((problem,))
    module, name, title = KINDS[kind]
    model: type[BaseModel] = getattr(import_module(module), name)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_with_values(model.model_json_schema()),
        "title": title,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _as_written(example: Any) -> Any:
    return parse_document(str(example).encode(), "example").data


def _with_values(node: Any) -> Any:
    """Return ``node`` with examples as values: the models spell them as an operator writes them in YAML."""
    if isinstance(node, list):
        return [_with_values(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: [_as_written(text) for text in value]
        if key == "examples" and isinstance(value, list)
        else _with_values(value)
        for key, value in node.items()
    }
