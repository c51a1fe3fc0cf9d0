"""What the documents show is what the code does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from tests.house import alarm_page
from tests.house.tree import ROOT, name, tracked

PAGES = sorted(p for p in tracked() if p.suffix == ".md")
DECISIONS = ROOT / "docs" / "decisions"
NEEDED = {
    "journal before network": "journal-before-network.md",
    "one process or several": "one-process.md",
    "embedded broker": "embedded-broker.md",
    "exact quantities": "exact-quantities.md",
    "WebSocket": "one-websocket-a-page.md",
    "YAML": "yaml.md",
    "restraint gate": "restraint-gate.md",
    "how pymodbus is used": "pymodbus-behind-one-door.md",
    "built front end": "built-front-end.md",
}


@pytest.mark.requirement("CORE-4", "HOUSE-DOCS")
def test_the_page_of_alarms_is_written_from_the_table() -> None:
    """The diagram, the table and the catalogue in docs/alarms.md are those of the code."""
    assert alarm_page.PAGE.read_text() == alarm_page.page()


def anchors(page: Path) -> set[str]:
    """Return what a link may name of a page: its headings as GitHub writes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?) *$", _without_blocks(page.read_text()), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(next(a for a in (anchor, *(f"{anchor}-{n}" for n in range(1, 99))) if a not in found))
    return found


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.requirement("HOUSE-DOCS")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project finds it, and the heading in it that it names."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text()):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        assert there.exists(), f"{name(page)}: {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name(page)}: {target}#{anchor}"


@pytest.mark.requirement("HOUSE-DOCS")
@pytest.mark.parametrize("what", sorted(NEEDED))
def test_what_was_decided_is_recorded(what: str) -> None:
    """The decisions that everything stands on have a record with the four parts."""
    text = (DECISIONS / NEEDED[what]).read_text()
    for part in ("Status:", "## Context", "## Decision", "## Consequences"):
        assert part in text, f"{what}: {part}"


@pytest.mark.requirement("HOUSE-DOCS")
def test_every_decision_stands_in_the_index() -> None:
    """The index names each record once, in order."""
    listed = re.findall(r"\]\(([a-z0-9-]+\.md)\)", (DECISIONS / "README.md").read_text())
    assert listed == sorted(p.name for p in DECISIONS.glob("*.md") if p.name.islower())


def _commands() -> list[str]:
    found: list[str] = []
    for page in PAGES:
        for language, block in re.findall(r"```([a-z]*)\n(.*?)```", page.read_text(), re.DOTALL):
            if language not in {"", "sh", "bash", "console"}:
                continue
            found += re.findall(r"^\s*\$? ?(pumpd [a-z][^#\n]*)$", block, re.MULTILINE)
        found += re.findall(r"`(pumpd [a-z][^`\n]*)`", page.read_text())
    return sorted({command.strip() for command in found if "|" not in command})


@pytest.mark.requirement("HOUSE-DOCS", "CFG-4")
@pytest.mark.parametrize("command", _commands())
def test_the_commands_that_documents_show_exist(command: str) -> None:
    """Every ``pumpd ...`` in a document names a verb that there is, with options that it takes."""
    words = shlex.split(command)[1:]
    verb = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
    while verb:
        shown = CliRunner().invoke(app, [*verb, "--help"])
        if shown.exit_code == 0:
            break
        verb.pop()
    assert verb, command
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", shown.output), f"{command}: {option}"


@pytest.mark.requirement("HOUSE-DOCS", "CFG-2")
def test_the_shipped_configuration_that_documents_check_is_well() -> None:
    """The check-config of docs/connect-a-pump.md ends with 0."""
    ran = CliRunner().invoke(app, ["check-config", "-c", str(ROOT / "config" / "pumpd.yaml")])
    assert ran.exit_code == 0, ran.output


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_readme_says_what_pumpd_is_not_and_how_to_start() -> None:
    """The first screen has the warning and the two commands, and shows no picture that is not there."""
    text = (ROOT / "README.md").read_text()
    first_screen = text[:2200]
    assert "Not a medical device" in first_screen
    assert "make demo" in first_screen
    assert "make test" in first_screen
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (ROOT / picture).is_file()
