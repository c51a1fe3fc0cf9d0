"""The command line: verbs, exit status, and errors told in words."""

from __future__ import annotations

import sys
from importlib.metadata import version

import typer

from pumpd import (
    cli_audit,
    cli_backup,
    cli_config,
    cli_contacts,
    cli_drivers,
    cli_explore,
    cli_fleet,
    cli_history,
    cli_keys,
    cli_library,
    cli_map,
    cli_patients,
    cli_ports,
    cli_qa,
    cli_replay,
    cli_run,
    cli_screens,
    cli_trace,
    cli_user,
    cli_ward,
)
from pumpd.cli_words import say_error
from pumpd.errors import ConfigError, PumpdError

app = typer.Typer(
    name="pumpd",
    help="Watches IV infusion pumps: a second pair of eyes, not a primary alarm.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli_run.add_to(app)
cli_config.add_to(app)
cli_drivers.add_to(app)
cli_fleet.add_to(app)
cli_ports.add_to(app)
cli_trace.add_to(app)
cli_map.add_to(app)
cli_qa.add_to(app)
cli_explore.add_to(cli_qa.qa)
cli_library.add_to(app)
cli_replay.add_to(app)
cli_audit.add_to(app)
cli_backup.add_to(app)
cli_contacts.add_to(app)
cli_history.add_to(app)
cli_patients.add_to(cli_history.history)
cli_keys.add_to(app)
cli_ward.add_to(app)
cli_user.add_to(app)
cli_screens.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pumpd {version('pumpd')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and end."
    ),
) -> None:
    """Watch IV infusion pumps: a second pair of eyes, not a primary alarm."""


def main() -> None:
    """Run one verb; exit 0 well, 1 what was asked failed, 2 the operator must edit something."""
    try:
        app(standalone_mode=True)
    except ConfigError as error:
        say_error(error.problems)
        sys.exit(2)
    except PumpdError as error:
        say_error(str(error))
        sys.exit(1)
    except OSError as error:  # such as a full disk: the words say it all
        say_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
