"""Verbs about the house's pumps: fleet list, fleet import, fleet add."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_words import out

fleet = typer.Typer(help="Look after the table of the house's pumps.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(fleet, name="fleet", no_args_is_help=True)


@fleet.callback()
def _group() -> None:
    """Look after the table of the house's pumps: by it, it is told who answers at a port."""


@fleet.command("list")
def show(config: ConfigOption) -> None:
    """List the house's pumps: asset number, make, model, serial number, firmware, and the port of each."""
    from pumpd.config import load
    from pumpd.config_fleet import COLUMNS, fleet_told

    found = load(config)
    ports = {pump.id: (pump.bed, pump.url) for pump in found.pumps}
    rows = [(*COLUMNS, "bed", "port")]
    for pump in () if found.fleet is None else found.fleet.pumps:
        own = (pump.asset, pump.make, pump.model, pump.serial_number, pump.firmware)
        rows.append((*own, *ports.get(pump.asset, ("", "none"))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if found.fleet is not None else ():
        cells = zip(row, widths, strict=True)
        out().print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
    for line in fleet_told(found.fleet, found.pumps):
        out().print(line)


@fleet.command("import")
def import_table(
    table: Annotated[Path, typer.Argument(metavar="FILE", help="The table, comma-separated.")],
    config: ConfigOption,
) -> None:
    """Put a table in the place of the fleet's, if it has no fault and the configuration agrees with it."""
    from pumpd.fleet_files import replace_fleet

    _told(config, replace_fleet(config, table))


@fleet.command("add")
def add(
    config: ConfigOption,
    asset: Annotated[str, typer.Option("--asset", help="The asset number, as its label says.")],
    make: Annotated[str, typer.Option("--make", help="The make.")],
    model: Annotated[str, typer.Option("--model", help="The model, as `pumpd probe` prints it.")],
    serial: Annotated[str, typer.Option("--serial", help="The serial number, as `pumpd probe` prints it.")],
    firmware: Annotated[str, typer.Option("--firmware", help="The firmware, where it is known.")] = "",
) -> None:
    """Add a pump to the fleet, or say anew what the pump of this asset number is."""
    from pumpd.core.telemetry import PumpId
    from pumpd.drivers.fleet import FleetPump
    from pumpd.fleet_files import put_pump

    _told(config, put_pump(config, FleetPump(PumpId(asset), make, model, serial, firmware)))


def _told(config: Path, changes: list[str]) -> None:
    for words in changes:
        out().print(words)
    then = f"a daemon that runs takes it up without a pause: pumpd reload -c {config}"
    out().print(then if changes else "nothing has changed")
