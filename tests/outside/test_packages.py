"""Driver packages that are made outside of pumpd: found, judged, and kept from harming the others."""

from __future__ import annotations

import re
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
EVERY = [(name, kind) for kind in KINDS for name in DRIVERS][:JUDGED]

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


@pytest.mark.requirement("PLUG-1")
@pytest.mark.parametrize(("driver", "environment"), EVERY, indirect=["environment"])
def test_a_driver_from_outside_is_found_and_judged(driver: str, environment: fresh.Fresh) -> None:
    """Through its entry point, by the installed plug-in; below full it fails, with each reason."""
    where = environment.run("python", "-c", "import pumpd; print(pumpd.__file__)")
    assert where.stdout.startswith(str(environment.directory))
    assert re.search(rf"^{driver} +Acme ", environment.run("pumpd", "drivers", "list").stdout, re.MULTILINE)
    judged = environment.run("pytest", "--pumpd-driver", driver, "-q", "-p", "no:cacheprovider")
    score = re.search(rf"^{driver}: (\d+) of (\d+) points$", judged.stdout, re.MULTILINE)
    assert score, judged.stdout + judged.stderr
    missing = re.findall(r"^missing  (\S.*?): (.+)$", judged.stdout, re.MULTILINE)
    assert int(score[2]) - int(score[1]) == len(missing) == 2
    assert all(reason.startswith("the map has no heartbeat") for _, reason in missing)
    assert judged.returncode == 1
    enough = environment.run(
        "pytest", "--pumpd-driver", driver, "--pumpd-min-score", score[1], "-q", "-p", "no:cacheprovider"
    )
    assert enough.returncode == 0, enough.stdout


@pytest.mark.requirement("PLUG-1")
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
