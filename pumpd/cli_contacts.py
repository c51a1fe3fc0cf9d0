"""Verbs about who is called: contacts test."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import out, say_error
from pumpd.errors import Problem

contacts = typer.Typer(help="Look after those who are called.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(contacts, name="contacts", no_args_is_help=True)


@contacts.callback()
def _group() -> None:
    """Look after those who are called when nobody has an alarm."""


@contacts.command("test")
def try_contact(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A contact of the configuration.")],
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")],
    by: Annotated[str, typer.Option("--by", help="Who asks, for the message.")] = "the engineer",
) -> None:
    """Send a contact a message that is clearly a test, from here and not from the daemon."""
    from pumpd.clock import SystemClock
    from pumpd.config import load
    from pumpd.daemon.contacts import channels_of
    from pumpd.daemon.messages import test_message
    from pumpd.daemon.wiring import ward_of

    loaded, clock = load(config), SystemClock()
    channel = channels_of(loaded, clock).get(name)
    if channel is None:
        known = ", ".join(contact.name for contact in loaded.alarms.contacts)
        what, allowed = f"there is no contact {name!r}", known or "none yet: the file names nobody"
        remedy = "name one of these" if known else f"write {name!r} below alarms.contacts of {config}"
        say_error([Problem(str(config), 0, "alarms.contacts", what, allowed, remedy)])
        raise typer.Exit(2)
    message = test_message(ward_of(loaded, clock, {}), name, by, clock.wall())
    asyncio.run(channel.send(message))
    out().print(f"{name}: taken; ask whether it arrived")
