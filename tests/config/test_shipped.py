"""The files that ship as examples are good, and say truly who signed for what."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.config import load
from pumpd.config_library import load_library
from pumpd.core.quantities import Concentration
from pumpd.core.telemetry import Provenance

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("name", ["pumpd.yaml"])
def test_shipped_configuration_has_no_problem(name: str) -> None:
    """What a newcomer copies passes check-config as it is."""
    assert load(SHIPPED / name).pumps


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
