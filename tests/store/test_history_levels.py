"""Whatever levels answer a trend, it equals a count over the readings; old levels go in small slices."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumpd.store.base import Bucket
from pumpd.store.history_file import STEP_BACK_MS, HistoryFile, Retention
from pumpd.store.history_sql import TABLES
from pumpd.store.reader import ReadOnlyFile
from pumpd.store.trends import read_trend
from tests import proof
from tests.store.lines import CHANNEL, PUMP, T0_MS
from tests.store.readings import row

FLOWS = st.none() | st.integers(0, 50_000_000)
STEPS_MS = [1, 500, 1000, 9_999, 60_000, 299_000, 700_000, -200, -5_000, -900_000]
READINGS = st.lists(st.tuples(st.sampled_from(STEPS_MS), FLOWS), min_size=1, max_size=60) | st.lists(
    st.tuples(st.sampled_from([1, 60_000, 299_000, 700_000, -900_000]), FLOWS), min_size=3, max_size=12
)
"""Time since the one before, and flow in nL/h; None is a value that can not be believed."""


def brute_force(stored: dict[int, float], start_ms: int, width_ms: int, end_ms: int) -> list[Bucket]:
    """Put each reading into its bucket, one by one."""
    found: dict[int, list[float]] = defaultdict(list)
    for at_ms, flow in stored.items():
        if start_ms <= at_ms < end_ms:
            found[(at_ms - start_ms) // width_ms].append(flow)
    return [
        Bucket(
            start_ms + number * width_ms, min(flows), max(flows), math.fsum(flows) / len(flows), len(flows)
        )
        for number, flows in sorted(found.items())
    ]


@pytest.mark.requirement("HIST-1")
@given(
    readings=READINGS,
    batches=st.lists(st.integers(1, 20), min_size=1, max_size=8),
    restart=st.booleans(),
    start_s=st.integers(-700, 4000),
    length_s=st.integers(1, 9000),
    buckets=st.integers(1, 40),
)
@example(
    readings=[(299_000, None), (700_000, None), (-900_000, 0)],
    batches=[1],
    restart=False,
    start_s=0,
    length_s=300,
    buckets=1,
)
@example(  # put back once more in the batch that writes into what was rolled up before
    readings=[(1, None), (700_000, None), (-900_000, None), (1, 0), (-900_000, None)],
    batches=[1, 1, 1, 2],
    restart=False,
    start_s=-200,
    length_s=10,
    buckets=1,
)
@example(  # covered up to the middle of a coarse span, and put back twice
    readings=[
        (1, None),
        *[(700_000, None), (-900_000, None)] * 2,
        (700_000, None),
        (-900_000, 0),
        (-900_000, None),
    ],
    batches=[4],
    restart=False,
    start_s=-600,
    length_s=300,
    buckets=1,
)
@example(  # two turns back in one batch that end together: nothing is counted twice
    readings=[(-5_000, 0), (-900_000, None), (-900_000, 0), (700_000, 5)],
    batches=[5],
    restart=True,
    start_s=-2493,
    length_s=3000,
    buckets=7,
)
@example(  # a coarse span that goes on reaches further than the fine ones that it is made from
    readings=[(60_000, None), (60_000, None), *[(700_000, None)] * 3, (-900_000, None), (299_000, 7)],
    batches=[1],
    restart=True,
    start_s=-1109,
    length_s=3000,
    buckets=1,
)
@proof.examples("a trend equals a count over the readings", small=60, full=5000)
def test_a_trend_equals_a_count_over_the_readings(
    readings: list[tuple[int, int | None]],
    batches: list[int],
    restart: bool,
    start_s: int,
    length_s: int,
    buckets: int,
) -> None:
    """Through any batches, restarts in the middle of a roll-up, gaps and clock steps: same extremes."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "history.db"
        file = HistoryFile(path, Retention(), keep_free_bytes=0)
        at_ms, stored, last_ms = T0_MS, dict[int, float](), -1
        taken: set[int] = set()
        left = list(readings)
        for turn in range(len(readings)):
            batch = []
            for step_ms, flow in left[: batches[turn % len(batches)]]:
                at_ms += step_ms
                batch.append(row(0, at_ms=at_ms, flow_nl_h=flow))
                held = last_ms + 1 if last_ms - STEP_BACK_MS < at_ms <= last_ms else at_ms
                last_ms = held
                if flow is not None and held not in taken:
                    stored[held] = flow / 1e6
                taken.add(held)
            del left[: batches[turn % len(batches)]]
            if batch:
                file.write(batch)
            if restart:
                file.close()
                file = HistoryFile(path, Retention(), keep_free_bytes=0)
                last_ms = max(taken)
        reading = ReadOnlyFile(path)
        start_ms, end_ms = T0_MS + start_s * 1000, T0_MS + (start_s + length_s) * 1000
        trend = reading.ask(
            lambda db: read_trend(db, PUMP, CHANNEL, "flow_ml_h", start_ms, end_ms, buckets), None
        )
        reading.close()
        file.close()
    assert trend is not None
    expected = brute_force(stored, start_ms, -(-(end_ms - start_ms) // buckets), end_ms)
    assert len(trend.buckets) <= buckets
    assert [(b.start_ms, b.low, b.high, b.count) for b in trend.buckets] == [
        (b.start_ms, b.low, b.high, b.count) for b in expected
    ]
    assert [b.mean for b in trend.buckets] == pytest.approx([b.mean for b in expected])


def rows(path: Path) -> dict[int, int]:
    """Return how many rows each level has."""
    db = sqlite3.connect(path)
    found = {
        level: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for level, table in TABLES.items()
    }
    db.close()
    return found


def test_levels_are_kept_for_their_days_and_still_answer(tmp_path: Path) -> None:
    """Readings go after their days, in slices; the roll-up that is left has the same extremes and count."""
    path = tmp_path / "history.db"
    keep = Retention(readings_days=1, ten_seconds_days=2, five_minutes_days=0)
    file = HistoryFile(path, keep, keep_free_bytes=0)
    hours = 24 * 4
    for hour in range(hours):
        file.write(
            [row(0, at_ms=T0_MS + hour * 3_600_000 + s * 60_000, flow_nl_h=10_000_000 + s) for s in range(60)]
        )
    before = rows(path)
    now_ms = T0_MS + hours * 3_600_000
    for n in range(2 * hours + 10):
        file.write([row(0, at_ms=now_ms + n)])
        after = rows(path)
        assert before[1] - after[1] <= 60, "more than an hour went at once"
        before = after
    file.close()
    reading = ReadOnlyFile(path)
    trend = reading.ask(
        lambda db: read_trend(db, PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + hours * 3_600_000, 96), None
    )
    fine = reading.ask(
        lambda db: read_trend(db, PUMP, CHANNEL, "flow_ml_h", T0_MS, T0_MS + 3_600_000, 3600), None
    )
    reading.close()
    written_since = 2 * hours + 10
    assert after[1] < 25 * 60 + written_since
    assert after[10_000] < 49 * 60 + written_since
    assert after[300_000] >= hours * 12
    assert trend is not None
    assert [(b.start_ms, b.count, b.high) for b in trend.buckets] == [
        (T0_MS + hour * 3_600_000, 60, 10.000059) for hour in range(hours)
    ]
    assert fine is not None
    assert [b.start_ms for b in fine.buckets] == [T0_MS + n * 300_000 for n in range(12)], (
        "as fine as what is left"
    )
