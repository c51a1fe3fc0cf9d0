"""Packages that bring drivers and can not be used: named, and kept from harming the others."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd import brought as module
from pumpd.cli import app
from pumpd.drivers import registry

CARD = Path(registry.__file__).with_name("cards") / "reference-pump.yaml"


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Make packages of cards that entry points name; nothing is remembered afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    points = []

    def make(name, text):
        folder = tmp_path / name
        folder.mkdir()
        ends = "raise SystemExit('it ends')\n" if name == "ends_all" else "raise OSError('it is broken')\n"
        (folder / "__init__.py").write_text("" if text is not None else ends)
        (folder / "card.yaml").write_text(text or "")
        points.append(EntryPoint(name, name, module.DRIVERS))

    monkeypatch.setattr(module, "entry_points", lambda group: [p for p in points if p.group == group])
    registry.brought_drivers.cache_clear()
    yield make
    registry.brought_drivers.cache_clear()
    for point in points:
        sys.modules.pop(point.name, None)


@pytest.mark.requirement("PLUG-1")
def test_broken_packages_are_named_and_a_good_one_is_used(packages):
    """Two break while imported, one has a bad card, one takes a shipped name; the fifth is found."""
    good = CARD.read_text()
    packages("breaks_at_once", None)
    packages("ends_all", None)
    packages("a_bad_card", good.replace("human_use: true", "human_use: perhaps"))
    packages("takes_a_name", good)
    packages("well_made", good.replace("driver: reference-pump", "driver: other-pump"))
    assert list(registry.installed()) == [*registry.shipped(), "other-pump"]
    faults = registry.faults()
    assert len(faults) == 4
    assert faults["ends_all of a package without a name"] == "SystemExit: it ends"
    assert "it is broken" in faults["breaks_at_once of a package without a name"]
    assert "perhaps" in faults["a_bad_card of a package without a name"]
    assert "there is a reference-pump already" in faults["takes_a_name of a package without a name"]
    assert registry.find("reference-pump") is registry.shipped()["reference-pump"]
    shown = CliRunner().invoke(app, ["drivers", "list"])
    assert shown.exit_code == 0
    assert "breaks_at_once of a package without a name can not be used: OSError: it is broken" in shown.stdout


def test_a_driver_has_one_way_to_speak():
    """Neither none nor two: a register map or a dialect."""
    spec = registry.find("reference-pump")
    fields = {name: getattr(spec, name) for name in spec.__slots__}
    with pytest.raises(ValueError, match="either a register map or a dialect"):
        registry.DriverSpec(**{**fields, "register_map": None})
