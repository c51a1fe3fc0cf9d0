"""Verbs about one patient's readings: history export, history erase."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpd.cli_history import ConfigOption, span_ms
from pumpd.cli_words import free_place, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pumpd.config import Config
    from pumpd.store.patients import Stay

FromOption = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Leave out stays that ended before (UTC).")
]
ToOption = Annotated[
    str, typer.Option("--to", metavar="TIME", help="Leave out stays that began later (UTC).")
]
LONG_AGO = "1970-01-02T00:00"
FAR_OFF = "2200-01-01T00:00"


def _named(label: str) -> str:
    if not label:
        raise typer.BadParameter("nobody's readings are no patient's", param_hint="--patient")
    return label


LabelOption = Annotated[
    str,
    typer.Option("--patient", metavar="LABEL", help="The label that stood at the pump.", callback=_named),
]


def add_to(history: typer.Typer) -> None:
    """Add the verbs of this module to the group ``history``."""
    history.command("export")(export)
    history.command("erase")(erase)


def _told(stays: Sequence[Stay], config: Config, label: str) -> None:
    from datetime import UTC, datetime

    def at(ms: int | None) -> str:
        return "still there" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat()

    for stay in stays:
        out().print(f"{stay.pump}/{stay.channel}: {at(stay.start_ms)} to {at(stay.end_ms)}")
    for pump in config.pumps:
        if config.history.kind == "sqlite" and pump.label == label:
            words = f"the label stands in {config.file.name}, and no journal says since when"
            out().print(f"{pump.id}: {words}: what was read under it alone is not found")


def export(
    config: ConfigOption,
    label: LabelOption,
    file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A file that is not there yet.")
    ],
    start: FromOption = LONG_AGO,
    end: ToOption = FAR_OFF,
) -> None:
    """Write the readings of one patient to a file, a line of JSON each, readable by its owner only."""
    from pumpd.config import load
    from pumpd.histories import patient_records

    free_place(file, "--output")
    loaded = load(config)
    records = patient_records(loaded)
    stays = records.stays(label, *span_ms(start, end))
    _told(stays, loaded, label)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    count = 0
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            for stay in stays:
                for line in records.readings(stay):
                    written.write(line + "\n")
                    count += 1
    except BaseException:  # what is not whole is no answer to a patient
        file.unlink(missing_ok=True)
        raise
    out().print(f"{count} readings in {file}")
    if not stays:
        raise typer.Exit(1)


def erase(
    config: ConfigOption,
    label: LabelOption,
    start: FromOption = LONG_AGO,
    end: ToOption = FAR_OFF,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it the stays are told, no more.")
    ] = False,
) -> None:
    """Erase the readings of one patient; the journal on the daemon's host stays as it is."""
    from pumpd.clock import SystemClock
    from pumpd.config import load
    from pumpd.histories import patient_records

    loaded = load(config)
    records = patient_records(loaded)
    stays = records.stays(label, *span_ms(start, end))
    _told(stays, loaded, label)
    if not stays or not yes:
        out().print("nothing was erased" + ("; look at the times, then say --yes" if stays else ""))
        raise typer.Exit(1)
    now_ms = int(SystemClock().wall().timestamp() * 1000)
    for stay in stays:
        stay.ended_ms(now_ms)  # all or none: the first one that goes on refuses for all
    count = sum(records.erase(stay, now_ms) for stay in stays)
    out().print(f"{count} readings erased; the journal on the daemon's host is as it was")
