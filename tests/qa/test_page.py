"""The QA engineer's page: what it says to type does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.qa import checks, happenings
from pumpd.qa.scenario import load_scenario

PAGE = (Path(__file__).parents[2] / "docs" / "qa.md").read_text()


@pytest.mark.requirement("HOUSE-DOCS", "QA-4")
def test_the_first_scenario_of_the_page_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are made as shown; the command fails as shown, and passes as shown after the edit."""
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r"```yaml file=(\S+)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(text)
    command = re.search(r"```sh\npumpd (qa run .*?)\n```", PAGE)
    assert command
    shown = re.findall(r"```\n((?:FAILED|passed) .*?)```", PAGE, re.DOTALL)
    first = CliRunner().invoke(app, command[1].split())
    assert (first.exit_code, first.stdout) == (1, shown[0])
    ((name, line),) = re.findall(r"```yaml add=(\S+)\n(.*?)```", PAGE, re.DOTALL)
    text = (tmp_path / name).read_text()
    last = "  - {check: nothing-else}\n"
    (tmp_path / name).write_text(text.replace(last, line + last))
    again = CliRunner().invoke(app, command[1].split())
    assert (again.exit_code, again.stdout) == (0, shown[1])
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert load_scenario(tmp_path / name).scenario.title == "My first scenario"


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_page_names_every_action_and_check() -> None:
    """Nothing that a file may say is missing from the tables."""
    for word in (*happenings.TAKES, *checks.TAKES):
        assert f"`{word}`" in PAGE, word
