"""The verb that looks for trouble: qa explore."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from pumpd.cli_qa import shrunk_to
from pumpd.cli_words import out
from pumpd.example_files import EXAMPLES

MOST_RUNS = 1_000_000
"""More would take weeks, and memory before the first of them."""
LIBRARY = EXAMPLES / "demo" / "drug-library.yaml"
MOST_SHRUNK = 10
"""Of more hospitals than this only the seeds are told."""


def add_to(group: typer.Typer) -> None:
    """Add the verb to the group of the QA engineers' verbs."""
    group.command("explore")(explore)


def explore(
    runs: Annotated[int, typer.Option(min=1, max=MOST_RUNS, metavar="N", help="How many hospitals.")] = 100,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of the first; the next one has the next.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, metavar="N", help="Processes; without it one for each core.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        Path, typer.Option(metavar="DIR", help="Where hospitals go that break an invariant, made short.")
    ] = Path("qa-found"),
    library: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The drug library that is in force.", show_default="the demo's, as shipped"
        ),
    ] = LIBRARY,
) -> None:
    """Play random hospitals, each from a seed, and hold them to the five invariants after every step."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.qa.explore import Explorer

    explorer = Explorer(library)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{runs} hospitals", total=runs)
        n_workers = min(workers or os.cpu_count() or 1, runs)
        explored = explorer.explore(range(seed, seed + runs), n_workers, lambda _: progress.advance(bar))
    console = out()
    broken = [each for each in explored if each.failures]
    for at, each in enumerate(broken):
        for failure in each.failures:
            console.print(f"BROKEN  seed {each.seed}: {failure}")
        under = "" if library == LIBRARY else f" --library {shlex.quote(str(library))}"
        console.print(f"        again: pumpd qa explore --runs 1 --seed {each.seed}{under}")
        if at < MOST_SHRUNK:
            outcome = explorer.play(each.seed)
            console.print(f"        shrunk: {shrunk_to(outcome, keep / outcome.loaded.file.name)}")
    seeds = f"{runs} hospitals, seeds {seed} to {seed + runs - 1}"
    if broken:
        console.print(f"{seeds}: {len(broken)} broke an invariant")
        raise typer.Exit(1)
    console.print(f"{seeds}: every invariant held after every step")
