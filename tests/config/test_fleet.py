"""The fleet's table: what is read of it, and how each fault is told."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path

import pytest

from pumpd.config import load
from pumpd.config_fleet import COLUMNS, LONGEST, fleet_in, fleet_told
from pumpd.core.telemetry import PumpId
from pumpd.document import LARGEST_BYTES
from pumpd.drivers.base import Identity
from pumpd.errors import ConfigError

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "fleet.md"
HEADER = ",".join(COLUMNS)
ONE = "PUMP-01,pumpd project,REF-1,A-1,1.0"
pytestmark = pytest.mark.requirement("FLEET-1")


def told(text: str | bytes) -> list[tuple[int, str, str]]:
    """Return line, column and fault of each problem."""
    raw = text.encode() if isinstance(text, str) else text
    read = fleet_in(raw, "fleet.csv")
    for problem in read.problems:
        assert problem.file == "fleet.csv"
        assert problem.allowed
        assert problem.remedy
    return [(problem.line, problem.path, problem.what) for problem in read.problems]


def test_the_table_of_the_page_is_read() -> None:
    """docs/fleet.md shows a table that holds; a pump is found by asset number, and by who answers."""
    (table,) = re.findall(r"```csv\n(.*?)```", DOCS.read_text(), re.DOTALL)
    read = fleet_in(table.encode(), "fleet.csv")
    assert read.problems == ()
    assert [pump.asset for pump in read.fleet.pumps] == ["PUMP-01", "PUMP-02", "PUMP-03"]
    second = read.fleet.of(PumpId("PUMP-02"))
    assert second is not None
    assert str(second) == "pumpd project REF-1 A-1002 1.0"
    assert read.fleet.who(Identity("any make", "REF-1", "A-1002", "9.9")) is second
    assert read.fleet.who(Identity("pumpd project", "REF-2", "A-1002")) is None
    assert read.fleet.who(Identity("pumpd project", "REF-1", "")) is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_columns_in_any_order_quotes_and_every_line_end(end: str) -> None:
    """As inventories export them: a comma inside of quotes, another order, blank lines."""
    lines = ["make,firmware,asset number,serial number,model", '"Maker, Ltd",,P-1,S-1,M', "", ""]
    read = fleet_in(end.join(lines).encode(), "fleet.csv")
    assert read.problems == ()
    (pump,) = read.fleet.pumps
    assert (pump.make, pump.serial_number, pump.firmware) == ("Maker, Ltd", "S-1", "")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_whatever_a_spreadsheet_parts_cells_by_and_begins_a_file_with(separator: str) -> None:
    """Semicolons (where a comma is the decimal point), tabs, a byte order mark; faults keep their lines."""
    rows = (list(COLUMNS), ["P-1", "Maker, Ltd; Co", "M\t2", "S-1", ""], ["P-2", "", "M", "S-2", "1,0"])
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    read = fleet_in(text.getvalue().encode("utf-8-sig"), "export.csv")
    assert [(pump.asset, pump.make, pump.firmware) for pump in read.fleet.pumps] == []
    assert [(problem.line, problem.path) for problem in read.problems] == [(2, "model"), (3, "make")]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows((rows[0], ["P-1", "Maker, Ltd; Co", "M", "S-1", "1,0"]))
    read = fleet_in(text.getvalue().encode("utf-8-sig"), "export.csv")
    assert read.problems == ()
    (pump,) = read.fleet.pumps
    assert (pump.asset, pump.make, pump.firmware) == ("P-1", "Maker, Ltd; Co", "1,0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(0, "(file)", "it is empty")]),
        (f"{HEADER}\n", [(0, "(file)", "it holds no pump")]),
        (f"{HEADER}\nP-1,M\xfc,X,1,".encode("latin-1"), [(2, "(file)", "byte 0xFC is not UTF-8")]),
        (f"{HEADER},ward\n", [(1, "ward", "there is no such column")]),
        (
            HEADER.replace("serial number", "Serial Number"),
            [(1, "Serial Number", "there is no such column"), (1, "serial number", "this column is missing")],
        ),
        (f"{HEADER},make\n", [(1, "make", "this column stands twice")]),
        ("asset number,make,model,serial number\n", [(1, "firmware", "this column is missing")]),
        (f"{HEADER}\n{ONE},x\nP-2,M,X,2\n", [(2, "(line)", "6 cells"), (3, "(line)", "4 cells")]),
        (f"{HEADER}\n,,,,\n", [(2, "(line)", "this line has no pump")]),
        (f"{HEADER}\nP-1,,X,,\n", [(2, "make", "it is empty"), (2, "serial number", "it is empty")]),
        (f"{HEADER}\nP-1, M,X,1,\n", [(2, "make", "' M' begins or ends with a space")]),
        (f"{HEADER}\nP-1,M,X,1\u200b2,\n", [(2, "serial number", "it holds a character that nobody sees")]),
        (
            f"{HEADER}\nP-1,M,X,{'9' * (LONGEST + 1)},\nP-2,M,X,{'9' * LONGEST},\n",
            [(2, "serial number", f"{LONGEST + 1} letters")],
        ),
        (
            f"{HEADER}\nP-1,M,X,1.2E+08,\n",
            [(2, "serial number", "1.2E+08 is what a spreadsheet made of a long number")],
        ),
        (
            f'{HEADER}\nP-1,M,X,"1,\n{ONE}\n',
            [(2, "(line)", "it is no line of a table: unexpected end of data")],
        ),
        (
            f"{HEADER}\n{ONE}\nPUMP-02,M,REF-1,A-1,\nPUMP-01,M,REF-2,A-1,\n",
            [
                (3, "serial number", "REF-1 A-1 stands on line 2 too"),
                (4, "asset number", "PUMP-01 stands on line 2 too"),
            ],
        ),
        (b"a" * (LARGEST_BYTES + 1), [(0, "(file)", f"it has more than {LARGEST_BYTES} bytes")]),
    ],
    ids=[
        "empty",
        "no pump",
        "not UTF-8",
        "unknown column",
        "column in capitals",
        "column twice",
        "missing column",
        "cells",
        "blank row",
        "empty cells",
        "space",
        "unseen",
        "long",
        "number",
        "quotes",
        "twice",
        "too large",
    ],
)
def test_each_fault_is_told_with_line_and_column(
    text: str | bytes, expected: list[tuple[int, str, str]]
) -> None:
    """Every fault at once, in order of lines, each with what is allowed and how to mend it."""
    assert told(text) == expected


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """Return the shipped configuration with a fleet beside it."""
    for name in ("pumpd.yaml", "drug-library.yaml"):
        shutil.copy(HERE.parents[1] / "config" / name, tmp_path)
    file = tmp_path / "pumpd.yaml"
    file.write_text(file.read_text() + "fleet: fleet.csv\n")
    return file


def rows(ward: Path, *lines: str) -> Path:
    """Write the fleet: the pumps of the shipped configuration, and these."""
    pumps = re.findall(r"^  - id: (\S+)", ward.read_text(), re.MULTILINE)
    known = {line.partition(",")[0] for line in lines}
    usual = [f"{pump},M,REF-1,S-{pump}," for pump in pumps if pump not in known]
    fleet = ward.with_name("fleet.csv")
    fleet.write_text("\n".join((HEADER, *usual, *lines)) + "\n")
    return fleet


def test_a_configuration_and_its_fleet(ward: Path) -> None:
    """It is read, relative to the configuration, and `check-config` counts it."""
    rows(ward, "SPARE-1,M,REF-1,S-9,", "SPARE-2,M,REF-1,S-8,")
    config = load(ward)
    assert config.fleet is not None
    n = len(config.pumps)
    assert list(fleet_told(config.fleet, config.pumps)) == [
        f"fleet: {n + 2} pumps, {n} of them watched here; without a port: SPARE-1, SPARE-2"
    ]
    assert "first is believed" in next(fleet_told(None, config.pumps))


@pytest.mark.parametrize(
    ("row", "key", "what"),
    [
        ("OTHER-01,M,REF-1,S-1,", "id", "PUMP-01 is not in fleet.csv"),
        (
            "PUMP-01,M,REF-2,S-1,",
            "driver",
            "fleet.csv says that PUMP-01 is a REF-2, and reference-pump is for REF-1",
        ),
        (
            "PUMP-01,M,REF-1,S-2,",
            "serial_number",
            "fleet.csv says that PUMP-01 has the serial number S-2",
        ),
    ],
)
def test_where_fleet_and_configuration_do_not_agree(ward: Path, row: str, key: str, what: str) -> None:
    """Told at the pump of the configuration, with its line."""
    text = ward.read_text().replace("    driver: ", "    serial_number: S-1\n    driver: ", 1)
    ward.write_text(text)
    fleet = rows(ward, row)
    if key == "id":
        fleet.write_text("".join(x for x in fleet.read_text().splitlines(True) if "PUMP-01" not in x))
    with pytest.raises(ConfigError) as caught:
        load(ward)
    assert [(p.path, p.what) for p in caught.value.problems] == [(f"pumps[0].{key}", what)]
    assert caught.value.problems[0].line


def test_faults_of_the_fleet_come_with_those_of_the_configuration(ward: Path) -> None:
    """A table with a fault is not held against the pumps; one that is not there is told where it is named."""
    fleet = rows(ward, "SPARE-1,,REF-1,S-9,")
    with pytest.raises(ConfigError) as caught:
        load(ward)
    (problem,) = caught.value.problems
    assert (problem.file, problem.path, problem.what) == (str(fleet), "make", "it is empty")
    fleet.unlink()
    with pytest.raises(ConfigError) as caught:
        load(ward)
    (problem,) = caught.value.problems
    assert (problem.path, problem.what) == (
        "fleet",
        "the fleet fleet.csv can not be read: no such file or directory",
    )
