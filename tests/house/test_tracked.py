"""What may not stand in a tracked file: addresses of registries, paths of a workplace, unfinished work."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT, name, tracked

REGISTRIES = (
    "pypi" + ".org",
    "files.python" + "hosted",
    "registry.npm" + "js",
    "npm" + "mirror",
    "docker" + ".io/",
)
WORKPLACE = re.compile(r"/work/|/home/[a-z]|/root/|/opt/wheels|C:\\\\Users")
UNFINISHED = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|placeholder|for now|not implemented|stub(bed)?)\b", re.IGNORECASE
)
LOCKS = re.compile(r"(^|/)(requirements/[a-z]+\.txt|package-lock\.json)$")
CODE = {".py", ".ts", ".tsx", ".css", ".sql", ".yaml", ".yml", ".toml", ".sh", ".html"}
EXEMPT = {
    "tests/house/test_tracked.py": "names what it looks for",
    "pumpd/drivers/card.py": "todo is a state of a capability on a card",
}


def _lines() -> list[tuple[str, int, str]]:
    found = []
    for path in tracked():
        if name(path) in EXEMPT or path.suffix in {".png", ".ico", ".woff2", ".mp3", ".wav"}:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found.append((name(path), number, line))
    return found


@pytest.mark.requirement("HOUSE-TRACKED")
def test_no_registry_and_no_workplace_is_named() -> None:
    """The project builds wherever pip and npm are set up; it names no host and no path of anybody's."""
    bad = [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, number, line in _lines()
        if any(host in line for host in REGISTRIES) or WORKPLACE.search(line)
    ]
    assert bad == []


@pytest.mark.requirement("HOUSE-TRACKED")
def test_nothing_is_left_unfinished_in_the_code() -> None:
    """Work that is not done is not hidden behind a word in a comment."""
    bad = [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, number, line in _lines()
        if (ROOT / file).suffix in CODE and not LOCKS.search(file) and UNFINISHED.search(_without_names(line))
    ]
    assert bad == []


def _without_names(line: str) -> str:
    """Leave out what the words may stand in: an attribute of HTML, a state of a card."""
    return re.sub(r"placeholder=|state: todo|\"todo\"", "", line)


@pytest.mark.requirement("HOUSE-TRACKED")
def test_locks_are_hashed_and_hold_no_address() -> None:
    """Every package in a lock is pinned with its hash; where it comes from is the machine's business."""
    locks = [path for path in tracked() if LOCKS.search(name(path)) and path.name != "apt.txt"]
    assert len(locks) >= 2
    for path in locks:
        text = path.read_text()
        assert "://" not in re.sub(r'"url": "https?://[^"]*"', "", text), name(path)
        assert "find-links" not in text.replace("--no-emit-find-links", ""), name(path)
        if path.suffix == ".txt":
            pinned = re.findall(r"^[a-z0-9._-]+==\S+( \\)?$", text, re.MULTILINE | re.IGNORECASE)
            assert pinned, name(path)
            assert all(pinned), f"{name(path)}: a package without a hash"
