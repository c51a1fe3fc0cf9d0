"""Verbs about the journal: audit verify."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out

if TYPE_CHECKING:
    from pumpd.store.base import Head

audit = typer.Typer(help="Look after the journal.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(audit, name="audit", no_args_is_help=True)


@audit.callback()
def _group() -> None:
    """Look after the journal of alarms, acknowledgements and what was done."""


@audit.command("verify")
def verify(
    journal: Annotated[Path, typer.Argument(metavar="FILE", help="The journal.db of a data directory.")],
    head: Annotated[
        list[str] | None,
        typer.Option(
            "--head",
            metavar="SEQ:HASH",
            help="A head that was noted elsewhere, as the node's status and syslog have it; may be repeated.",
        ),
    ] = None,
) -> None:
    """Look at every line of a journal: name the first that was altered, removed, inserted or moved."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.store.audit import verify_file

    known = [_head(text) for text in head or ()]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("lines", total=None)
        verdict = verify_file(journal, known, lambda done, of: progress.update(bar, completed=done, total=of))
    console = out()
    if verdict.broken is not None:
        console.print(f"{journal}: BROKEN at line {verdict.broken.seq} ({verdict.broken.what})")
        console.print(f"    {verdict.broken.words}")
        if verdict.head.seq:
            console.print(f"    lines 1 to {verdict.head.seq} are as they were written")
        raise typer.Exit(1)
    console.print(f"{journal}: {verdict.head.seq} lines, all as they were written")
    console.print(f"    head {verdict.head}")
    if not known:
        console.print("    a tail that was cut shows only against a head that was noted elsewhere (--head)")


def _head(text: str) -> Head:
    """Return the head that ``text`` names."""
    from pumpd.store.base import Head

    number, _, digest = text.partition(":")
    if not re.fullmatch(r"[0-9]+:[0-9a-f]{64}", text):
        message = f"'{text}' is no head; allowed is SEQ:HASH, a number and 64 hex digits, as syslog has it"
        raise typer.BadParameter(message, param_hint="--head")
    return Head(int(number), digest)
