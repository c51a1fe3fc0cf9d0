"""A whole node and its pumps, as programs, while its real InfluxDB is away."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.world import write_files
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.contract.topics import Topics
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.line_protocol import READING
from pumpd.store.spool_account import read_account
from tests import proof
from tests.e2e.test_alarms import ROOT, Program, programs
from tests.e2e.test_influx import FOR_EVER, waiting
from tests.mosquitto import Listener, Mosquitto, mosquitto
from tests.mosquitto import missing as broker_missing
from tests.store.influx import Influx
from tests.store.influx_named import MISSING as INFLUX_MISSING
from tests.store.influx_named import any_influx
from tests.waiting import until

MISSING = INFLUX_MISSING or broker_missing()
pytestmark = [pytest.mark.real, pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
GATHERING = 5
"""Readings of a pump that may not be on disk yet: a second gathers, and a busy machine takes longer."""


def ward_of(directory: Path, pumps: int, served: Influx, broker: Mosquitto) -> Path:
    """Write ward and configuration of ``pumps`` at 1 Hz; return the configuration."""
    config = write_files(directory, pumps, 0, 0, 0).config
    said = yaml.safe_load(config.read_text())
    said["mqtt"]["port"] = broker.port
    said["history"] = {"kind": "influxdb", **served.settings()}
    config.write_text(yaml.safe_dump(said))
    return config


class Heard:
    """What one outside the node heard of it by MQTT."""

    def __init__(self, port: int, site: str, log: Path) -> None:
        self._listener = Listener(port, Topics(site).node_telemetry("+"), log, qos=0)
        self._taken = 0
        self.volumes: dict[str, dict[int, float]] = {}
        """By pump and the sequence of its reading."""
        self.silent = False
        """Whether the last payload had no reading, as after a second without one."""
        self.stop = self._listener.stop

    def newest(self) -> dict[str, int]:
        """Return the sequence of each pump's last reading."""
        payloads = self._listener.payloads()
        for payload in payloads[self._taken :]:
            self.silent = not payload["readings"]
            for part in payload["readings"]:
                self.volumes.setdefault(part["pump"], {})[part["seq"]] = float(part["volume_ml"])
        self._taken = len(payloads)
        return {pump: max(volumes) for pump, volumes in self.volumes.items()}

    def more(self, than: dict[str, int]) -> int:
        """Return how many readings more than then were heard of each pump, at the least."""
        now = self.newest()
        return min(now[pump] - sequence for pump, sequence in than.items())

    def silence(self) -> bool:
        """Return whether nothing is read any more."""
        self.newest()
        return self.silent


def stored(query: InfluxQuery) -> dict[str, list[dict[str, Any]]]:
    """Return what the database holds of each pump, by time."""
    found = query.ask(f'SELECT "sequence", "volume_ml" FROM "{READING}" GROUP BY "pump"', epoch="ns")
    return {series.tags["pump"]: list(series.rows) for series in found}


def verified(config: Path, began: datetime) -> tuple[int, dict[str, int]]:
    """Run ``pumpd history verify``; return its status, and its sums by name."""
    ends = (SystemClock().wall() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    words = ["history", "verify", "-c", str(config), "--from", began.strftime("%Y-%m-%dT%H:%M"), "--to", ends]
    ran = subprocess.run(
        [sys.executable, "-m", "pumpd.cli", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    sums = re.findall(r"^(read|stored|spooled|dropped) +(\d+)$", ran.stdout, re.MULTILINE)
    return ran.returncode, {name: int(count) for name, count in sums}


@pytest.mark.requirement("INFLUX-1", "INFLUX-2", "INFLUX-4")
@pytest.mark.timeout(900)
async def test_a_whole_node_loses_no_reading_while_influxdb_is_away(tmp_path: Path) -> None:
    """Afterwards all that was read is stored, in order, as it was told by MQTT; ``history verify`` agrees."""
    outage = proof.count("seconds of a real outage of InfluxDB under a whole node", small=3, full=120)
    pumps = proof.count("pumps at 1 Hz of a whole node without its InfluxDB", small=20, full=200)
    began = SystemClock().wall().astimezone(UTC)
    (tmp_path / "db").mkdir()
    with any_influx(tmp_path / "db") as served, programs() as started, mosquitto(tmp_path) as broker:
        query = InfluxQuery(served.make())
        config = ward_of(tmp_path, pumps, served, broker)
        site, spool = load(config).site, load(config).data_dir / "spool.db"
        heard = Heard(broker.port, site, tmp_path / "heard")
        try:
            ward = Program(tmp_path / "simulate.log", "simulate", "-c", str(tmp_path / "ward.yaml"))
            node = Program(tmp_path / "run.log", "run", "-c", str(config))
            started += [ward, node]
            await until(lambda: len(heard.newest()) == pumps, 60)
            await until(lambda: len(stored(query)) == pumps, 60)
            served.server.kill()
            before = heard.newest()
            await until(lambda: heard.more(before) >= outage, 60 + 3 * outage)
            assert waiting(spool) >= pumps * (outage - GATHERING)
            served.server.start()
            back = heard.newest()
            await until(lambda: heard.more(back) >= 2, 60)
            ward.signal(signal.SIGTERM)  # what is read comes to its end
            assert ward.ends(10) == 0
            await until(heard.silence, 60)
            read = sum(heard.newest().values())
            await until(lambda: read_account(spool, *FOR_EVER).read == read and not waiting(spool), 120)
            node.signal(signal.SIGTERM)
            assert node.ends(10) == 0
        finally:
            heard.stop()
        assert verified(config, began) == (0, {"read": read, "stored": read, "spooled": 0, "dropped": 0})
        kept = stored(query)
    assert sum(len(rows) for rows in kept.values()) == read
    for pump, volumes in heard.volumes.items():
        rows = kept[pump]
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1)), "in order, with no hole"
        assert all(earlier["time"] < later["time"] for earlier, later in itertools.pairwise(rows))
        assert volumes.items() <= {int(row["sequence"]): row["volume_ml"] for row in rows}.items()
    assert "Traceback" not in (tmp_path / "run.log").read_text()
