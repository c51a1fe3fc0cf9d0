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
    "pumpd/protocols/maps/__init__.py": "finds the maps",
}
"""Modules of protocols/ that describe no message of their own."""


def _assigned(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found.update(t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def _writes_frames(tree: ast.Module) -> bool:
    """Return whether the module defines a message: a class that reads a reply or writes its bytes."""
    return any(
        isinstance(node, ast.FunctionDef) and node.name in {"parse_reply", "to_bytes", "from_bytes"}
        for top in tree.body
        if isinstance(top, ast.ClassDef)
        for node in top.body
    )


@pytest.mark.requirement("HOUSE-CARD")
def test_every_dialect_carries_examples_and_its_source() -> None:
    """A module that describes messages ends with EXAMPLES, and its docstring names the document."""
    dialects = [
        p
        for p in python("pumpd/protocols")
        if name(p) not in NO_DIALECT and _writes_frames(parsed(p)) and "registers" not in p.stem
    ]
    assert dialects
    for path in dialects:
        assert "EXAMPLES" in _assigned(parsed(path)), name(path)
        assert "Source:" in (ast.get_docstring(parsed(path)) or "") + path.read_text(), name(path)


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
