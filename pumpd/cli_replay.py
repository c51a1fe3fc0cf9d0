"""The verb for recordings: replay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_words import free_place, out, say_error, start_log
from pumpd.errors import StoreError

SLOWEST = 0.001
_NO_SENSE = (LookupError, OverflowError, TypeError, ValueError)
"""What a file raises that is good as a file and yet holds what this version does not know."""


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("replay")(replay)


def _speed(text: str | None) -> float | None:
    if text is None or text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= 1_000_000:
        raise typer.BadParameter(f"max, or a number from {SLOWEST} on, such as 1 or 60")
    return speed


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and one.exists() and other.exists() and one.samefile(other)


@contextmanager
def making_sense_of(file: Path) -> Iterator[None]:
    """StoreError for what a file holds that this version does not understand, such as a driver not here."""
    try:
        yield
    except _NO_SENSE as error:
        words = " ".join(str(error).split())
        raise StoreError(
            f"{file}: this pumpd can not make sense of it: {words}; use the one that wrote it, "
            "with the same drivers installed"
        ) from error


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A segment of a recording, such as 00000001.pumprec.")
    ],
    speed: Annotated[
        str,
        typer.Option(
            metavar="N", help="1 takes as long as it took, 60 a sixtieth; max is as fast as can be."
        ),
    ] = "max",
    compare: Annotated[
        bool,
        typer.Option("--compare", help="List what only this version decides, and what only was then."),
    ] = False,
    library: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A drug library instead of the recorded one.", show_default=False),
    ] = None,
    redact: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a copy without patient and site.", show_default=False),
    ] = None,
    to_scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Write a scenario for `pumpd qa run`; needs --library.", show_default=False
        ),
    ] = None,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Play on past records of the file that are damaged.")
    ] = False,
) -> None:
    """Play a flight recording through this version, from the bytes up, and say what it makes of it."""
    from pumpd.config_library import load_library
    from pumpd.qa.recorded_scenario import write_recorded_scenario
    from pumpd.qa.redaction import KEPT, redacted
    from pumpd.qa.replay import replay as play
    from pumpd.qa.replay_report import account, differences
    from pumpd.qa.whole_file import write_whole
    from pumpd.store.recording import read_recording

    pace = _speed(speed)
    if to_scenario is not None and library is None:
        raise typer.BadParameter("a scenario names its drug library: give it with --library FILE")
    for option, other in (("--redact", redact), ("--to-scenario", to_scenario)):
        if other is not None and any(_same(other, read) for read in (file, library)):
            raise typer.BadParameter(f"{other} is what is read; give it another name", param_hint=option)
        if other is not None:
            free_place(other, option)
    start_log("critical")
    recording = read_recording(file)
    if recording.damages and not skip_damaged:
        say_error(
            f"{file} is damaged {'; '.join(map(str, recording.damages))}; all other records are good. "
            "Copy it anew from its machine, take another segment, or play past it with --skip-damaged"
        )
        raise typer.Exit(1)
    if redact is not None:
        with making_sense_of(file):
            copy = redacted(recording)
        write_whole(redact, copy, private=True)
        out().print(f"wrote {redact}; it still holds, on purpose:")
        for kept in KEPT:
            out().print(f"    {kept}")
        return
    other_library = None if library is None else load_library(library)
    with making_sense_of(file):
        replayed = play(recording, library=other_library, speed_factor=pace)
        told = [*account(recording, replayed)]
    for line in told:
        out().print(line)
    if to_scenario is not None and library is not None:
        with making_sense_of(file):
            left_out = write_recorded_scenario(recording, replayed, library, to_scenario)
        out().print(f"wrote {to_scenario}; play it with: pumpd qa run {to_scenario}")
        for line in left_out:
            out().print(f"    left out: {line}")
    if compare:
        lines, equal = differences(recording, replayed)
        for line in lines:
            out().print(line)
        if not equal:
            raise typer.Exit(1)
