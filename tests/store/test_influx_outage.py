"""A real outage: the database is killed, and meanwhile the writer; nothing that was on disk is lost."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.influx_verify import verify_history
from tests import proof
from tests.store.influx_named import MISSING, any_influx

ROOT = Path(__file__).parents[2]
PUMPS = 200
MOST_LOST_S = 3
"""A second gathers before it goes to disk; a busy machine may take a little longer."""
SECOND_RUN = 100_000
"""Where the second run's sequences begin."""
SECOND_RUN_S = 2


def begun(directory: Path, place: InfluxPlace, seconds: int, first: int) -> subprocess.Popen[str]:
    """Start the writer's program."""
    words = [str(word) for word in (directory, place.url, place.bucket, PUMPS, seconds, first)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.influx_writing", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def said(process: subprocess.Popen[str], lines: int) -> None:
    """Return once the program said so many lines more."""
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline(), "it ended too early"


@pytest.mark.real
@pytest.mark.requirement("INFLUX-1", "INFLUX-2", "INFLUX-4")
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_an_outage_and_a_killed_writer_lose_nothing_that_was_on_disk(tmp_path: Path) -> None:
    """200 pumps at 1 Hz: all that was read is stored afterwards, in order, and ``verify`` accounts for it."""
    outage_s = proof.count("seconds of a real outage of InfluxDB, 200 pumps at 1 Hz", small=4, full=120)
    (tmp_path / "db").mkdir()
    with any_influx(tmp_path / "db") as served:
        place = served.make()
        first = begun(tmp_path, place, 10_000, 0)
        try:
            said(first, 2)
            served.server.kill()
            said(first, outage_s)
        finally:
            first.kill()
            rest = first.communicate()[0]
        written = 2 + outage_s + len(rest.splitlines())
        second = begun(tmp_path, place, SECOND_RUN_S, SECOND_RUN)
        try:
            said(second, 1)
            served.server.start()
            assert second.wait(60) == 0
        finally:
            second.kill()
            second.communicate()
        query = InfluxQuery(place)
        verdict = verify_history(query, "clinic", tmp_path / "spool.db", 0, 2**42 // 60_000 * 60_000)
        series = query.ask('SELECT "sequence" FROM "reading" GROUP BY "pump"')
    assert (verdict.missing, verdict.spooled, verdict.dropped) == (0, 0, {})
    assert verdict.stored == verdict.read >= PUMPS * (written - MOST_LOST_S + SECOND_RUN_S)
    assert len(series) == PUMPS
    for of_pump in series:
        sequences = [int(found["sequence"]) for found in of_pump.rows]
        kept = [number for number in sequences if number <= SECOND_RUN]
        assert kept == list(range(1, len(kept) + 1)), "in order, with no hole"
        assert len(kept) >= written - MOST_LOST_S
        assert sequences[len(kept) :] == [SECOND_RUN + n + 1 for n in range(SECOND_RUN_S)]
        times = [found["time"] for found in of_pump.rows]
        assert all(earlier < later for earlier, later in itertools.pairwise(times))
