"""Verbs about the drug library: library check, library backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out, say_error, start_log

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


@library.command("backtest")
def backtest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The drug library to be tried.")],
    recordings: Annotated[
        list[Path],
        typer.Argument(metavar="RECORDING...", help="Segments of recordings, or folders that hold some."),
    ],
) -> None:
    """Play recordings under another drug library; say which limits would have alarmed, how often and when."""
    from pumpd.cli_replay import making_sense_of
    from pumpd.config_library import load_library
    from pumpd.qa.backtest import backtest as play
    from pumpd.qa.backtest import table
    from pumpd.store.recording import SUFFIX, read_recording

    found = load_library(file)
    segments = [
        segment
        for named in recordings
        for segment in (sorted(named.rglob(f"*{SUFFIX}")) if named.is_dir() else [named])
    ]
    if not segments:
        raise typer.BadParameter(f"no recording ({SUFFIX}) in there", param_hint="RECORDING")
    start_log("critical")
    tests = []
    for segment in segments:
        recording = read_recording(segment)
        if recording.damages:
            say_error(f"{segment} is damaged {recording.damages[0]}: copy it anew, or leave it out")
            raise typer.Exit(1)
        with making_sense_of(segment):
            tests.append(play(recording, found))
    for line in table(tests, found.version):
        out().print(line)
    for test in tests:
        for line in (*test.lines, *(f"left as it was: {words}" for words in test.missing)):
            out().print(f"    {line}")


def _in_words(entry: DrugLimits) -> str:
    what = " ".join(part for part in (entry.drug, entry.form, str(entry.concentration)) if part)
    where = ", ".join(part for part in (entry.care_area, entry.indication) if part)
    limits = entry.dose_rate
    usual = f"usual {limits.soft_min or 'any'} to {limits.soft_max}, " if limits.soft_max else ""
    return f"{what} ({where}): {usual}at most {limits.hard_max}; restraint: {entry.restrain.value}"
