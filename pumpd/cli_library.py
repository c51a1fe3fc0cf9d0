"""Verbs about the drug library: library check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out

if TYPE_CHECKING:
    from pumpd.core.drug_library import DrugLimits

library = typer.Typer(help="Look after drug libraries.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(library, name="library", no_args_is_help=True)


@library.callback()
def _group() -> None:
    """Look after drug libraries."""


@library.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A drug library, such as drug-library.yaml.")],
) -> None:
    """Check a drug library; say what it holds, who signed it, and the hash that a signature is of."""
    from pumpd.config_library import load_library

    found = load_library(file)
    console = out()
    console.print(f"{file}: no problem")
    console.print(f"    version {found.version}, {len(found.entries)} entries")
    signed = ", ".join(sorted(kind.value for kind in found.signed_for))
    console.print(
        f"    signed for {signed} pumps" if signed else "    unsigned: pumpd alarms and never pauses"
    )
    for label, day in (("valid from", found.valid_from), ("to be reviewed by", found.review_by)):
        if day is not None:
            console.print(f"    {label} {day.isoformat()}")
    for entry in found.entries:
        console.print(f"    {_in_words(entry)}")
    console.print(f"a signature is of: {found.content_sha256}")


def _in_words(entry: DrugLimits) -> str:
    what = " ".join(part for part in (entry.drug, entry.form, str(entry.concentration)) if part)
    where = ", ".join(part for part in (entry.care_area, entry.indication) if part)
    limits = entry.dose_rate
    usual = f"usual {limits.soft_min or 'any'} to {limits.soft_max}, " if limits.soft_max else ""
    return f"{what} ({where}): {usual}at most {limits.hard_max}; restraint: {entry.restrain.value}"
