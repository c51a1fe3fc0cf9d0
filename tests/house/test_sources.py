"""Every protocol module, register map and driver shows where its facts come from."""

from __future__ import annotations

import ast

import pytest
import yaml

from pumpd.drivers.registry import shipped
from tests.house.tree import ROOT, name, parsed, python

MAPS = sorted((ROOT / "pumpd" / "protocols" / "maps").glob("*.yaml"))
CARDS = sorted((ROOT / "pumpd" / "drivers" / "cards").glob("*.yaml"))
NO_DIALECT = {
    "pumpd/protocols/__init__.py": "empty",
    "pumpd/protocols/wire.py": "what a dialect is",
    "pumpd/protocols/framed.py": "what framed dialects have in common",
    "pumpd/protocols/maps/__init__.py": "finds the maps",
    "pumpd/protocols/fresenius_messages.py": "what frames hold; its examples stand whole with the dialect",
    "pumpd/protocols/modbus_pdu.py": "lets pymodbus write PDUs; the examples stand with those who call it",
    "pumpd/protocols/registers.py": "what a register map may say; each map carries examples",
    "pumpd/protocols/registers_codec.py": "reads what a map describes",
    "pumpd/protocols/registers_fields.py": "reads what a map describes",
    "pumpd/protocols/registers_order.py": "reads what a map describes",
    "pumpd/protocols/registers_plan.py": "reads what a map describes",
    "pumpd/protocols/registers_units.py": "reads what a map describes",
}
"""Modules of protocols/ that describe no bytes of a document, and why; every other one does."""


def _assigned(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found.update(t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.requirement("HOUSE-CARD")
def test_every_dialect_carries_examples_and_its_source() -> None:
    """A module that describes what travels has EXAMPLES, and its docstring names the document."""
    modules = {name(path): parsed(path) for path in python("pumpd/protocols")}
    assert set(NO_DIALECT) < set(modules)
    for module, tree in modules.items():
        if module not in NO_DIALECT:
            assert "EXAMPLES" in _assigned(tree), module
            assert "Source:" in (ast.get_docstring(tree) or ""), module


@pytest.mark.requirement("HOUSE-CARD")
@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_every_map_carries_examples_with_source(path: object) -> None:
    """A register map shows raw words and the values they mean, and the page they stand on."""
    loaded = yaml.safe_load(path.read_text())  # type: ignore[attr-defined]
    assert loaded["source"]["document"]
    assert loaded["examples"]
    assert all(example["source"] for example in loaded["examples"])


@pytest.mark.requirement("HOUSE-CARD")
def test_every_driver_has_a_card_and_every_card_a_driver() -> None:
    """The registry, the maps and the cards name the same pumps."""
    assert {path.stem for path in CARDS} == set(shipped())
    assert MAPS
    for driver, spec in shipped().items():
        assert spec.card.driver == driver
        assert spec.card.documents
