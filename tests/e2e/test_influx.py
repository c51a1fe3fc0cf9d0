"""Daemon, dashboard and simulated pumps as programs, with their readings in a real InfluxDB."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.demo_files import copied_demo
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.influx_verify import verify_history
from tests.dashboard.people import COOKIE, prepare
from tests.e2e.test_alarms import Program, programs
from tests.mosquitto import free_port
from tests.store.influx_named import MISSING, any_influx
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
FOR_EVER = (0, 2**42 // 60_000 * 60_000)


def told(url: str) -> Any:
    """Return what the dashboard answers; None while it does not."""
    try:
        with urlopen(Request(url, headers=COOKIE)) as answer:
            return json.loads(answer.read())
    except (HTTPError, URLError, ConnectionError):
        return None


@pytest.mark.requirement("INFLUX-1", "INFLUX-4", "INFLUX-6")
@pytest.mark.timeout(300)
async def test_the_whole_of_pumpd_keeps_and_shows_its_readings_in_influxdb(tmp_path: Path) -> None:
    """Trend and journal on the dashboard come from InfluxDB, over a database that was killed meanwhile."""
    began_ms = int(SystemClock().wall().timestamp() * 1000)
    (tmp_path / "db").mkdir()
    with any_influx(tmp_path / "db") as served, copied_demo(tmp_path) as files, programs() as started:
        place = served.make()
        kept = json.dumps({"kind": "influxdb", **served.settings()})
        files.config.write_text(files.config.read_text().replace("{kind: sqlite}", kept))
        config = load(files.config)
        prepare(config.data_dir)
        started += [
            Program(tmp_path / "simulate.log", "simulate", "-c", str(files.ward)),
            Program(tmp_path / "run.log", "run", "-c", str(files.config)),
            Program(tmp_path / "dashboard.log", "dashboard", "-c", str(files.config)),
        ]
        dashboard = f"http://127.0.0.1:{config.dashboard.port}/api"
        span = f"start={began_ms // 3_600_000 * 3_600_000}&end={began_ms + 3_600_000}"

        def counted() -> int:
            trend = told(f"{dashboard}/history/PUMP-01/1/flow_ml_h?{span}")
            return sum(trend["count"]) if trend else 0

        await until(lambda: counted() >= 2, 60)
        served.proxy.behind_port = free_port()  # nobody answers there
        spool = tmp_path / "data" / "spool.db"
        await until(lambda: waiting(spool) >= 3 * len(config.pumps), 90)
        before = counted()
        served.proxy.behind_port = served.server.port
        await until(lambda: counted() >= before + 3, 60)
        events = told(f"{dashboard}/journal?{span}&limit=500")
        assert "started" in {event["event"] for event in events if event["kind"] == "node"}
        started[1].signal(signal.SIGTERM)
        assert started[1].ends(10) == 0
        started += [Program(tmp_path / "run.log", "run", "-c", str(files.config))]  # what was left is sent
        await until(lambda: not waiting(spool), 90)
        started[-1].signal(signal.SIGKILL)
        started[-1].ends()
        verdict = verify_history(InfluxQuery(place), config.site, spool, *FOR_EVER)
    assert verdict.read == verdict.stored + verdict.spooled > 3 * len(config.pumps)
    assert verdict.dropped == {}


def waiting(spool: Path) -> int:
    """Return how many readings wait in the spool."""
    with closing(sqlite3.connect(f"{spool.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        found = db.execute("SELECT coalesce(sum(readings), 0) FROM batch_slot").fetchone()
    return int(found[0])
