"""Verbs about register maps: check, read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import start_log, tell

maps = typer.Typer(
    help="Describe a Modbus pump in a file, and hold it against the pump.", rich_markup_mode=None
)

MapFile = Annotated[Path, typer.Argument(metavar="FILE", help="A register map, such as my-pump.yaml.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(maps, name="map", no_args_is_help=True)


@maps.command()
def check(file: MapFile) -> None:
    """Check a register map: every problem at once, what a reading costs, and its examples both ways."""
    from pumpd.map_bench import check_map

    if not check_map(file, tell):
        raise typer.Exit(1)


@maps.command()
def read(
    file: MapFile,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the pump is, such as modbus-tcp://10.0.0.5:502/1.")
    ],
    show_bytes: Annotated[bool, typer.Option("--bytes", help="Show the bytes too.")] = False,
) -> None:
    """Read every register of a map from a pump: raw words, value, and whether it makes sense."""
    from pumpd.map_bench import read_map

    start_log("warning")
    if not asyncio.run(read_map(file, url, tell, show_bytes=show_bytes)):
        raise typer.Exit(1)
