"""Verbs about keys: of dashboards, and of a broker for several machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import out, say_error

keys = typer.Typer(help="Look after the keys that dashboards sign with.", rich_markup_mode=None)
File = Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key lies.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(keys, name="keys", no_args_is_help=True)


@keys.callback()
def _group() -> None:
    """Look after the keys that dashboards sign with."""


@keys.command("new")
def new(file: File) -> None:
    """Make a key in a new file that its owner alone may read, and print its public half."""
    from pumpd.key_files import new_key

    try:
        made = new_key(file)
    except FileExistsError:
        say_error(f"{file} is there already: a key is never written over; choose another name, or remove it")
        raise typer.Exit(2) from None
    out().print(f"{made.text}  (key {made.id})", soft_wrap=True)


@keys.command("show")
def show(file: File) -> None:
    """Print the public half of a key, as it stands under dashboards in a daemon's configuration."""
    from pumpd.key_files import show_key

    found = show_key(file)
    out().print(f"{found.text}  (key {found.id})", soft_wrap=True)


@keys.command("broker")
def broker(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    site: Annotated[str, typer.Option(metavar="ID", help="The site, as configurations name it.")],
    node: Annotated[list[str], typer.Option(metavar="ID", help="A daemon that may speak; again for more.")],
    dashboard: Annotated[list[str], typer.Option(metavar="ID", help="A dashboard that may; again for more.")],
    host: Annotated[list[str], typer.Option(metavar="NAME", help="The broker's name or address.")],
) -> None:
    """Make what Mosquitto needs for TLS: certificates, accounts, and rules of who may write what."""
    from pumpd.broker_files import make_broker_files
    from pumpd.clock import SystemClock

    try:
        accounts = make_broker_files(folder, site, node, dashboard, host, SystemClock().wall())
    except FileExistsError:
        say_error(f"{folder} is there already: choose a new folder, so that no key is written over")
        raise typer.Exit(2) from None
    except ValueError as error:
        say_error(str(error))
        raise typer.Exit(2) from None
    out().print(f"{folder}: for the broker server.pem, server.key, passwords, acl; for the others ca.pem")
    for account in accounts:
        out().print(f"    username: {account}  password_file: {account}.password", soft_wrap=True)
    out().print("    ca.key makes further certificates: keep it where no program runs")
