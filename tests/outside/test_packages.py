"""Driver packages that are made outside of pumpd: found, judged, and kept from harming the others."""

from __future__ import annotations

import re
import signal
import zipfile
from pathlib import Path

import pytest

from tests import proof
from tests.house.tree import ROOT, tracked
from tests.outside import fresh
from tests.outside.conftest import DRIVERS, KINDS, Wheels

JUDGED = proof.count(
    "driver packages judged in an environment of wheels (the second half: all packages installed anew)",
    small=len(DRIVERS),
    full=len(DRIVERS) * len(KINDS),
)
MISSING = {"acme-modbus": 2, "acme-ascii": 0}
"""The map of the one has no heartbeat; the other reaches all."""
EVERY = [(name, kind) for kind in KINDS for name in DRIVERS][:JUDGED]

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


@pytest.mark.requirement("PLUG-1")
@pytest.mark.parametrize(("driver", "environment"), EVERY, indirect=["environment"])
def test_a_driver_from_outside_is_found_and_judged(driver: str, environment: fresh.Fresh) -> None:
    """Through its entry point, by the installed plug-in; below full it fails, with each reason."""
    where = environment.run("python", "-c", "import pumpd; print(pumpd.__file__)")
    assert where.stdout.startswith(str(environment.directory))
    assert re.search(
        rf"^{driver} +A Maker ", environment.run("pumpd", "drivers", "list").stdout, re.MULTILINE
    )
    judged = environment.run("pytest", "--pumpd-driver", driver, "-q", "-p", "no:cacheprovider")
    score = re.search(rf"^{driver}: (\d+) of (\d+) points$", judged.stdout, re.MULTILINE)
    assert score, judged.stdout + judged.stderr
    missing = re.findall(r"^missing  (\S.*?): (.+)$", judged.stdout, re.MULTILINE)
    assert int(score[2]) - int(score[1]) == len(missing) == MISSING[driver]
    assert all(reason.startswith("the map has no heartbeat") for _, reason in missing)
    assert judged.returncode == int(MISSING[driver] > 0)
    enough = environment.run(
        "pytest", "--pumpd-driver", driver, "--pumpd-min-score", score[1], "-q", "-p", "no:cacheprovider"
    )
    assert enough.returncode == 0, enough.stdout


@pytest.mark.requirement("PLUG-2")
def test_the_wheel_holds_what_runs_and_what_ships_as_example(wheels: Wheels) -> None:
    """Every module, map, card, table and built page; examples, scenarios and schemas; no test."""
    held = set(zipfile.ZipFile(wheels.pumpd).namelist())
    names = {path.relative_to(ROOT).as_posix() for path in tracked()}
    needed = {
        n for n in names if n.startswith(("pumpd/", "dashboard/")) and n.endswith((".py", ".sql", ".yaml"))
    }
    needed -= {n for n in needed if n.startswith("dashboard/web/")}
    for folder in ("demo", "scenarios", "schemas"):
        needed |= {
            n.replace("config/", "pumpd/examples/") for n in names if n.startswith(f"config/{folder}/")
        }
    needed |= {p.relative_to(ROOT).as_posix() for p in fresh.STATIC.rglob("*") if p.is_file()}
    assert needed - held == set()
    assert {Path(n).parts[0] for n in held} == {"pumpd", "dashboard", f"pumpd-{_version(wheels)}.dist-info"}


def _version(wheels: Wheels) -> str:
    return wheels.pumpd.name.split("-")[1]


@pytest.mark.requirement("ENG-4")
def test_what_the_verb_makes_is_the_package_that_is_judged(environment: fresh.Fresh, tmp_path: Path) -> None:
    """`pumpd drivers new` works from the wheel; framer and examples tests pass as they are made.

    Under names of their own: those of the packages that are judged are taken here.
    """
    taken = environment.run("pumpd", "drivers", "new", "acme-ascii", "--into", str(tmp_path))
    assert (taken.returncode, "a driver acme-ascii already" in taken.stderr) == (2, True)
    for words in (["own-ascii"], ["own-modbus", "--modbus"]):
        made = environment.run("pumpd", "drivers", "new", *words, "--into", str(tmp_path))
        assert made.returncode == 0, made.stderr
        done = environment.run("pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path / words[0])
        assert done.returncode == 0, done.stdout


OWN_TESTS = """
import asyncio
import pytest
from pumpd.errors import ForbiddenFrameError
from pumpd.probe import probe
from pumpd.qa.conformance.wire import DressedUp
from pumpd.qa.virtual_time import in_virtual_time


@pytest.mark.parametrize("over", ["tcp", "pty"])
def test_probe_over_a_real_wire(pumpd_pump, over):
    async def probed():
        told = []
        async with pumpd_pump("acme-ascii", over=over) as pump:
            pump.start()
            await pump.bus.link.close(OSError("the line is for the probe"))
            return await probe(pump.url, "acme-ascii", told.append), told

    well, told = asyncio.run(probed())
    assert well, told
    assert "this is a SIMULATED pump: its values are never shown as real" in told


@in_virtual_time
async def test_pause_and_no_start(pumpd_pump):
    async with pumpd_pump("acme-ascii") as pump:
        pump.start()
        await asyncio.sleep(600)
        assert (await pump.read()).status.value == "running"
        await pump.driver.pause(pump.talk, "1")
        assert (await pump.read()).status.value == "paused"
        with pytest.raises(ForbiddenFrameError):
            await pump.talk.ask(DressedUp(b"G"))
        assert not pump.judge.tally.raises
"""


@pytest.mark.requirement("PLUG-1", "INV-1")
def test_a_protocol_of_its_own_goes_over_every_wire(environment: fresh.Fresh, tmp_path: Path) -> None:
    """A framed dialect from outside is probed over socket and pseudo-terminal, and can not start a pump."""
    (tmp_path / "test_acme.py").write_text(OWN_TESTS)
    done = environment.run("pytest", "-q", "-p", "no:cacheprovider", "test_acme.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


CONFIG = """
site: clinic
node: ward-a
data_dir: data
mqtt: {host: 127.0.0.1, port: 1883}
history: {kind: sqlite}
dashboard: {host: 127.0.0.1, port: 8080}
library: drug-library.yaml
pumps:
  - {id: PUMP-01, url: "tcp://127.0.0.1:4001", driver: acme-ascii}
  - {id: PUMP-02, url: "%s", driver: acme-ascii}
"""


@pytest.mark.requirement("PLUG-1")
def test_a_configuration_names_a_driver_from_outside(environment: fresh.Fresh, tmp_path: Path) -> None:
    """It is accepted where the URL is one of its protocol, and told otherwise."""
    assert environment.run("pumpd", "examples", ".", cwd=tmp_path).returncode == 0
    (tmp_path / "ours.yaml").write_text(CONFIG % "serial:///dev/ttyUSB0?baud=9600")
    good = environment.run("pumpd", "check-config", "-c", "ours.yaml", cwd=tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    (tmp_path / "ours.yaml").write_text(CONFIG % "modbus-tcp://10.0.0.1:502/1")
    bad = environment.run("pumpd", "check-config", "-c", "ours.yaml", cwd=tmp_path)
    assert bad.returncode == 2
    assert "acme-ascii speaks a protocol of its own" in bad.stderr


@pytest.mark.e2e
@pytest.mark.requirement("PLUG-2")
def test_the_demo_runs_from_the_wheel(environment: fresh.Fresh, tmp_path: Path) -> None:
    """With nothing but what is installed: it comes up, tells its address, and ends cleanly when told to."""
    with environment.started("pumpd", "demo", cwd=tmp_path) as demo:
        assert demo.stdout is not None
        told = next((line for line in demo.stdout if line.startswith("dashboard ")), "")
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait() == 0, rest
    assert "http://127.0.0.1:" in told, rest
