"""``pumpd qa run --realtime``: what it says, what it needs, and what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pumpd.errors import ConfigError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.wire import Question
from pumpd.qa import realtime
from pumpd.qa.frames import FrameJudge, JudgedLine
from pumpd.qa.happenings import TAKES
from pumpd.qa.html_report import write_html
from pumpd.qa.junit import write_junit
from pumpd.qa.real_places import VIRTUAL_ONLY, why_virtual_only
from pumpd.qa.record import REAL_TIME, Record
from pumpd.qa.runner import Outcome
from pumpd.qa.scenario import load_scenario
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.register_face import RegisterFace
from pumpd.simulator.stage import make_pump
from pumpd.simulator.ward_pump import PumpSection
from tests import mosquitto
from tests.e2e.left import alive, until
from tests.qa.real_scenarios import REPOSITORY, short
from tests.qa.small import written

SCENARIOS = REPOSITORY / "config" / "scenarios"


def test_without_mosquitto_the_operator_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a matter of the machine's set-up, so exit status 2, with the remedy."""
    monkeypatch.setattr(realtime, "find_mosquitto", lambda: None)
    with pytest.raises(ConfigError, match=r"mosquitto is not installed.*apt install mosquitto"):
        realtime.run_real([load_scenario(written(tmp_path))])


@pytest.mark.requirement("QA-5")
def test_what_can_not_be_had_for_real_says_why() -> None:
    """An action that needs root, and an order that the daemon refuses to start with, are named."""
    reasons = {file.stem: why_virtual_only(load_scenario(file)) for file in sorted(SCENARIOS.glob("*.yaml"))}
    named = {name: reason for name, reason in reasons.items() if reason}
    assert named["clock-stepped"].startswith("step-clock: ")
    assert named["slow-disk"].startswith("journal-slow: ")
    assert "no concentration" in named["unknown-concentration"]
    assert set(VIRTUAL_ONLY) <= set(TAKES)


def test_scenarios_that_are_left_out_are_counted_apart(tmp_path: Path) -> None:
    """Neither passed nor failed; JUnit and report carry the reason, the level and the allowance."""
    loaded = load_scenario(written(tmp_path))
    left_out = Outcome(loaded, 1, (), "", Record(allowance=REAL_TIME), real=True, left_out="no such disk")
    played = Outcome(loaded, 1, (), "", Record(allowance=REAL_TIME), real=True)
    assert (left_out.passed, left_out.failed, left_out.word) == (False, False, "virtual only")
    assert played.replay.endswith("small.yaml --seed 1 --realtime")
    junit, html = tmp_path / "junit.xml", tmp_path / "report.html"
    write_junit([played, left_out], junit)
    write_html([played, left_out], html)
    suite = ET.parse(junit).getroot()[0]
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "1"]
    assert [skipped.get("message") for skipped in suite.iter("skipped")] == ["virtual only: no such disk"]
    told = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert (told["level"], told["allowance"]) == ("real", str(REAL_TIME))
    text = html.read_text()
    assert "1 of 1 scenarios passed" in text
    assert "no such disk" in text
    assert str(REAL_TIME) in text


async def test_a_machine_that_stands_still_is_noticed() -> None:
    """What a busy machine does to a scenario is told apart from what the daemon does."""
    pulse, loop = realtime.Pulse(), asyncio.get_running_loop()
    feeling = loop.create_task(pulse.run(), name="tested.pulse")
    await asyncio.sleep(0.15)
    began_s = loop.time()
    assert pulse.longest_s(0.0) == 0.0
    time.sleep(1.3)  # noqa: ASYNC251 - this is what must not happen
    await asyncio.sleep(0.05)
    assert pulse.longest_s(began_s) >= 1.0
    assert pulse.longest_s(loop.time()) == 0.0
    feeling.cancel()
    await asyncio.gather(feeling, return_exceptions=True)


@pytest.mark.requirement("INV-1")
@in_virtual_time
async def test_a_request_that_makes_a_pump_give_more_is_noted_on_any_wire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The judge sits in front of the pumps, whichever wire their line is on."""
    section = PumpSection(id="PUMP-01", map="reference-pump", serial_number="SIM-1")
    pump = make_pump(section, "", {})
    line = SimulatedLine([pump], random.Random(0))
    judge = FrameJudge(line, lambda: None)
    judged = JudgedLine(line, judge)
    status = Question(bytes.fromhex("01 04 00 64 00 14"), 1)
    assert judged.replies(status, MbapServerFramer())
    assert judge.tally.raises == []
    model = pump.face.models["1"]

    def speeds_up(_face: RegisterFace, asked: bytes) -> bytes:
        model.turn_rate(7_000_000)
        return asked

    monkeypatch.setattr(RegisterFace, "answer", speeds_up)
    judged.replies(status, MbapServerFramer())
    assert judge.tally.raises == ["PUMP-01/1: 01 04 00 64 00 14"]
    assert (judge.tally.asked, judge.tally.answered) == (2, 2)


def _children(pid: int) -> list[int]:
    """Return the processes that ``pid`` started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _playing(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int], Path]]:
    """Yield the verb at work, what it started, and the folder for its temporary files."""
    if mosquitto.missing():
        pytest.skip(mosquitto.missing())
    scenario, folder = short(tmp_path)[0].file, tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "pumpd.cli", "qa", "run", "--realtime", str(scenario)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    ) as verb:
        try:
            until(lambda: len(_children(verb.pid)) == 2, 30, "broker and daemon")
            started = _children(verb.pid)
            assert all(alive(pid) for pid in started)
            yield verb, started, folder
        finally:
            verb.kill()


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.requirement("QA-5")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_ends_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM leave no process and no file; the exit status is that of an interruption."""
    with _playing(tmp_path) as (verb, started, folder):
        verb.send_signal(number)
        verb.communicate(timeout=90)
        assert verb.returncode == 130
        assert [pid for pid in started if alive(pid)] == []
        assert list(folder.iterdir()) == []


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.requirement("QA-5")
def test_what_it_started_does_not_outlive_it(tmp_path: Path) -> None:
    """Killed with SIGKILL, it can do nothing any more: the kernel ends broker and daemon."""
    with _playing(tmp_path) as (verb, started, _):
        verb.kill()
        verb.communicate(timeout=10)
        until(lambda: not any(alive(pid) for pid in started), 10, "all of them gone")
