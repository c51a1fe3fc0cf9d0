"""Other servers that take the same lines: VictoriaMetrics, and an InfluxDB 2 or 3 that somebody names."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_init import make_store
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_reader import InfluxHistoryReader
from tests.mosquitto import free_port
from tests.store.influx import Server, missing
from tests.store.lines import CHANNEL, PUMP, T0_MS
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-1")]
NO_VICTORIA = missing("victoria-metrics", "victoria-metrics")
INFLUXDB2_URL = os.environ.get("PUMPD_INFLUXDB2_URL", "")
INFLUXDB2_TOKEN_FILE = os.environ.get("PUMPD_INFLUXDB2_TOKEN_FILE", "")


async def written(directory: Path, place: InfluxPlace, count: int) -> None:
    """Write readings through the whole store."""
    writer = InfluxHistoryWriter(SpoolPlace(directory, 2**24), "clinic", lambda: InfluxDoor(place))
    for n in range(count):
        writer.write(row(n))
    await until(lambda: writer.status().written == count)
    assert writer.status().failing == ""
    await writer.close()


def exported(url: str, name: str) -> list[dict[str, Any]]:
    """Return what VictoriaMetrics holds under a name."""
    with urlopen(f"{url}/internal/force_flush"):
        pass
    with urlopen(f"{url}/api/v1/export?match[]={name}&start=0") as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


@pytest.mark.skipif(bool(NO_VICTORIA), reason=NO_VICTORIA)
async def test_victoria_metrics_takes_the_lines_and_gives_them_back(tmp_path: Path) -> None:
    """Every reading written to its ``/api/v2/write`` comes out of ``/api/v1/export``, with value and time."""
    port = free_port()
    words = [
        shutil.which("victoria-metrics") or "victoria-metrics",
        f"-storageDataPath={tmp_path / 'vm'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
    ]
    server = Server(port, words, "/health")
    server.start()
    url = f"http://127.0.0.1:{port}"
    try:
        await written(tmp_path, InfluxPlace(url, "", "pumpd", lambda: "", 10.0), 25)
        (series,) = exported(url, "reading_volume_ml")
    finally:
        server.kill()
    metric = {key: series["metric"][key] for key in ("site", "ward", "pump", "channel", "provenance")}
    assert metric == {"site": "clinic", "ward": "ward-1", "pump": PUMP, "channel": "1", "provenance": "demo"}
    assert series["timestamps"] == [T0_MS + n * 1000 for n in range(25)]
    assert series["values"] == [n * 2_778 / 1e6 for n in range(25)]


if INFLUXDB2_URL:
    TOKEN = Path(INFLUXDB2_TOKEN_FILE).read_text().strip()

    async def test_an_influxdb_2_or_3_that_somebody_named(tmp_path: Path) -> None:
        """Bucket and name for InfluxQL are made, readings are written, and come back as a trend."""
        org = os.environ.get("PUMPD_INFLUXDB2_ORG", "pumpd")
        place = InfluxPlace(INFLUXDB2_URL.rstrip("/"), org, f"pumpd-{os.getpid()}", lambda: TOKEN, 10.0)
        assert "InfluxDB" in make_store(place, 3650)
        await written(tmp_path, place, 25)
        reader = InfluxHistoryReader(place, "clinic")
        trend = await reader.trend(PUMP, CHANNEL, "volume_ml", T0_MS, T0_MS + 25_000, 25)
        await reader.close()
        assert [bucket.mean for bucket in trend.buckets] == [n * 2_778 / 1e6 for n in range(25)]
