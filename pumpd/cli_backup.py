"""Verbs about safe keeping: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_config import ConfigOption
from pumpd.cli_words import folder_place, out


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    config: ConfigOption,
    folder: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder that the archive goes to.")],
) -> None:
    """Write journal, history, spool, people, configuration and library into one archive, while pumpd runs."""
    from pumpd.backup import make_backup
    from pumpd.clock import SystemClock
    from pumpd.config import load

    found = load(config)
    folder_place(folder, "--to")
    made = make_backup(found, folder, SystemClock())
    console = out()
    console.print(str(made.archive))
    for member in made.manifest.members:
        console.print(f"    {member.name}: {member.size_bytes} bytes")
    if made.journal is not None:
        console.print(f"    journal: {made.journal.seq} lines, head {made.journal}")
    if made.broken is not None:
        console.print(f"    the journal is BROKEN at line {made.broken.seq}: {made.broken.words}")
        raise typer.Exit(1)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="What pumpd backup wrote.")],
    config: Annotated[
        Path,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            help="The configuration; when it is not there, it and the drug library are put there first.",
        ),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what is in the data directory; without it, refuse.")
    ] = False,
) -> None:
    """Put back what a backup holds, once it was found whole; what is there is put aside, only when told."""
    from pumpd.clock import SystemClock
    from pumpd.config import load
    from pumpd.restore import restore_config, restore_data

    console = out()
    if restore_config(archive, config):
        console.print(f"{config}: put back, with the drug library beside it")
    done = restore_data(load(config), archive, SystemClock(), replace=replace)
    console.print(f"made {done.manifest.made_at} by pumpd {done.manifest.version}")
    for name in done.files:
        console.print(f"    {name}")
    if done.put_aside is not None:
        console.print(f"what was there before is in {done.put_aside}")
    if done.journal is not None:
        console.print(f"journal: {done.journal.seq} lines, all as they were written; head {done.journal}")
