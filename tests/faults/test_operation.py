"""Health and metrics of a real daemon, asked over HTTP while things around it fail."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pumpd.simulator.server import TcpLine
from tests.faults.nursery import Nursery
from tests.faults.test_kill9 import pumps_on_sockets, write_config
from tests.mosquitto import free_port, missing, mosquitto

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.requirement("OPS-1", "OPS-2"),
]
SOON_S = 30.0


def _ask(url: str) -> tuple[int, str]:
    """Return status and text; status 0 when nobody answers."""
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, ConnectionError, TimeoutError):
        return 0, ""


async def answer(url: str, status: int) -> Any:
    """Return the JSON of ``url`` once it answers with ``status``."""
    async with asyncio.timeout(SOON_S):
        while True:
            found, text = await asyncio.to_thread(_ask, url)
            if found == status:
                return json.loads(text)
            await asyncio.sleep(0.05)


async def figures(url: str) -> dict[str, float]:
    """Return the sum of each metric's samples."""
    _, text = await asyncio.to_thread(_ask, url)
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


async def test_a_real_daemon_tells_how_it_is(tmp_path: Path) -> None:
    """Ready with broker and pumps, not ready without the broker and why; its figures move.

    A place that somebody else has keeps no daemon from watching, and is taken once it is free.
    """
    lines: list[TcpLine] = []
    nursery = None
    with mosquitto(tmp_path) as broker, socket.socket() as other:
        try:
            await pumps_on_sockets(lines)
            port = free_port()
            other.bind(("127.0.0.1", port))
            other.listen()
            config = write_config(tmp_path, broker.port, lines)
            config.write_text(f"{config.read_text()}\noperation: {{port: {port}}}\n")
            nursery = await Nursery.open(config, tmp_path / "log")
            await nursery.start()
            log = tmp_path / "log"
            async with asyncio.timeout(SOON_S):
                while not log.exists() or "operation.port" not in log.read_text():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            other.close()
            url = f"http://127.0.0.1:{port}"
            assert (await answer(f"{url}/readyz", 200))["not_well"] == []
            before = await figures(f"{url}/metrics")
            assert before["pumpd_link_up"] == len(lines)
            assert before["pumpd_broker_up"] == 1
            assert before["pumpd_journal_commit_seconds_count"] > 0
            assert before["process_resident_memory_bytes"] > 0
            broker.kill()
            away = await answer(f"{url}/readyz", 503)
            assert {told["part"] for told in away["not_well"]} >= {"broker"}
            assert (await answer(f"{url}/healthz", 200))["ready"] is False
            after = await figures(f"{url}/metrics")
            assert after["pumpd_broker_up"] == 0
            async with asyncio.timeout(SOON_S):
                while after["pumpd_readings_total"] <= before["pumpd_readings_total"]:
                    after = await figures(f"{url}/metrics")
            assert after["pumpd_loop_lag_seconds_count"] > 0
            assert await nursery.end(signal.SIGTERM) == 0, log.read_text()[-2000:]
        finally:
            if nursery is not None:
                await nursery.close()
            for line in lines:
                await line.unplug()
