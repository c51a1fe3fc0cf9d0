"""The engineer's verbs about the house's pumps: list, import, add."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.config import load
from pumpd.core.telemetry import PumpId
from pumpd.errors import ConfigError

CONFIG = """
site: clinic
node: ward-a
data_dir: data
library: LIBRARY
fleet: fleet.csv
pumps:
  - {id: PUMP-01, url: "modbus-tcp://127.0.0.1:5020/1", driver: reference-pump, bed: "1"}
"""
LIBRARY = Path(__file__).parents[2] / "config" / "drug-library.yaml"
HEADER = "asset number,make,model,serial number,firmware\n"
ONE = "PUMP-01,pumpd project,REF-1,A-1,1.0\n"
pytestmark = pytest.mark.requirement("FLEET-1")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose fleet has one pump."""
    file = tmp_path / "pumpd.yaml"
    file.write_text(CONFIG.replace("LIBRARY", str(LIBRARY)))
    (tmp_path / "fleet.csv").write_text(HEADER + ONE)
    return file


def ran(*arguments: str) -> str:
    """Return what the verb said."""
    result = CliRunner().invoke(app, ["fleet", *arguments])
    assert result.exit_code == 0, result.exception
    return result.output


def refused(*arguments: str) -> list[tuple[str, int, str, str]]:
    """Return file, line, path and fault of each problem; each says what is allowed and how to mend it."""
    result = CliRunner().invoke(app, ["fleet", *arguments])
    error = result.exception
    assert isinstance(error, ConfigError), result.output
    assert all(problem.allowed and problem.remedy for problem in error.problems)
    return [(Path(p.file).name, p.line, p.path, p.what) for p in error.problems]


def added(config: Path, **changed: str) -> list[str]:
    """Return the arguments that add a spare."""
    said = {"asset": "SPARE-1", "make": "M", "model": "REF-1", "serial": "A-9"} | changed
    return ["add", "-c", str(config), *(part for key, value in said.items() for part in (f"--{key}", value))]


def test_a_pump_is_added_and_listed(config: Path) -> None:
    """What changed is said, and what makes a daemon that runs know it; the table can be read again."""
    told = ran(*added(config, firmware="2.1"))
    assert "SPARE-1: not there -> M REF-1 A-9 2.1" in told
    assert f"pumpd reload -c {config}" in told
    fleet = load(config).fleet
    assert fleet is not None
    assert str(fleet.of(PumpId("SPARE-1"))) == "M REF-1 A-9 2.1"
    assert ran(*added(config, firmware="2.1")) == "nothing has changed\n"
    assert "M REF-1 A-9 2.1 -> M REF-1 A-10" in ran(*added(config, serial="A-10"))
    listed = ran("list", "-c", str(config))
    assert re.search(r"SPARE-1 +M +REF-1 +A-10 +none", listed)
    assert re.search(r"PUMP-01 +pumpd project +REF-1 +A-1 +1\.0 +1 +modbus-tcp://127\.0\.0\.1:5020/1", listed)
    assert "fleet: 2 pumps, 1 of them watched here; without a port: SPARE-1" in listed


def test_a_table_is_imported_whole(config: Path, tmp_path: Path) -> None:
    """As an inventory exports it; also where there was no table, or one with a fault."""
    table = tmp_path / "export.csv"
    table.write_text(HEADER + ONE + "P-2,M,REF-1,A-2,\n")
    for before in (HEADER + ONE, "no table at all\n", None):
        fleet = tmp_path / "fleet.csv"
        fleet.unlink(missing_ok=True)
        if before is not None:
            fleet.write_text(before)
        assert "P-2: not there -> M REF-1 A-2" in ran("import", str(table), "-c", str(config))
        assert fleet.read_text() == table.read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["export.csv", "fleet.csv", "pumpd.yaml"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ("export.csv", 0, "(file)", "it is empty")),
        (HEADER + "P-1,M,REF-1,,\n", ("export.csv", 2, "serial number", "it is empty")),
        (HEADER + ONE + ONE, ("export.csv", 3, "asset number", "PUMP-01 stands on line 2 too")),
        (HEADER + "P-2,M,REF-1,A-2,\n", ("pumpd.yaml", 8, "pumps[0].id", "PUMP-01 is not in fleet.csv")),
    ],
)
def test_a_table_with_a_fault_changes_nothing(
    config: Path, tmp_path: Path, text: str, problem: tuple[str, int, str, str]
) -> None:
    """Each fault is told with file and line, in the table or where the configuration needs another one."""
    (tmp_path / "export.csv").write_text(text)
    assert problem in refused("import", str(tmp_path / "export.csv"), "-c", str(config))
    assert (tmp_path / "fleet.csv").read_text() == HEADER + ONE
    assert refused("import", str(tmp_path / "absent.csv"), "-c", str(config)) == [
        ("absent.csv", 0, "(file)", "it can not be read: no such file or directory")
    ]


def test_what_is_typed_is_held_to_what_a_file_is_held_to(config: Path, tmp_path: Path) -> None:
    """No serial number, one of another pump, blanks around it, or a configuration without a fleet."""
    assert refused(*added(config, serial=""))[0][2:] == ("serial number", "it is empty")
    assert refused(*added(config, serial="A-1"))[0][2:] == ("serial number", "REF-1 A-1 stands on line 2 too")
    assert "space" in refused(*added(config, asset=" SPARE-1"))[0][3]
    config.write_text(config.read_text().replace("fleet: fleet.csv\n", ""))
    assert refused(*added(config))[0][2:] == ("fleet", "the configuration names no fleet")
    assert (tmp_path / "fleet.csv").read_text() == HEADER + ONE


@pytest.mark.parametrize("verb", ["import", "add"])
@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("/dev/null", "it can not be read: it is not a file"),
        ("data", "it can not be read: is a directory"),
        ("nowhere/fleet.csv", "nothing can be written beside it: no such file or directory"),
    ],
)
def test_a_fleet_that_is_no_file_is_told_in_words(
    config: Path, tmp_path: Path, verb: str, named: str, words: str
) -> None:
    """A device, a folder, or a folder that is not there: what, and under which name."""
    (tmp_path / "data").mkdir()
    table = tmp_path / "fleet.csv"
    config.write_text(config.read_text().replace("fleet: fleet.csv", f"fleet: {named}"))
    told = refused(*(added(config) if verb == "add" else ["import", str(table), "-c", str(config)]))
    assert told == [(Path(named).name, 0, "(file)", words)]


def test_a_table_that_is_no_file_is_told_in_words(config: Path, tmp_path: Path) -> None:
    """A pipe that nobody fills, which is not waited for, and a folder."""
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("pipe", "it is not a file"), (".", "is a directory")):
        told = refused("import", str(tmp_path / name), "-c", str(config))
        assert told[0][2:] == ("(file)", f"it can not be read: {words}")


def test_bytes_that_are_no_text_are_told_in_words(config: Path, tmp_path: Path) -> None:
    """As a shell hands them over."""
    told = refused(*added(config, serial=os.fsdecode(b"A-\xff")))
    assert told == [("fleet.csv", 3, "(file)", "byte 0xFF is not UTF-8")]
    assert (tmp_path / "fleet.csv").read_text() == HEADER + ONE


def test_a_configuration_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    """Not as one that names no fleet."""
    told = refused(*added(tmp_path / "absent.yaml"))
    assert told == [("absent.yaml", 0, "(file)", "it can not be read: no such file or directory")]
