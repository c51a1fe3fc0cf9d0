"""Verbs that speak to pumps: run, simulate, probe."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_words import out, start_log

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log more than transitions.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.command("run")(run)
    app.command("simulate")(simulate)
    app.command("probe")(probe)


def run(config: ConfigOption, verbose: Verbose = False) -> None:
    """Watch the pumps of a configuration until SIGINT or SIGTERM."""
    from pumpd.config import load
    from pumpd.daemon.service import run as run_daemon

    start_log(verbose=verbose)
    run_daemon(load(config))


def simulate(
    ward: Annotated[
        Path,
        typer.Option(
            "-c", "--config", metavar="FILE", help="A simulated ward, such as config/demo/ward.yaml."
        ),
    ],
    verbose: Verbose = False,
) -> None:
    """Serve the simulated pumps of a ward until SIGINT or SIGTERM."""
    from pumpd.simulator.run import run as run_ward

    start_log(verbose=verbose)
    asyncio.run(run_ward(ward, out().print))


def probe(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the pump is, such as modbus-tcp://10.0.0.5:502/1.")
    ],
    driver: Annotated[str, typer.Option("--driver", metavar="NAME", help="One of `pumpd drivers list`.")],
    readings: Annotated[int, typer.Option(min=1, max=1000, help="How often to read.")] = 5,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not show the bytes.")] = False,
) -> None:
    """Speak to one pump once, read only, and tell everything that was seen."""
    from pumpd.probe import probe as run_probe

    start_log(verbose=False)
    well = asyncio.run(run_probe(url, driver, out().print, readings=readings, show_bytes=not quiet))
    if not well:
        raise typer.Exit(1)
