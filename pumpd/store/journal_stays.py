"""Which channel carried which patient, from when until when, by the journal's lines about infusions."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.errors import StoreError
from pumpd.store.patients import Stay
from pumpd.store.reader import ReadOnlyFile

InfusionLine = tuple[int, str, str, str]
"""Time in microseconds since 1970, pump, channel, payload."""
INFUSIONS = (
    "SELECT at_us, pump, channel, payload FROM line"
    " WHERE kind = 'infusion' AND pump IS NOT NULL AND channel IS NOT NULL ORDER BY seq"
)
_ORDER = re.compile(r" [0-9.]+ [^ ,]+/mL, ")
"""The concentration in what is ordered: in front of it stand the label and the drug."""


def journal_stays(journal: Path, label: str) -> Sequence[Stay]:
    """Return every stay under ``label`` that was journalled; StoreError without a readable journal."""

    def question(db: sqlite3.Connection) -> Sequence[InfusionLine] | None:
        return db.execute(INFUSIONS).fetchall()

    file = ReadOnlyFile(journal)
    try:
        lines = file.ask(question, None)
    finally:
        file.close()
    if lines is None:
        raise StoreError(f"{journal}: there is no journal, which alone says whose readings are whose")
    return stays_of(lines, label)


def stays_of(lines: Iterable[InfusionLine], label: str) -> Sequence[Stay]:
    """Return the stays under ``label``; ``lines`` stand in the journal's order.

    An infusion begins at a channel, goes on at another after a swap, and ends; a transfer moves the bed only.
    """
    standing: dict[tuple[str, str], tuple[str, int]] = {}
    found: list[Stay] = []

    def leave(where: tuple[str, str], end_ms: int) -> str:
        stood, start_ms = standing.pop(where, ("", end_ms))
        if stood == label and start_ms < end_ms:
            found.append(Stay(label, PumpId(where[0]), ChannelId(where[1]), start_ms, end_ms))
        return stood

    for at_us, *place, payload in lines:
        # Of a millisecond in which one infusion ends and another begins the reading is the first one's.
        where, at_ms = (place[0], place[1]), -(-at_us // 1000)
        said = json.loads(payload)
        event, detail = said.get("event"), str(said.get("detail", ""))
        if event == "begun":
            leave(where, at_ms)
            standing[where] = label_in(detail), at_ms
        elif event == "swapped":
            onto = f" to {where[0]}/{where[1]}: "
            left = next((at for at in standing if detail.startswith(f"from {at[0]}/{at[1]}{onto}")), None)
            if left is not None:
                standing[where] = leave(left, at_ms), at_ms
        elif event == "ended":
            leave(where, at_ms)
    found.extend(
        Stay(label, PumpId(pump), ChannelId(channel), start_ms, None)
        for (pump, channel), (stood, start_ms) in standing.items()
        if stood == label
    )
    return found


def label_in(beginning: str) -> str:
    """Return the patient's label in the words about a beginning; empty when none stands there."""
    order = _ORDER.search(beginning)
    return "" if order is None else beginning[: order.start()].rpartition(": ")[0]
