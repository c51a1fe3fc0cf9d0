"""Verbs about the history: history verify, store init."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_words import out

if TYPE_CHECKING:
    from pumpd.config import Config
    from pumpd.store.influx_place import InfluxPlace

history = typer.Typer(help="Look after the history.", rich_markup_mode=None)
store = typer.Typer(help="Look after the database.", rich_markup_mode=None)

TRIES = 10
TRY_EVERY_S = 0.5
"""While a daemon writes, what is on its way may be seen twice."""
SLOT_S = 60
FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Of times that are taken: databases count nanoseconds from 1970 on, and end in 2262."""

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration (YAML).")
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(history, name="history", no_args_is_help=True)
    app.add_typer(store, name="store", no_args_is_help=True)


@history.callback()
def _history() -> None:
    """Look after the history of readings."""


@store.callback()
def _store() -> None:
    """Look after the database that readings are kept in."""


@store.command("init")
def init(config: ConfigOption) -> None:
    """Make what InfluxDB must have: bucket or database, retention, and its name for InfluxQL."""
    from pumpd.store.influx_init import make_store

    loaded, place = influx_of(config)
    out().print(make_store(place, loaded.history.retention_days))


@history.command("verify")
def verify(
    config: ConfigOption,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="The first minute, as 2026-03-01T08:00 (UTC).")
    ],
    end: Annotated[
        str,
        typer.Option("--to", metavar="TIME", help="The minute after the last."),
    ],
) -> None:
    """Hold what was read against what is stored, spooled and dropped with a reason; name what is missing."""
    from pumpd.histories import spool_place
    from pumpd.store.influx_query import InfluxQuery
    from pumpd.store.influx_verify import verify_history

    loaded, place = influx_of(config)
    start_ms, end_ms = span_ms(start, end)
    query, spool = InfluxQuery(place), spool_place(loaded).spool
    for _ in range(TRIES):
        verdict = verify_history(query, loaded.site, spool, start_ms, end_ms)
        if not verdict.missing:
            break
        time.sleep(TRY_EVERY_S)
    console = out()
    console.print(f"read     {verdict.read}")
    console.print(f"stored   {verdict.stored}")
    console.print(f"spooled  {verdict.spooled}")
    console.print(f"dropped  {sum(verdict.dropped.values())}")
    for reason, count in verdict.dropped.items():
        console.print(f"    {count}: {reason}")
    if verdict.missing > 0:
        console.print(f"MISSING  {verdict.missing}")
        console.print("    nobody knows where they are, or the database's retention let go of them")
    elif verdict.missing < 0:
        console.print(f"SURPLUS  {-verdict.missing}")
        console.print("    stored although they were given up, or the account is of another data directory")
    if verdict.missing:
        raise typer.Exit(1)
    console.print("every reading is accounted for")


def influx_of(config: Path) -> tuple[Config, InfluxPlace]:
    """Return the configuration and its InfluxDB; a usage error when readings are kept elsewhere."""
    from pumpd.config import load
    from pumpd.histories import influx_place

    loaded = load(config)
    if loaded.history.kind != "influxdb":
        message = f"{config} keeps readings in {loaded.history.kind}; this is for history.kind: influxdb"
        raise typer.BadParameter(message, param_hint="--config")
    return loaded, influx_place(loaded)


def span_ms(start: str, end: str) -> tuple[int, int]:
    """Return what ``--from`` and ``--to`` say, in ms since 1970; a usage error unless that is a span."""
    start_ms, end_ms = minute_ms(start, "--from"), minute_ms(end, "--to")
    if start_ms >= end_ms:
        raise typer.BadParameter(f"{start} is not before {end}", param_hint="--from")
    return start_ms, end_ms


def minute_ms(said: str, option: str) -> int:
    """Return a whole minute in ms since 1970; a usage error when it is none, or of a year out of reach."""
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        message = f"'{said}' is no time; write it as 2026-03-01T08:00, in UTC or with its offset"
        raise typer.BadParameter(message, param_hint=option) from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        message = f"'{said}' is out of reach: the year is {FIRST_YEAR} to {LAST_YEAR}"
        raise typer.BadParameter(message, param_hint=option)
    at_s = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if at_s % SLOT_S:
        message = f"'{said}' is no whole minute; the account is kept by the minute"
        raise typer.BadParameter(message, param_hint=option)
    return int(at_s) * 1000
