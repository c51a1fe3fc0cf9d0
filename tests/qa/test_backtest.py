"""``pumpd library backtest``: another drug library over what was recorded, beside the one in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.cli_words import start_log
from pumpd.config_library import load_library
from pumpd.core.conditions import ConditionId
from pumpd.errors import ConfigError, StoreError
from pumpd.qa.backtest import backtest
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import Recording, read_recording
from tests.qa.recordings import recorded
from tests.qa.small import LIBRARY
from tests.qa.test_infusion_scenarios import TYPED
from tests.qa.test_recorded_infusion import NURSE, PUMP

pytestmark = pytest.mark.requirement("REC-8")
PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
FASTER = (
    f"at_s: 5, {NURSE}, action: begin, typed: {{{TYPED}}}",
    "at_s: 20, pump: PUMP-01, action: set-rate, rate: 18 mL/h",
)


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recording of an infusion whose pump is set above the usual dose, a little."""
    start_log("critical")
    folder = tmp_path_factory.mktemp("ward")
    lines = "".join(f"  - {{{line}}}\n" for line in FASTER)
    text = f"title: a ward\nduration_s: 180\nlibrary: {LIBRARY}\npumps:\n{PUMP.format(unit=1, line='USB0')}"
    (folder / "ward.yaml").write_text(f"{text}timeline:\n{lines}")
    outcome = run_scenario(load_scenario(folder / "ward.yaml"), recordings=folder / "recordings")
    assert (outcome.failures, outcome.error) == ((), "")
    (found,) = (folder / "recordings").rglob("*.pumprec")
    return found


def _library(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the demo's library with the first match of each change, as another version."""
    text = LIBRARY.read_text().replace('version: "demo-1"', 'version: "demo-2"')
    for pattern, said in changes:
        text, times = re.subn(pattern, said, text, count=1)
        assert times == 1
    file = folder / "demo-2.yaml"
    file.write_text(text)
    return file


def _soft(to: str) -> tuple[str, str]:
    return r"(soft_max:\s+value: )0.5( mg/kg/h)", rf"\g<1>{to}\2"


def _said(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["library", "backtest", *arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.output


def test_the_same_library_alarms_as_it_did(segment: Path) -> None:
    """Nothing is said of the one and not of the other, and what was recorded is among it."""
    recording = read_recording(segment)
    found = backtest(recording, load_library(LIBRARY))
    assert found.before == found.after
    assert found.before[ConditionId.OVER_SOFT] == 1
    assert (found.lines, found.missing, found.in_force) == ((), (), "demo-1")


@pytest.mark.parametrize(("to", "times"), [("0.25", 1), ("0.9", 0)])
def test_an_infusion_is_judged_by_the_other_limits(
    segment: Path, tmp_path: Path, to: str, times: int
) -> None:
    """Though it keeps its own library while it runs: sooner under a lower limit, never under a higher one."""
    file = _library(tmp_path, _soft(to))
    found = backtest(read_recording(segment), load_library(file))
    assert (found.before[ConditionId.OVER_SOFT], found.after[ConditionId.OVER_SOFT]) == (1, times)
    sides = [
        line.partition("only under ")[2].partition(":")[0] for line in found.lines if "over-soft" in line
    ]
    assert sides == (["demo-2", "demo-1"] if times else ["demo-1"])


def test_a_standing_order_is_judged_and_nothing_is_restrained(tmp_path: Path) -> None:
    """A ten-fold rate: under a limit that allows it no hard limit alarms; under neither a pump is paused."""
    start_log("critical")
    (file,) = recorded("ten-fold-rate", tmp_path / "recordings")
    recording: Recording = read_recording(file)
    wide = _library(tmp_path, (r"(hard_max:\s+value: )1( mg/kg/h)", r"\g<1>9\2"))
    found = backtest(recording, load_library(wide))
    assert (found.before[ConditionId.OVER_HARD], found.after[ConditionId.OVER_HARD]) == (1, 0)
    assert any("over-hard only under demo-1: TOO FAST" in line for line in found.lines)


def test_what_the_other_library_does_not_have_is_named(segment: Path, tmp_path: Path) -> None:
    """The infusion keeps its limits, and that is said."""
    file = _library(tmp_path, ("care_area: pain-clinic", "care_area: day-clinic"))
    found = backtest(read_recording(segment), load_library(file))
    assert found.before == found.after
    assert [words for words in found.missing if "no limits for ketamine 2 mg/mL in pain-clinic" in words]


@pytest.mark.requirement("CFG-5")
def test_the_verb_prints_what_its_page_shows(segment: Path, tmp_path: Path) -> None:
    """Recordings by file or by folder; a damaged one ends with 1, a library that has to be mended with 2."""
    file = _library(tmp_path, _soft("0.25"))
    status, output = _said(str(file), str(segment.parent))
    assert status == 0
    shown = re.search(r"\$ pumpd library backtest [^\n]*\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert output == shown[1]
    assert _said(str(file), str(segment), str(segment))[1].startswith("2 recordings, 0.10 h of PUMP-01")
    assert _said(str(file), str(tmp_path))[0] == 2
    damaged = tmp_path / "x.pumprec"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    assert _said(str(file), str(damaged))[0] == 1
    with pytest.raises(StoreError):
        _said(str(file), str(file))
    with pytest.raises(ConfigError):
        _said(str(segment), str(segment))
