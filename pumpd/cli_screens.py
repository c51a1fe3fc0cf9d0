"""Verbs about screens that are let in without a sign-in: screen add, list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_user import operator, people_store
from pumpd.cli_words import out

screen = typer.Typer(help="Look after screens that are let in.", rich_markup_mode=None)

ScreenArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the screen is called.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(screen, name="screen", no_args_is_help=True)


@screen.callback()
def _screen() -> None:
    """Look after screens that are let in without a sign-in."""


@screen.command("add")
def add(
    name: ScreenArgument,
    config: ConfigOption,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="A ward's shared screen: name and PIN act there; else it only shows."),
    ] = False,
) -> None:
    """Make a screen, and tell the code that lets it in: typed there once, within a day."""
    from dashboard.devices import DeviceKind

    with people_store(config) as store:
        code = store.devices.add(name, DeviceKind.SHARED if shared else DeviceKind.WALL, operator())
    out().print(f"{code}  type this at the screen, on the sign-in page under: This is a screen of the ward")


@screen.command("list")
def list_screens(config: ConfigOption) -> None:
    """List every screen: what it may do, and whether its code was typed."""
    with people_store(config) as store:
        screens = store.devices.all()
    for each in screens:
        out().print(f"{each.name}: {each.kind}, {'let in' if each.let_in else 'its code was not typed yet'}")
    out().print(f"{len(screens)} screen{'' if len(screens) == 1 else 's'}")


@screen.command("revoke")
def revoke(name: ScreenArgument, config: ConfigOption) -> None:
    """Let a screen in no more, at once."""
    with people_store(config) as store:
        store.devices.revoke(name, operator())
    out().print(f"{name} is let in no more")
