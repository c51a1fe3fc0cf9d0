"""Verbs for QA engineers: qa run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out

if TYPE_CHECKING:
    from pumpd.qa.runner import Outcome

qa = typer.Typer(help="Play scenarios of simulated pumps against the real daemon.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(qa, name="qa", no_args_is_help=True)


@qa.callback()
def _group() -> None:
    """Play scenarios of simulated pumps against the real daemon."""


@qa.command("run")
def run(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Scenarios, or folders of them.", show_default=False),
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, metavar="N", help="Processes; without it one for each core.", show_default=False
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report with curves.")] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each event log, as JSON lines.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write each daemon's flight recording, for `pumpd replay`."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Instead of the seed of each scenario.", show_default=False),
    ] = None,
    shrunk: Annotated[
        Path, typer.Option(metavar="DIR", help="Where failures go, made as short as they still fail.")
    ] = Path("qa-shrunk"),
    shrink: Annotated[
        bool, typer.Option("--shrink/--no-shrink", help="Whether to make failures shorter.")
    ] = True,
) -> None:
    """Play scenarios in virtual time, the whole daemon against simulated pumps, and say what came of them."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.qa.html_report import write_html
    from pumpd.qa.junit import write_junit
    from pumpd.qa.suite import load_all, run_all, scenario_files

    loaded = load_all(scenario_files(paths))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{len(loaded)} scenarios", total=len(loaded))
        outcomes = run_all(
            loaded, seed, workers or os.cpu_count() or 1, lambda _: progress.advance(bar), record
        )
    if junit is not None:
        write_junit(outcomes, junit)
    if html is not None:
        write_html(outcomes, html)
    if log is not None:
        _write_logs(outcomes, log)
    failed = _say(outcomes, shrunk if shrink else None)
    if failed:
        raise typer.Exit(1)


def _say(outcomes: list[Outcome], shrunk: Path | None) -> int:
    """Print what came of each scenario; return how many failed."""
    console = out()
    for outcome in outcomes:
        word = "passed" if outcome.passed else "FAILED"
        console.print(f"{word}  {outcome.loaded.name}: {outcome.loaded.scenario.title}")
        for reason in (*outcome.failures, *([outcome.error] if outcome.error else [])):
            console.print(f"        {reason}")
        if not outcome.passed:
            console.print(f"        again: {outcome.replay}")
            if shrunk is not None:
                console.print(f"        shrunk: {_shrink(outcome, shrunk)}")
    failed = sum(not outcome.passed for outcome in outcomes)
    minutes = sum(outcome.loaded.scenario.duration_s for outcome in outcomes) / 60
    console.print(
        f"{len(outcomes)} scenarios, {len(outcomes) - failed} passed, {failed} failed; "
        f"{minutes:.0f} min of ward time"
    )
    return failed


def _shrink(outcome: Outcome, directory: Path) -> str:
    """Write the shortest scenario that fails in the same way; say how short it is and what plays it."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.qa.shrink import MOST_PLAYS, lines_and_seconds, shrink
    from pumpd.qa.suite import keep

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"shrinking {outcome.loaded.name}", total=MOST_PLAYS)
        found = shrink(outcome, told=lambda plays: progress.update(bar, completed=plays)).outcome
    kept = keep(found, directory / outcome.loaded.file.name)
    before = lines_and_seconds(outcome.loaded.scenario)
    return f"from {before} to {lines_and_seconds(found.loaded.scenario)}; {kept.replay}"


def _write_logs(outcomes: list[Outcome], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        file = directory / f"{outcome.loaded.file.parent.name}-{outcome.loaded.name}.jsonl"
        file.write_text(outcome.event_log, encoding="utf-8")
