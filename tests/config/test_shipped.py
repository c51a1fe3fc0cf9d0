"""The files that ship as examples are good, and say truly who signed for what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pumpd.config import load
from pumpd.config_library import load_library
from pumpd.core.quantities import Concentration
from pumpd.core.telemetry import Provenance
from pumpd.simulator.ward import listening, load_ward
from pumpd.transports.url import Framing, parse_url

SHIPPED = Path(__file__).parents[2] / "config"


def _named(schema: str) -> list[Path]:
    """Return the shipped files that name ``schema`` in their first line.

    Those of the containers name secrets that are made there; tests/house/test_containers.py reads them with.
    """
    return [
        file
        for file in sorted(SHIPPED.rglob("*.yaml"))
        if file.parent.name != "compose" and f"/{schema}.json" in file.read_text().splitlines()[0]
    ]


@pytest.mark.requirement("CFG-2")
@pytest.mark.parametrize(
    ("file", "read"),
    [
        *((file, load) for file in _named("config")),
        *((file, load_library) for file in _named("library")),
        *((file, load_ward) for file in _named("ward")),
    ],
    ids=lambda part: str(part.relative_to(SHIPPED)) if isinstance(part, Path) else "",
)
def test_shipped_file_has_no_problem(file: Path, read: Callable[[Path], object]) -> None:
    """What a newcomer copies is good as it is, whatever kind of file it is."""
    assert read(file)


@pytest.mark.requirement("CFG-2")
def test_shipped_ward_is_the_shipped_demos() -> None:
    """Every pump of the demo's configuration is in its ward, at the same address, and is simulated."""
    ward, config = load_ward(SHIPPED / "demo" / "ward.yaml"), load(SHIPPED / "demo" / "pumpd.yaml")
    served = {pump.id: (listening(line.listen).line, pump.unit) for line in ward.lines for pump in line.pumps}
    asked = {pump.id: parse_url(pump.url) for pump in config.pumps}
    assert served == {name: (url.line, url.unit) for name, url in asked.items()}
    assert len(served) == 12
    over_rtu = [url for url in asked.values() if url.framing is Framing.MODBUS_RTU]
    assert len(over_rtu) >= 4
    assert len({url.line for url in over_rtu}) == 2


def test_starting_library_is_unsigned() -> None:
    """Nobody has signed the starting library, so nothing is ever paused under it."""
    assert load_library(SHIPPED / "drug-library.yaml").signed_for == frozenset()


def test_demo_library_is_signed_for_simulated_pumps_only() -> None:
    """The demo's library can not make pumpd pause a real pump."""
    assert load_library(SHIPPED / "demo" / "drug-library.yaml").signed_for == {Provenance.DEMO}


def test_both_libraries_hold_the_same_numbers() -> None:
    """What the demo shows is what the starting library says."""
    ours, demo = (load_library(SHIPPED / name) for name in ("drug-library.yaml", "demo/drug-library.yaml"))
    assert ours.entries == demo.entries
    entry = ours.lookup("ketamine", Concentration.parse("2 mg/mL"), "pain-clinic")
    assert entry is not None
    assert str(entry.dose_rate.hard_max) == "1 mg/kg/h"
    assert "Reg Anesth Pain Med 2018;43:456-466" in entry.source
