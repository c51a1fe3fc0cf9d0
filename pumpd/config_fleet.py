"""The fleet: a table of the house's pumps, as an inventory or a spreadsheet exports it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pumpd.config_models import PumpSection
from pumpd.core.telemetry import PumpId
from pumpd.document import LARGEST_BYTES, DocPath, Document, read_bounded
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.drivers.registry import DriverSpec
from pumpd.errors import Problem

COLUMNS = ("asset number", "make", "model", "serial number", "firmware")
"""Each once, in any order; only a firmware may be empty."""
LONGEST = 64
"""Letters in a cell; no label on a pump holds more."""
_HEADER = ",".join(COLUMNS)
_MADE_A_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATORS = ",;\t"
"""The first line says which: no column has one of them in its name."""


@dataclass(frozen=True, slots=True)
class FleetFile:
    """What was read of a file, and everything that is wrong with it."""

    fleet: Fleet
    problems: tuple[Problem, ...] = ()


def read_fleet(file: Path, shown_as: str) -> FleetFile:
    """Return the fleet in ``file``; OSError or ValueError when it can not be read at all."""
    return fleet_in(read_bounded(file), shown_as)


def fleet_in(raw: bytes, name: str) -> FleetFile:
    """Return the fleet that ``raw`` holds; ``name`` is the file in messages."""
    table = _Table(name)
    pumps = list(table.pumps(raw))
    return FleetFile(Fleet(pumps), tuple(sorted(table.problems, key=lambda problem: problem.line)))


def fleet_text(fleet: Fleet) -> str:
    """Return ``fleet`` as its file holds it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((p.asset, p.make, p.model, p.serial_number, p.firmware) for p in fleet.pumps)
    return text.getvalue()


class _Table:
    def __init__(self, name: str) -> None:
        self._name = name
        self.problems: list[Problem] = []

    def _tell(self, line: int, column: str, what: str, allowed: str, remedy: str) -> None:
        self.problems.append(Problem(self._name, line, column, what, allowed, remedy))

    def pumps(self, raw: bytes) -> Iterator[FleetPump]:
        """Yield every good row."""
        text = self._text(raw)
        if text is None:
            return
        rows = self._rows(text)
        header = next(rows, None)
        if header is None:
            self._tell(0, "(file)", "it is empty", f"a first line {_HEADER}", "start with that line")
            return
        line, names = header
        if not self._columns(line, names):
            return
        seen: dict[tuple[str, ...], int] = {}
        count = 0
        for line, cells in rows:
            count += 1
            row = self._row(line, names, cells)
            if row is not None and self._alone(line, row, seen):
                yield FleetPump(
                    PumpId(row["asset number"]),
                    row["make"],
                    row["model"],
                    row["serial number"],
                    row["firmware"],
                )
        if not count:
            self._tell(0, "(file)", "it holds no pump", "a line for each pump", "add the pumps")

    def _text(self, raw: bytes) -> str | None:
        if len(raw) > LARGEST_BYTES:
            at_most = f"at most {LARGEST_BYTES} bytes"
            self._tell(
                0, "(file)", f"it has more than {LARGEST_BYTES} bytes", at_most, "name the fleet's file"
            )
            return None
        try:
            return raw.decode("utf-8-sig")  # spreadsheets write a byte order mark
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            what = f"byte 0x{raw[error.start]:02X} is not UTF-8"
            self._tell(line, "(file)", what, "text in UTF-8", "save it as CSV in UTF-8")
            return None

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield each line that is not blank, with its number."""
        first = next((line for line in _LINE_END.split(text) if line), "")
        separator = max(_SEPARATORS, key=first.count)
        for number, line in enumerate(_LINE_END.split(text), 1):
            try:
                for cells in csv.reader([line], delimiter=separator, strict=True):
                    if cells:
                        yield number, cells
            except csv.Error as error:
                what = f"it is no line of a table: {error}"
                self._tell(
                    number, "(line)", what, "quotes around a whole cell, closed on its line", "mend it"
                )

    def _columns(self, line: int, names: Sequence[str]) -> bool:
        """Tell what is wrong with the columns; True when the rows below can be read."""
        before = len(self.problems)
        for at, name in enumerate(names):
            if name not in COLUMNS:
                near = get_close_matches(name.strip().lower(), COLUMNS, n=1)
                remedy = f"did you mean '{near[0]}'?" if near else "take this column out"
                self._tell(line, name.strip() or "(no name)", "there is no such column", _HEADER, remedy)
            elif name in names[:at]:
                self._tell(line, name, "this column stands twice", "each column once", "take one of them out")
        unknown = len(self.problems) > before
        for name in COLUMNS:
            if name not in names:
                self._tell(line, name, "this column is missing", _HEADER, "add it to every line")
        return not unknown and len(self.problems) == before

    def _row(self, line: int, names: Sequence[str], cells: Sequence[str]) -> Mapping[str, str] | None:
        if not any(cell.strip() for cell in cells):
            self._tell(line, "(line)", "this line has no pump", "a pump on every line", "remove the line")
            return None
        if len(cells) != len(names):
            what, allowed = f"{len(cells)} cells", f"{len(names)} cells, as the first line has"
            self._tell(line, "(line)", what, allowed, "put quotes around a cell that holds a separator")
            return None
        row = dict(zip(names, cells, strict=True))
        before = len(self.problems)
        for name in COLUMNS:
            self._cell(line, name, row[name])
        return row if len(self.problems) == before else None

    def _cell(self, line: int, name: str, text: str) -> None:
        if not text and name != "firmware":
            self._tell(line, name, "it is empty", "what the pump's label says", "write it")
        elif text != text.strip():
            what, allowed = f"{text!r} begins or ends with a space", "no space around it"
            self._tell(line, name, what, allowed, f"write {text.strip()}")
        elif not text.isprintable():
            what = "it holds a character that nobody sees"
            self._tell(line, name, what, "printable text", "type it anew")
        elif len(text) > LONGEST:
            self._tell(line, name, f"{len(text)} letters", f"at most {LONGEST} letters", "look at the label")
        elif name != "make" and _MADE_A_NUMBER.fullmatch(text):
            what = f"{text} is what a spreadsheet made of a long number"
            remedy = "write the digits of the label; make the column text before the export"
            self._tell(line, name, what, "what the pump's label says", remedy)

    def _alone(self, line: int, row: Mapping[str, str], seen: dict[tuple[str, ...], int]) -> bool:
        """Return whether no line above has its asset number, or its model with its serial number."""
        alone = True
        for columns in (("asset number",), ("model", "serial number")):
            values = tuple(row[name] for name in columns)
            first = seen.setdefault((columns[-1], *values), line)
            if first != line:
                what = f"{' '.join(values)} stands on line {first} too"
                allowed = f"each {' with its '.join(columns)} once"
                self._tell(line, columns[-1], what, allowed, "look at both labels")
                alone = False
        return alone


def fleet_problems(
    document: Document,
    pumps: Sequence[tuple[DocPath, PumpSection]],
    drivers: Mapping[str, DriverSpec],
    named: str,
    directory: Path,
    instead: Path | None = None,
) -> Iterator[Problem]:
    """Yield what is wrong with the file ``named``, and where the configuration and it do not agree.

    ``instead`` is read in its place, under its name.
    """
    if not named:
        return
    try:
        read = read_fleet(instead or directory / named, str(directory / named))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        what = f"the fleet {named} can not be read: {reason}"
        yield document.problem(("fleet",), what, "a CSV file", "name the fleet's file, relative to this file")
        return
    yield from read.problems
    if read.problems:
        return
    for place, pump in pumps:
        yield from _agreeing(document, place, pump, drivers.get(pump.driver), named, read.fleet)


def _agreeing(
    document: Document, place: DocPath, pump: PumpSection, spec: DriverSpec | None, named: str, fleet: Fleet
) -> Iterator[Problem]:
    own = fleet.of(PumpId(pump.id))
    if own is None:
        known = [str(each.asset) for each in fleet.pumps]
        near = get_close_matches(pump.id, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"add {pump.id} to {named}"
        allowed = "an asset number of the fleet"
        yield document.problem((*place, "id"), f"{pump.id} is not in {named}", allowed, remedy)
        return
    if pump.serial_number and pump.serial_number != own.serial_number:
        what = f"{named} says that {pump.id} has the serial number {own.serial_number}"
        allowed = f"{own.serial_number}, or nothing"
        yield document.problem((*place, "serial_number"), what, allowed, "look at the label; remove this key")
    tells = spec is not None and spec.card.capabilities["identity"].state == "done"
    if spec is not None and tells and own.model != spec.card.model:
        what = f"{named} says that {pump.id} is a {own.model}, and {spec.name} is for {spec.card.model}"
        yield document.problem(
            (*place, "driver"),
            what,
            f"a driver for {own.model}",
            "mend the driver, or the model in the fleet",
        )


def fleet_told(fleet: Fleet | None, pumps: Sequence[PumpSection]) -> Iterator[str]:
    """Yield, for `pumpd check-config`, how many pumps the house has, and which stand ready."""
    if fleet is None:
        yield "no fleet: at every port the pump that answers first is believed, unless serial_number is said"
        return
    here = {PumpId(pump.id) for pump in pumps}
    ready = [str(pump.asset) for pump in fleet.pumps if pump.asset not in here]
    told = f"fleet: {len(fleet.pumps)} pumps, {len(fleet.pumps) - len(ready)} of them watched here"
    yield (
        told
        + (f"; without a port: {', '.join(ready[:10])}" if ready else "")
        + (f" and {len(ready) - 10} more" if len(ready) > 10 else "")
    )
