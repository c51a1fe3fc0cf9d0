"""History for pages: bounded questions to the reader, in plain JSON values."""

from __future__ import annotations

import json
from typing import Any

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.base import SERIES, HistoryReader

MOST_BUCKETS = 1000
"""A chart is never sent more than this: one bucket to a pixel column."""
MOST_LINES = 500
"""Journal lines in one answer."""
LONGEST_MS = 400 * 24 * 3_600_000
"""The widest span that can be asked: a year and a bit."""


LATEST_MS = 253_402_300_800_000
"""The end of the year 9999: later times have no date."""


def check_span(start_ms: int, end_ms: int) -> None:
    """ValueError when the span is empty, backwards, wider than ``LONGEST_MS`` or after ``LATEST_MS``."""
    if not 0 <= start_ms < end_ms <= LATEST_MS:
        raise ValueError(f"start {start_ms}, end {end_ms}: start must be before end, in ms since 1970")
    if end_ms - start_ms > LONGEST_MS:
        raise ValueError(f"span of {end_ms - start_ms} ms: at most {LONGEST_MS} ms")


async def trend(
    reader: HistoryReader, pump: str, channel: str, series: str, start_ms: int, end_ms: int, buckets: int
) -> dict[str, Any]:
    """Return one series in columns: start, low, high, mean and count of each bucket that is not empty.

    ValueError when the series, the span or the number of buckets is not allowed.
    """
    if series not in SERIES:
        raise ValueError(f"series {series!r}: allowed are {', '.join(SERIES)}")
    check_span(start_ms, end_ms)
    if not 1 <= buckets <= MOST_BUCKETS:
        raise ValueError(f"buckets {buckets}: allowed are 1 to {MOST_BUCKETS}")
    found = await reader.trend(PumpId(pump), ChannelId(channel), series, start_ms, end_ms, buckets)
    return {
        "pump": pump,
        "channel": channel,
        "series": found.series,
        "unit": found.unit,
        "start_ms": [bucket.start_ms for bucket in found.buckets],
        "low": [bucket.low for bucket in found.buckets],
        "high": [bucket.high for bucket in found.buckets],
        "mean": [bucket.mean for bucket in found.buckets],
        "count": [bucket.count for bucket in found.buckets],
    }


async def journal(
    reader: HistoryReader, pump: str | None, start_ms: int, end_ms: int, limit: int
) -> list[dict[str, Any]]:
    """Return journal lines as the transitions they hold, newest first; ValueError on a bad span or limit."""
    check_span(start_ms, end_ms)
    if not 1 <= limit <= MOST_LINES:
        raise ValueError(f"limit {limit}: allowed are 1 to {MOST_LINES}")
    lines = await reader.journal(None if pump is None else PumpId(pump), start_ms, end_ms, limit)
    return [
        {**json.loads(line.payload), "seq": line.sequence, "journalled": True, "at": line.at.isoformat()}
        for line in lines
    ]
