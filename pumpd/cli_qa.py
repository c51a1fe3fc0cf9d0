"""Verbs for QA engineers: qa run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out

if TYPE_CHECKING:
    from pumpd.qa.runner import Outcome
    from pumpd.qa.scenario import LoadedScenario

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
            min=1,
            max=64,
            metavar="N",
            help="Processes, without it one for each core; with --realtime, scenarios at a time.",
            show_default=False,
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
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime", help="In real time, with real processes, sockets, serial lines, Mosquitto."
        ),
    ] = False,
) -> None:
    """Play scenarios in virtual time, the whole daemon against simulated pumps, and say what came of them."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.qa.html_report import demand_html, write_html
    from pumpd.qa.junit import write_junit
    from pumpd.qa.suite import load_all, run_all, scenario_files
    from pumpd.qa.whole_file import demand_place

    loaded = load_all(scenario_files(paths))
    for option, file in (("--junit", junit), ("--html", html)):
        if file is not None:
            demand_place(option, file)
    if html is not None:
        demand_html("--html", html)
    for option, folder in (("--log", log), ("--record", record)):
        if folder is not None:
            demand_place(option, folder, folder=True)
    if realtime:
        outcomes = _run_real(loaded, seed, workers, record)
    else:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"{len(loaded)} scenarios", total=len(loaded))
            outcomes = run_all(
                loaded, seed, workers or os.cpu_count() or 1, lambda _: progress.advance(bar), record
            )
    unwritten: OSError | None = None
    try:
        if junit is not None:
            write_junit(outcomes, junit)
        if html is not None:
            write_html(outcomes, html)
        if log is not None:
            _write_logs(outcomes, log)
    except OSError as error:  # what came of them is told all the same
        unwritten = error
    failed = _say(outcomes, shrunk if shrink and not realtime else None)
    if unwritten is not None:
        raise unwritten
    if failed:
        raise typer.Exit(1)


def _run_real(
    loaded: list[LoadedScenario], seed: int | None, n_scenarios: int | None, recordings: Path | None
) -> list[Outcome]:
    """Play all for real; the bar counts the seconds of all that can be."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.cli_words import start_log
    from pumpd.qa.real_places import why_virtual_only
    from pumpd.qa.realtime import run_real
    from pumpd.qa.suite import QUIET

    start_log(QUIET)
    playable = [each for each in loaded if not why_virtual_only(each)]
    total_s = sum(each.scenario.duration_s for each in playable)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{len(playable)} scenarios in real time", total=total_s)
        return run_real(
            loaded, seed, n_scenarios, second=lambda: progress.advance(bar), recordings=recordings
        )


def _say(outcomes: list[Outcome], shrunk: Path | None) -> int:
    """Print what came of each scenario; return how many failed."""
    from pumpd.qa.suite import places

    console = out()
    for outcome, place in zip(outcomes, places(Path(), [each.loaded for each in outcomes]), strict=True):
        word = "FAILED" if outcome.failed else outcome.word
        console.print(f"{word}  {outcome.loaded.name}: {outcome.loaded.scenario.title}")
        for reason in filter(None, (*outcome.failures, outcome.error, outcome.left_out)):
            console.print(f"        {reason}")
        if outcome.failed:
            console.print(f"        again: {outcome.replay}")
            if shrunk is not None:
                alone = sum(each.loaded.name == outcome.loaded.name for each in outcomes) == 1
                file = shrunk / f"{outcome.loaded.name if alone else place}.yaml"
                console.print(f"        shrunk: {shrunk_to(outcome, file)}")
    failed, passed = sum(outcome.failed for outcome in outcomes), sum(outcome.passed for outcome in outcomes)
    left_out = len(outcomes) - failed - passed
    minutes = sum(outcome.loaded.scenario.duration_s for outcome in outcomes if not outcome.left_out) / 60
    virtual_only = f", {left_out} virtual only" if left_out else ""
    console.print(
        f"{len(outcomes)} scenarios, {passed} passed, {failed} failed{virtual_only}; "
        f"{minutes:.0f} min of ward time"
    )
    real = next((outcome for outcome in outcomes if outcome.real), None)
    if real is not None:
        console.print(f"level real: allowed for real time are {real.record.allowance}")
    return failed


def shrunk_to(outcome: Outcome, file: Path) -> str:
    """Write the shortest scenario that fails in the same way; say how short it is and what plays it."""
    from rich.console import Console
    from rich.progress import Progress

    from pumpd.qa.shrink import MOST_PLAYS, lines_and_seconds, shrink
    from pumpd.qa.suite import keep

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"shrinking {outcome.loaded.name}", total=MOST_PLAYS)
        found = shrink(outcome, told=lambda plays: progress.update(bar, completed=plays)).outcome
    try:
        kept = keep(found, file)
    except OSError as error:
        return f"not kept: {file}: {error.strerror}"
    before = lines_and_seconds(outcome.loaded.scenario)
    return f"from {before} to {lines_and_seconds(found.loaded.scenario)}; {kept.replay}"


def _write_logs(outcomes: list[Outcome], directory: Path) -> None:
    from pumpd.qa.suite import places
    from pumpd.qa.whole_file import write_whole

    for outcome, place in zip(outcomes, places(directory, [each.loaded for each in outcomes]), strict=True):
        write_whole(place.with_name(f"{place.name}.jsonl"), outcome.event_log.encode())
