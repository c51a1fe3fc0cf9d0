"""What a daemon keeps in memory does not grow with the time that it watches."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from pathlib import Path

import pytest

from pumpd.drivers import register_reading
from pumpd.qa.hospital import Hospital
from pumpd.qa.record import Record
from pumpd.qa.runner import play
from pumpd.qa.scenario import load_scenario
from pumpd.qa.virtual_process import ProcessLoop
from pumpd.simulator import layout
from tests.qa.small import written

WARM_S, LATER_S = 300, 1500
MOST_BYTES = 30_000
"""Noise of caches that are full; one float kept in a list for each reading would come to 38,000."""


def test_memory_is_the_same_after_five_minutes_and_after_twenty_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings, telemetry, snapshots and their counters leave nothing behind in the daemon."""
    monkeypatch.setattr(register_reading, "_MEANINGS_KEPT", 16)  # full long before the first look
    monkeypatch.setattr(layout, "_WORDS_KEPT", 16)
    file = written(tmp_path, expect=("check: nothing-else",))
    file.write_text(file.read_text().replace("duration_s: 60", f"duration_s: {LATER_S + 1}"))
    record, held = Record(), []
    seconds = iter(range(10 * LATER_S))

    def second() -> None:
        """Forget what the judge keeps, and look twice at what is left."""
        record.log.clear()
        record.read.clear()
        for samples in record.samples.values():
            del samples[:-1]
        if next(seconds) in {WARM_S, LATER_S}:
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])

    loaded = load_scenario(file)
    tracemalloc.start()
    try:
        with asyncio.Runner(loop_factory=ProcessLoop) as runner:
            assert runner.run(_played(loaded, tmp_path, record, second)) == []
    finally:
        tracemalloc.stop()
    assert len(held) == 2
    assert held[1] - held[0] < MOST_BYTES


async def _played(loaded, tmp_path, record, second):
    return await play(Hospital(loaded, 1, tmp_path, record), 1, second)
