"""The environments are built once for all tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.outside import fresh

DRIVERS = ("acme-modbus", "acme-ascii")
KINDS = {"borrowing": fresh.borrowing, "installed anew": fresh.installed_anew}


@dataclass(frozen=True, slots=True)
class Wheels:
    """What was built."""

    pumpd: Path
    others: tuple[Path, ...]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Build pumpd and the packages from outside."""
    folder = tmp_path_factory.mktemp("wheels")
    pumpd = fresh.built_wheel(fresh.pumpd_source(folder / "pumpd"), folder)
    others = [fresh.built_wheel(fresh.package_source(name, folder), folder) for name in DRIVERS]
    return Wheels(pumpd, tuple(others))


@pytest.fixture(scope="session")
def built() -> dict[str, fresh.Fresh]:
    """Return the environments that there are, by kind."""
    return {}


@pytest.fixture
def environment(
    request: pytest.FixtureRequest,
    wheels: Wheels,
    built: dict[str, fresh.Fresh],
    tmp_path_factory: pytest.TempPathFactory,
) -> fresh.Fresh:
    """Return an environment with everything from wheels; ``param`` says how."""
    kind = getattr(request, "param", "borrowing")
    if kind not in built:
        directory = tmp_path_factory.mktemp("fresh") / "venv"
        built[kind] = KINDS[kind](directory, [wheels.pumpd, *wheels.others])
    return built[kind]
