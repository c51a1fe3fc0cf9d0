"""Verbs about files: check-config, schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import folder_place, out, why_no_folder

ConfigOption = Annotated[
    Path, typer.Option("-c", "--config", metavar="FILE", help="The configuration, such as config/pumpd.yaml.")
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.command("check-config")(check_config)
    app.command("schema")(schema)
    app.command("examples")(examples)


def check_config(config: ConfigOption) -> None:
    """Check a configuration and its drug library; name every problem at once."""
    from pumpd.config import load
    from pumpd.config_fleet import fleet_told
    from pumpd.config_lines import lines_told

    found = load(config)
    signed = ", ".join(sorted(kind.value for kind in found.library.signed_for))
    console = out()
    console.print(f"{config}: no problem")
    console.print(f"    {len(found.pumps)} pumps on node {found.node} of site {found.site}")
    for line in (*lines_told(found), *fleet_told(found.fleet, found.pumps), *_data_told(found.data_dir)):
        console.print(f"    {line}")
    console.print(
        f"    drug library {found.library.version}, {len(found.library.entries)} entries, "
        + (f"signed for {signed} pumps" if signed else "unsigned: pumpd alarms and never pauses")
    )


def _data_told(data_dir: Path) -> Iterator[str]:
    """Tell where this user, who need not be the daemon's, can not write the data directory."""
    if why := why_no_folder(data_dir):
        yield f"note: nothing can be kept in data_dir {data_dir}: {why}, and whoever runs pumpd must"


def schema(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="config, library, map, card, ward or scenario.")
    ],
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from pumpd.schemas import schema_text

    typer.echo(schema_text(name), nl=False)


def examples(
    into: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Copy the example files that ship with pumpd: configuration, library, demo, scenarios, schemas ...."""
    from pumpd.example_files import copy_examples

    folder_place(into, "DIR")
    files = copy_examples(into)
    whole = dict.fromkeys(f"{file.parts[0]}/" if len(file.parts) > 1 else file.name for file in files)
    out().print(f"{len(files)} files in {into}: {', '.join(whole)}")
