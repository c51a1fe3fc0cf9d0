"""``pumpd qa run``: exit status, reports, and the command that plays a failure again."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.errors import ConfigError
from pumpd.qa.scenario import load_scenario
from pumpd.qa.whole_file import write_whole
from tests.qa.small import LIBRARY, written

pytestmark = pytest.mark.usefixtures("elsewhere")
FAST = "at_s: 20, pump: PUMP-01, action: set-rate, rate: 42 mL/h"
HIGH = "check: raised, pump: PUMP-01, alarm: over-hard, priority: HIGH, after_s: 20, within_s: 3"
NOTHING = "check: nothing-else"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the verb writes without being asked goes into a directory of the test."""
    monkeypatch.chdir(tmp_path)


class _Page(HTMLParser):
    """Counts what a page holds, and what it would fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        self.fetched += [v or "" for k, v in attrs if k in {"src", "href"} and not (v or "").startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.requirement("QA-4", "CFG-5")
def test_a_failure_ends_with_1_and_is_told_everywhere(tmp_path: Path) -> None:
    """The terminal, JUnit and the report name the failure and the command that plays it again."""
    file = written(tmp_path, timeline=(FAST,), expect=(NOTHING,))
    junit, html = tmp_path / "out" / "junit.xml", tmp_path / "out" / "report.html"
    ran = CliRunner().invoke(app, ["qa", "run", str(file), "--junit", str(junit), "--html", str(html)])
    again = f"pumpd qa run {file} --seed 1"
    assert ran.exit_code == 1
    assert "FAILED  small: A small one" in ran.output
    assert f"again: {again}" in ran.output
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "over-hard HIGH" in (failure.get("message") or "")
    assert again in (failure.text or "")
    assert again in html.read_text()


@pytest.mark.requirement("QA-4")
def test_the_command_that_is_printed_plays_the_same_again(tmp_path: Path) -> None:
    """The replay's event log is the one of the failure."""
    file = written(tmp_path, timeline=(FAST,), expect=(NOTHING,))
    first = CliRunner().invoke(app, ["qa", "run", str(file), "--seed", "5", "--log", str(tmp_path / "a")])
    again = re.search(r"again: pumpd (.*)", first.output)
    assert again
    CliRunner().invoke(app, [*again[1].split(), "--log", str(tmp_path / "b")])
    logs = [[log.read_bytes() for log in (tmp_path / name).iterdir()] for name in "ab"]
    assert logs[0] == logs[1]
    assert logs[0][0]


@pytest.mark.requirement("QA-4", "CFG-5")
def test_a_good_run_ends_with_0_and_its_report_needs_nothing_else(tmp_path: Path) -> None:
    """The report is one file with curve and alarms as SVG, for light and dark, without script or network."""
    restrained = "check: raised, pump: PUMP-01, alarm: restrained, priority: MEDIUM, after_s: 20, within_s: 3"
    file = written(tmp_path, timeline=(FAST,), expect=(HIGH, restrained, NOTHING))
    html = tmp_path / "report.html"
    ran = CliRunner().invoke(app, ["qa", "run", str(file), "--html", str(html)])
    assert ran.exit_code == 0, ran.output
    assert "1 scenarios, 1 passed, 0 failed" in ran.output
    text = html.read_text()
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == 2
    assert "prefers-color-scheme: dark" in text
    assert 'class="bar HIGH on"' in text
    assert 'class="limit hard-max"' in text
    flowed = re.search(r'class="flowed" points="([^"]+)"', text)
    assert flowed
    heights = {point.split(",")[1] for point in flowed[1].split()}
    assert len(heights) >= 2  # it runs, it stands


@pytest.mark.requirement("QA-1", "CFG-5")
def test_every_problem_of_every_file_ends_with_2(tmp_path: Path) -> None:
    """A folder with two broken files: all problems at once, each with its line, and nothing is played."""
    (tmp_path / "drug-library.yaml").write_text(LIBRARY.read_text())
    (tmp_path / "a.yaml").write_text("title: x\nduration_s: 0\nlibrary: drug-library.yaml\npumps: []\n")
    text = written(tmp_path, timeline=("at_s: 99, action: kill-demon",), expect=("check: newer",)).read_text()
    (tmp_path / "b.yaml").write_text(text)
    (tmp_path / "small.yaml").unlink()
    ran = CliRunner().invoke(app, ["qa", "run", str(tmp_path)])
    assert isinstance(ran.exception, ConfigError)
    told = [(Path(p.file).name, p.line, p.path) for p in ran.exception.problems]
    assert told == [
        ("a.yaml", 2, "duration_s"),
        ("a.yaml", 4, "pumps"),
        ("b.yaml", 14, "timeline[0].action"),
        ("b.yaml", 16, "expect[0].check"),
    ]


BROKEN = {
    "at_s: 99, action: kill-daemon": "99 s is after the end of the scenario",
    "at_s: 9, action: set-rate, pump: PUMP-07, rate: 3 mL/h": "there is no pump PUMP-07",
    "at_s: 9, action: set-rate, pump: PUMP-01, channel: B, rate: 3 mL/h": "PUMP-01 has no channel B",
    "at_s: 9, action: show, pump: PUMP-01, path: flows, words: [1]": "flows is no place of the map",
    "at_s: 9, action: set-rate, pump: PUMP-01, rate: 99999 mL/h": "99999 mL/h is too fast for it",
    "at_s: 9, action: acknowledge, by: A": "acknowledge: it is missing alarm",
    "at_s: 9, action: broker-down, by: A": "broker-down: it takes no by",
    "at_s: 9, action: acknowledge, by: A, alarm: to-hard": "there is no alarm 'to-hard'",
    "check: answer, request: x, is: accepted": "nothing in the timeline is named 'x'",
    "check: status, pump: PUMP-01, at_s: 3, is: well": "status can not be 'well'",
    "check: dose, pump: PUMP-01, least_dose: 3, most_dose: 4 mg": "3 is no amount of a drug",
    "check: raised, pump: PUMP-01, alarm: air, priority: HIGH, after_s: 59, within_s: 3": "62 s is after",
}


@pytest.mark.requirement("QA-1")
@pytest.mark.parametrize("line", BROKEN)
def test_what_can_not_be_meant_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    """A wrong line is told at that line and nowhere else, with what is allowed and the remedy."""
    timeline, expect = ((), (line,)) if line.startswith("check") else ((line,), ())
    with pytest.raises(ConfigError) as caught:
        load_scenario(written(tmp_path, timeline=timeline, expect=expect))
    problems = caught.value.problems
    assert any(BROKEN[line] in problem.what for problem in problems)
    assert {problem.line for problem in problems} == {16 if expect else 14}
    assert all(problem.allowed and problem.remedy for problem in problems)


@pytest.mark.parametrize("option", ["--junit", "--html", "--log", "--record"])
@pytest.mark.requirement("QA-4")
def test_a_place_that_can_not_be_written_is_told_before_anything_is_played(
    tmp_path: Path, option: str
) -> None:
    """Nobody waits for a suite to learn that its report went nowhere."""
    file = written(tmp_path)
    with pytest.raises(ConfigError, match=rf"{option}.*can not be written: not a directory"):
        app(["qa", "run", str(file), option, str(file / "below")], standalone_mode=False)


@pytest.mark.requirement("QA-4", "CFG-5")
def test_a_report_is_written_over_a_report_alone(tmp_path: Path) -> None:
    """A name that was mistyped costs nobody's file: it is refused before anything is played."""
    file, page = written(tmp_path), tmp_path / "report.html"
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=rf"--html: {file} is there already and is no HTML.*another name"):
        app(["qa", "run", str(file), "--html", str(file)], standalone_mode=False)
    assert file.read_bytes() == before
    for _ in range(2):
        ran = CliRunner().invoke(app, ["qa", "run", str(file), "--workers", "1", "--html", str(page)])
        assert ran.exit_code == 0, (ran.output, ran.exception)


def test_a_disk_that_is_full_at_the_end_does_not_hide_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each verdict is printed all the same; then the report's loss is an error of its own."""
    file = written(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        app(["qa", "run", str(file), "--junit", "/dev/full"], standalone_mode=False)
    assert "1 scenarios, 1 passed" in capsys.readouterr().out


def test_scenarios_of_one_name_keep_logs_of_their_own_and_none_is_played_twice(tmp_path: Path) -> None:
    """Two folders of one name may hold files of one name; a file may be named in two ways."""
    files = []
    for ward in ("east", "west"):
        (tmp_path / ward / "ward").mkdir(parents=True)
        files.append(str(written(tmp_path / ward / "ward")))
    again = str(tmp_path / "west" / ".." / "east" / "ward" / "small.yaml")
    log = tmp_path / "log"
    ran = CliRunner().invoke(app, ["qa", "run", *files, again, "--workers", "1", "--log", str(log)])
    assert "2 scenarios, 2 passed" in ran.output
    assert sorted(each.name for each in log.iterdir()) == ["ward-small-2.jsonl", "ward-small.jsonl"]


def test_a_report_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way leaves the former report, and nothing beside it."""
    file = tmp_path / "report"
    write_whole(file, b"before")

    def full(self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"after")
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
