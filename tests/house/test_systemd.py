"""The units for systemd: valid, fenced in, and as docs/systemd.md tells."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.cli import app
from tests.house.tree import ROOT

pytestmark = pytest.mark.requirement("NOTIFY-2")
UNITS = sorted((ROOT / "config" / "systemd").glob("*.service"))
WORST_EXPOSURE = 2.0
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not installed (apt install systemd)"
)


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ANALYZE or "", *words], capture_output=True, text=True, check=False, timeout=50)


def entries(unit: Path) -> dict[str, str]:
    """Return the last assignment of each key."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return {key: value for section in parser.sections() for key, value in parser[section].items()}


@pytest.mark.real
@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """``systemd-analyze verify`` says nothing; the program stands where it stands on this machine."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/pumpd/bin/pumpd", sys.executable)
        (tmp_path / unit.name).write_text(text)
    done = analyze("verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.real
@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_fence_is_as_the_page_says(unit: Path) -> None:
    """The exposure is low, and by the page's systemd just what stands there."""
    said = analyze("security", "--offline=yes", "--no-pager", str(unit)).stdout
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert float(exposure) <= WORST_EXPOSURE
    page = (ROOT / "docs" / "systemd.md").read_text()
    (version,) = re.findall(r"exposure by systemd (\d+)", page)
    (told,) = re.findall(rf"\| `{re.escape(unit.name)}` \| ([0-9.]+) \|", page)
    assert float(told) <= WORST_EXPOSURE
    if analyze("--version").stdout.split()[1] == version:
        assert told == exposure


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_what_exists_and_again_after_any_end(unit: Path) -> None:
    """The verb exists; it notifies, is watched, is nobody special, and only status 2 keeps it down."""
    said = entries(unit)
    verb = said["ExecStart"].split()[1]
    assert verb in {command.name for command in app.registered_commands}
    assert said["Type"] == "notify"
    assert said["Restart"] == "always"
    assert said["StartLimitIntervalSec"] == "0"
    assert said["RestartPreventExitStatus"] == "2"
    assert int(said["WatchdogSec"]) >= 10
    assert said["User"] == "pumpd"
    assert said["CapabilityBoundingSet"] == ""
    assert said["ProtectSystem"] == "strict"


def test_the_daemon_may_ask_for_its_clock_and_its_serial_ports() -> None:
    """What pumpd needs of the machine is not fenced off: adjtimex(2), tty devices."""
    text = (ROOT / "config" / "systemd" / "pumpd.service").read_text()
    assert "SystemCallFilter=@system-service adjtimex" in text
    assert "ProtectClock" not in entries(ROOT / "config" / "systemd" / "pumpd.service")
    assert {"ttyUSB", "ttyACM", "ttyS"} <= set(re.findall(r"^DeviceAllow=char-(\w+) rw$", text, re.MULTILINE))
