"""Verbs about drivers: list, show, new, verify."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from pumpd.cli_words import free_place, out, start_log, tell, visible

drivers = typer.Typer(
    help="Tell which pumps pumpd can talk to, and how well that is known.", rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(drivers, name="drivers", no_args_is_help=True)


@drivers.command("list")
def list_drivers() -> None:
    """List every driver: make, model, verified on what, how much unverified, and whether it can pause."""
    from pumpd.drivers.registry import faults, installed

    # A name is typed into a configuration: whole, however narrow the terminal is.
    name_column = Column("driver", min_width=max(len(name) for name in installed()))
    columns = (name_column, "make", "model", "verified on", "unverified", "pause")
    table = Table(*columns, box=None, pad_edge=False)
    for name, spec in installed().items():
        pause = f"tried on {spec.card.pause_proven_on}" if spec.pausable else "no"
        card = spec.card
        table.add_row(name, card.make, card.model, card.verified, str(len(card.unverified)), pause)
    out().print(table)
    out().print("unverified: what documents leave open; `pumpd drivers show NAME` tells it", markup=False)
    nameless = [name for name, spec in installed().items() if not spec.card.checks_identity]
    out().print(f"identity not checked, since no serial number is told: {', '.join(nameless)}", markup=False)
    for package, reason in faults().items():
        out().print(f"{package} can not be used: {reason}", markup=False)


@drivers.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The driver's name, such as acme-x1.")],
    modbus: Annotated[bool, typer.Option("--modbus", help="A register map and a card, no code.")] = False,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where its folder goes.")] = Path(),
) -> None:
    """Make a driver package that runs as it is made: for a protocol of its own, or with --modbus a map."""
    from pumpd.driver_scaffold import write_scaffold

    for file in write_scaffold(name, "modbus" if modbus else "framed", into):
        out().print(str(file))
    out().print(f"next: pip install -e {into / name}, then pytest --pumpd-driver {name}; see its README.md")


@drivers.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A driver, such as reference-pump.")],
) -> None:
    """Show one driver's card: who verified it, on what, from which document, and all it ever writes."""
    from pumpd.core.delivery_rules import unseen
    from pumpd.drivers.registry import find
    from pumpd.errors import ConfigError, Problem

    try:
        spec = find(name)
    except KeyError as error:
        _, _, known = str(error.args[0]).partition("; known are ")
        problem = Problem(
            "pumpd drivers show", 0, "NAME", f"there is no driver '{name}'", known, "see `pumpd drivers list`"
        )
        raise ConfigError((problem,)) from None
    card = spec.card
    rows = [
        ("make", card.make),
        ("model", card.model),
        ("verified on", card.verified),
        ("firmware seen", ", ".join(card.firmware_seen) or "none"),
        ("for use on people", "yes" if card.human_use else "no: a laboratory pump"),
        ("integrity", card.integrity),
        ("reply time", f"up to {card.reply_time_ms} ms"),
        *([("slow reply", f"up to {card.slow_reply_ms} ms, and waited for")] if card.slow_reply_ms else []),
        *([("silent", f"up to {card.silent_s} s, and well")] if card.silent_s else []),
        ("beside another master", "can be followed" if card.listen_only else "can not be followed"),
        ("step of flow", str(spec.flow_step)),
        ("not told within 2 h", unseen(spec.counter_step)),
        ("channels", ", ".join(spec.channels)),
        ("pause tried on", card.pause_proven_on),
        *(
            [("lower rate tried on", f"{card.lower_proven_on}, window {card.lower_window_ms} ms")]
            if spec.lowerable
            else []
        ),
        ("writes", "; ".join(card.writes) or "nothing"),
        *(("unverified", what) for what in card.unverified),
        *(("document", f"{d.title}, revision {d.revision}, pages {d.pages}") for d in card.documents),
        *(
            (ability, f"{c.state}{': ' if c.comment else ''}{c.comment}")
            for ability, c in card.capabilities.items()
        ),
    ]
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*row)
    out().print(table)


@drivers.command()
def verify(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the pump is; no patient is on it.")],
    driver: Annotated[str, typer.Option("--driver", metavar="NAME", help="One of `pumpd drivers list`.")],
    engineer: Annotated[str, typer.Option("--engineer", metavar="NAME", help="Who does and signs it.")],
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="The engineer's private key, of `pumpd keys new`.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file for the signed trial.")],
) -> None:
    """Lead through a trial of a driver with a pump and without a patient, and sign what came of it."""
    from pumpd.bench_line import driver_called, url_for
    from pumpd.clock import SystemClock
    from pumpd.drivers.trial import signed_by
    from pumpd.errors import ConfigError, Problem
    from pumpd.key_files import load_key
    from pumpd.verify import verify as lead

    start_log("warning")
    free_place(to, "--to")  # found out before an hour's work, not after it
    if not (engineer := engineer.strip()) or not engineer.isprintable():
        what = "it is empty" if not engineer else "it holds a character that nobody sees"
        problem = Problem("(command line)", 0, "--engineer", what, "a name", "write who does and signs it")
        raise ConfigError((problem,))
    signer, spec = load_key(key, engineer), driver_called(driver)
    at = SystemClock().wall().isoformat(timespec="seconds")
    place = url_for(url, spec.dialect)
    trial = asyncio.run(lead(spec, place, engineer, at, tell, _asked))
    if trial is None:
        raise typer.Exit(1)
    with to.open("x", encoding="utf-8") as file:
        file.write(signed_by(signer, trial))
    out().print(f"{to}: signed for {trial.make} {trial.model}, firmware {trial.firmware or 'not told'}")
    out().print(f"in the configuration: trials: [{{file: {to}, key: {signer.public.text}}}]")


def _asked(sentence: str) -> str:
    """Return what was typed; Ctrl-C ends it at once, where a loop would only note it and wait on."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return str(typer.prompt(visible(sentence)))
    finally:
        signal.signal(signal.SIGINT, kept)
