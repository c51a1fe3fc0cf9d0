"""``make demo`` as a visitor meets it: its processes, the page in a browser, and nothing left afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright

from dashboard.demo_accounts import DEMO_ACCOUNTS
from tests.chromium import ABSENT, CHROMIUM
from tests.e2e.left import alive, command_lines, listening, until

ROOT = Path(__file__).parents[2]
LIVE_WITHIN_S = 20.0
PAUSED_WITHIN_S = 60.0

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.timeout(180),
]


@dataclass
class Demo:
    """A demo that runs, and what it has told."""

    process: subprocess.Popen[str]
    directory: Path
    lines: list[tuple[float, str]] = field(default_factory=list)
    """What it told, each line with the time at which it came."""

    def told(self, pattern: str) -> re.Match[str] | None:
        return next((match for _, line in list(self.lines) if (match := re.search(pattern, line))), None)

    def since_s(self, words: str) -> float:
        """Return the seconds since it told ``words``."""
        return time.perf_counter() - next(at_s for at_s, line in self.lines if words in line)

    @property
    def temporary(self) -> list[Path]:
        return sorted(self.directory.glob("pumpd-demo-*"))


def _start(command: list[str], directory: Path) -> Iterator[Demo]:
    """Run ``command`` with its temporary files in ``directory``, as a terminal does: in its own group."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    demo = Demo(process, directory)
    assert process.stdout is not None
    stream = process.stdout

    def read() -> None:
        for line in stream:
            demo.lines.append((time.perf_counter(), line.rstrip()))

    reader = threading.Thread(target=read, name="demo.output")
    reader.start()
    try:
        yield demo
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        reader.join()
        stream.close()


@pytest.fixture
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    """Run the demo; with no parameter as ``make demo``."""
    yield from _start(getattr(request, "param", ["make", "demo"]), tmp_path)


def _address(demo: Demo) -> str:
    def told() -> re.Match[str] | None:
        assert demo.process.poll() is None, "the demo ended:\n" + "\n".join(line for _, line in demo.lines)
        return demo.told(r"dashboard +(http://\S+)/")

    # make demo may have to set everything up first.
    return until(told, 120, "the dashboard's address")[1]


@cache
def _signed_in(address: str) -> dict[str, str]:
    """Return the cookies of the demo's nurse, whose password the demo printed."""
    nurse = DEMO_ACCOUNTS[0]
    body = {"name": nurse.name, "password": nurse.password}
    entered = httpx.post(f"{address}/api/sign-in", json=body, headers={"origin": address}, timeout=20)
    assert entered.status_code == 200, entered.text
    return dict(entered.cookies)


def _state(address: str) -> dict[str, dict[str, Any]]:
    picture = httpx.get(f"{address}/api/state", timeout=5, cookies=_signed_in(address)).json()
    return {card["pump"]: card for card in picture["pumps"]}


def _live(address: str) -> bool:
    cards = _state(address)
    return len(cards) == 12 and all(card["reading"] and card["not_live"] == "" for card in cards.values())


def _restrained(address: str) -> dict[str, Any] | None:
    card = _state(address)["PUMP-05"]
    titles = " ".join(alarm["title"] for alarm in card["alarms"])
    return card if "PAUSED" in titles and card["reading"]["status"] == "paused" else None


def _interrupt(demo: Demo) -> None:
    os.killpg(demo.process.pid, signal.SIGINT)
    demo.process.wait(15)


def _sockets(demo: Demo) -> set[str]:
    """Return the sockets on which the demo listens: page, broker and six lines of pumps."""
    config = next(iter(demo.temporary)) / "pumpd.yaml"
    ports = {int(port) for port in re.findall(r"(?:port: |127\.0\.0\.1:)(\d+)", config.read_text())}
    assert len(ports) == 8
    until(lambda: len(listening(ports)) == 8, 20, "it listens on all of its ports")
    return listening(ports)


def _assert_nothing_left(demo: Demo, sockets: set[str], children: list[str]) -> None:
    assert children, "no process of the demo was seen while it ran"
    until(lambda: not command_lines(str(demo.directory)), 5, "its processes are gone")
    until(lambda: not sockets & listening(range(65_536)), 5, "its sockets are closed")
    assert demo.temporary == []
    assert list(demo.directory.iterdir()) == []


@pytest.mark.requirement("DEMO-1", "DEMO-2")
@pytest.mark.skipif(not CHROMIUM, reason=ABSENT or "all there")
def test_make_demo_shows_its_story_and_leaves_nothing(demo: Demo) -> None:
    """Twelve pumps live in 20 s, an infusion begun; within a minute a rate is too high, shown, and paused."""
    address = _address(demo)
    until(lambda: _live(address), LIVE_WITHIN_S - demo.since_s("starting"), "all twelve pumps live")
    sockets = _sockets(demo)
    children = command_lines(str(demo.directory))
    for account in DEMO_ACCOUNTS:
        assert demo.told(f"{account.name} .*{account.password} .*{account.pin}")
    control = demo.told(r"pumps +pumpd ward show --at (127\.0\.0\.1:\d+)")
    assert control
    assert len(httpx.get(f"http://{control[1]}/", timeout=5).json()["pumps"]) == 12
    assert {"simulate", "run", "dashboard"} <= {word for line in children for word in line.split()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="A. Nurse").click()
        page.locator(".top-who").get_by_text("A. Nurse").wait_for(timeout=20_000)
        left_s = PAUSED_WITHIN_S - demo.since_s("starting")
        card = until(lambda: _restrained(address), left_s, "bed 5 is paused by pumpd")
        page.get_by_text("pumpd PAUSED this pump").first.wait_for(timeout=10_000)
        page.get_by_text("mg given").first.wait_for(timeout=10_000)
        browser.close()
    assert card["reading"]["flow_ml_h"] == "0"
    assert card["provenance"] == "demo"
    for words in (
        r"all 12 simulated pumps are live",
        r"bed 1: A\. Nurse begins an infusion for A\.B\.: ketamine 2 mg/mL, 0\.3 mg/kg/h",
        r"bed 5: at the pump, the rate is set from 10\.5 to 105 mL/h",
        r"bed 5: HIGH alarm: TOO FAST",
        r"bed 5: read back: the pump is PAUSED",
    ):
        until(partial(demo.told, words), 5, words)
    _interrupt(demo)
    _assert_nothing_left(demo, sockets, children)


def _end_by_sigterm(demo: Demo) -> int:
    demo.process.send_signal(signal.SIGTERM)
    return 0


def _end_one_child(demo: Demo) -> int:
    """Kill the simulator, as a crash would."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            if "simulate" in words and any(str(demo.directory) in word for word in words):
                os.kill(int(entry.name), signal.SIGKILL)
    return 1


PLAIN = [str(ROOT / ".venv/bin/python"), "-m", "pumpd.cli", "demo"]


@pytest.mark.requirement("DEMO-2")
@pytest.mark.parametrize("demo", [PLAIN], indirect=True, ids=[""])
@pytest.mark.parametrize("end", [_end_by_sigterm, _end_one_child])
def test_demo_ends_clean_whatever_ends_it(demo: Demo, end: Callable[[Demo], int]) -> None:
    """SIGTERM ends it with 0, a child that crashes with 1 and the reason; nothing is left either way."""
    _address(demo)
    sockets = _sockets(demo)
    children = command_lines(str(demo.directory))
    status = end(demo)
    assert demo.process.wait(15) == status
    if status:
        until(lambda: demo.told("simulate ended with status -9"), 5)
    _assert_nothing_left(demo, sockets, children)
