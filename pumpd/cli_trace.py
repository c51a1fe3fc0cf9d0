"""The verb that shows a line as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, TextIO

import typer

from pumpd.cli_words import free_place, out, start_log, visible


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    app.command()(trace)


def trace(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the pump is, such as modbus-tcp://10.0.0.5:502/1.")
    ],
    driver: Annotated[str, typer.Option("--driver", metavar="NAME", help="One of `pumpd drivers list`.")],
    every_s: Annotated[
        float, typer.Option("--every", min=0.1, max=60, metavar="SECONDS", help="How often to read.")
    ] = 1.0,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=0.1, metavar="SECONDS", help="How long; without it until Ctrl-C."),
    ] = None,
    listen: Annotated[
        bool, typer.Option("--listen", help="Send nothing: follow what another master asks.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="A file for the same lines; a new one.")
    ] = None,
) -> None:
    """Read one pump again and again, and show every byte in hex with what it means.

    With --listen another master reads it, and nothing is sent.
    """
    from pumpd.bench_line import driver_called, url_for
    from pumpd.clock import SystemClock
    from pumpd.listen import followed
    from pumpd.listen import listen as run_listen
    from pumpd.trace import trace as run_trace

    start_log("warning")
    spec = driver_called(driver)
    place = url_for(url, spec.dialect)
    if listen:
        followed(spec, place)
    if file is not None:  # made only when nothing else is to be mended
        free_place(file, "--to")
    console = out()
    with contextlib.ExitStack() as opened:
        copy: TextIO | None = opened.enter_context(file.open("x", encoding="utf-8")) if file else None

        def tell(line: str) -> None:
            console.print(visible(line))
            if copy is not None:
                print(visible(line), file=copy, flush=True)

        tell(f"# {SystemClock().wall().isoformat(timespec='seconds')} {url} {driver}")
        try:
            looking = (
                run_listen(url, driver, tell, for_s=for_s)
                if listen
                else run_trace(url, driver, tell, every_s=every_s, for_s=for_s)
            )
            lasted = asyncio.run(looking)
        except KeyboardInterrupt:
            lasted = True
    if not lasted:
        raise typer.Exit(1)
