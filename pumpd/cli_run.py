"""Verbs that speak to pumps or run until somebody ends them: demo, run, reload, dashboard ...."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_words import out, start_log, tell

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log more than transitions.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.command("demo")(demo)
    app.command("run")(run)
    app.command("reload")(reload)
    app.command("dashboard")(dashboard)
    app.command("simulate")(simulate)
    app.command("probe")(probe)


def demo(
    files: Annotated[
        Path | None,
        typer.Option(
            "--files", metavar="DIR", help="Other files than config/demo: pumpd.yaml, ward.yaml ..."
        ),
    ] = None,
) -> None:
    """Run a ward of simulated pumps with broker, daemon and dashboard; leave nothing behind."""
    from pumpd.demo import run_demo
    from pumpd.demo_files import SHIPPED

    start_log("error")  # the demo tells its story in words; its processes log to files
    asyncio.run(run_demo(out().print, files or SHIPPED))


def run(config: ConfigOption, verbose: Verbose = False) -> None:
    """Watch the pumps of a configuration until SIGINT or SIGTERM."""
    from pumpd.config import load
    from pumpd.daemon.service import run as run_daemon

    start_log("debug" if verbose else "info")
    run_daemon(load(config))


def reload(config: ConfigOption) -> None:
    """Have the daemon that runs read anew which dashboards it listens to, and which pumps the house has."""
    from pumpd.config import load
    from pumpd.reload import reload as reload_daemon

    known = asyncio.run(reload_daemon(load(config)))
    out().print(f"the daemon listens to: {known or 'no dashboard'}")


def dashboard(config: ConfigOption, verbose: Verbose = False) -> None:
    """Serve the dashboard of a configuration until SIGINT or SIGTERM."""
    from dashboard.run import run as run_dashboard

    start_log("debug" if verbose else "info")
    asyncio.run(run_dashboard(config))


def simulate(
    ward: Annotated[
        Path,
        typer.Option(
            "-c", "--config", metavar="FILE", help="A simulated ward, such as config/demo/ward.yaml."
        ),
    ],
    control: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where `pumpd ward`, on this machine only, may act on it; port 0 takes a free one.",
            show_default=False,
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Serve the simulated pumps of a ward until SIGINT or SIGTERM."""
    from pumpd.simulator.control_place import control_place
    from pumpd.simulator.run import serve

    place = control_place(control, "--control") if control is not None else None
    start_log("debug" if verbose else "info")
    serve(ward, out().print, place)


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

    start_log("warning")
    well = asyncio.run(run_probe(url, driver, tell, readings=readings, show_bytes=not quiet))
    if not well:
        raise typer.Exit(1)
