"""Requirements and tests name each other: an orphan on either side fails."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IDS = ROOT / "docs" / "requirements.yaml"
MARK = "requirement"
WEB_TESTS = ROOT / "dashboard" / "web"
_IN_TEXT = re.compile(r"\[([A-Z]+-[A-Z0-9]+)\]")


def _named_by(path: Path) -> Iterator[str]:
    """Yield every id that a decorator or mark in ``path`` names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == MARK:
            texts = (a.value for a in node.args if isinstance(a, ast.Constant))
            yield from (text for text in texts if isinstance(text, str))


@cache
def named_ids() -> dict[str, list[str]]:
    """Return every id that a test names, with the files that do."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for name in _named_by(path):
            found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    for folder in ("src", "test", "tests"):
        for path in sorted((WEB_TESTS / folder).rglob("*.test.ts*")):
            for name in _IN_TEXT.findall(path.read_text()):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


@cache
def required() -> dict[str, dict[str, str]]:
    """Return docs/requirements.yaml."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(IDS.read_text())
    return loaded


@pytest.mark.requirement("HOUSE-DOCS")
def test_every_id_a_test_names_is_required() -> None:
    """A test can not claim to show something nobody asked for."""
    unknown = {name: files for name, files in named_ids().items() if name not in required()}
    assert unknown == {}


@pytest.mark.requirement("HOUSE-DOCS")
def test_every_requirement_is_shown_by_a_test() -> None:
    """What is required and not shown is a hole."""
    assert sorted(set(required()) - set(named_ids())) == []


@pytest.mark.requirement("HOUSE-DOCS")
def test_requirements_are_sorted_and_say_text_and_source() -> None:
    """Each entry has exactly a text and a source; ids stand in order, each once."""
    keys = re.findall(r"^(\S+):$", IDS.read_text(), re.MULTILINE)
    assert keys == sorted(set(keys))
    for name, entry in required().items():
        assert set(entry) == {"text", "source"}, name
        assert all(entry.values()), name
