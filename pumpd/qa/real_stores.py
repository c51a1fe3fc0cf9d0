"""The stores of a real daemon, from outside: another program's lock on them, and what they hold."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import suppress
from pathlib import Path

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.qa.record import Channel
from pumpd.store.reader import SqliteHistoryReader

LOCKS_WITHIN_S = 5.0
BUCKETS_PER_S = 10
"""How finely readings are told apart in time."""
MOST_LINES = 1_000_000


class Lock:
    """Another program that holds a database for writing, as a backup that hangs does; writes to it fail."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: sqlite3.Connection | None = None

    @property
    def held(self) -> bool:
        """True while nobody else can write."""
        return self._held is not None

    async def hold(self) -> None:
        """Take it, between two writes of its owner; harmless when it is held."""
        if self._held is None:
            self._held = await asyncio.to_thread(self._locked)

    async def release(self) -> None:
        """Let go of it; harmless when it is not held."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(sqlite3.Error):
                held.execute("ROLLBACK")
            held.close()

    def _locked(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=LOCKS_WITHIN_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return connection


async def journalled_ids(reader: SqliteHistoryReader) -> set[str]:
    """Return the id of every event in the journal."""
    lines = await reader.journal(None, 0, 2**52, MOST_LINES)
    return {str(json.loads(line.payload)["id"]) for line in lines}


async def readings(
    reader: SqliteHistoryReader, channel: Channel, began_ms: int, duration_s: float
) -> list[tuple[float, float]]:
    """Return (seconds since the scenario began, mL/h) of each reading in the history."""
    end_ms = began_ms + round(duration_s * 1000)
    trend = await reader.trend(
        PumpId(channel[0]),
        ChannelId(channel[1]),
        "flow_ml_h",
        began_ms,
        end_ms,
        round(duration_s * BUCKETS_PER_S),
    )
    return [((bucket.start_ms - began_ms) / 1000, bucket.mean) for bucket in trend.buckets]
