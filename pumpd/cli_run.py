"""Verbs that run until somebody ends them: simulate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import out


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.command("simulate")(simulate)


def simulate(
    ward: Annotated[
        Path,
        typer.Option(
            "-c", "--config", metavar="FILE", help="A simulated ward, such as config/demo/ward.yaml."
        ),
    ],
) -> None:
    """Serve the simulated pumps of a ward until SIGINT or SIGTERM."""
    from pumpd.simulator.run import run as run_ward

    console = out()
    asyncio.run(run_ward(ward, console.print))
