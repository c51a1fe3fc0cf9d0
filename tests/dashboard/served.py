"""A dashboard in a process of its own, with a broker, a canned ward and an hour of history."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry
from pumpd.store.base import HistoryRow
from pumpd.store.history import SqliteHistoryWriter
from tests.dashboard.people import COOKIE, prepare
from tests.mosquitto import Mosquitto, free_port

ROOT = Path(__file__).parents[2]
PROGRAM = (
    "import asyncio, pathlib, sys; from dashboard.run import run; asyncio.run(run(pathlib.Path(sys.argv[1])))"
)
STARTS_WITHIN_S = 60.0
"""Its imports alone take half a minute where others keep the machine busy."""


def now_s() -> float:
    """Return the machine's monotonic clock: real processes take real time."""
    return time.monotonic()  # noqa: TID251


def wall_ms() -> int:
    """Return the time of day in ms since 1970."""
    return time.time_ns() // 1_000_000  # noqa: TID251


def config_text(web_port: int, mqtt_port: int, pumps: int = 12, real: str = "false") -> str:
    """Return a configuration of ``pumps`` pumps of which the dashboard reads id, bed and label."""
    lines = [
        "site: clinic",
        "node: ward-a",
        "data_dir: var",
        f"mqtt: {{host: 127.0.0.1, port: {mqtt_port}}}",
        f"library: {ROOT / 'config' / 'drug-library.yaml'}",
        f"dashboard: {{host: 127.0.0.1, port: {web_port}}}",
        "pumps:",
    ]
    for number in range(1, pumps + 1):
        lines.append(
            f"  - {{id: PUMP-{number:02}, url: 'modbus-tcp://127.0.0.1:5021/{number}', "
            f"driver: reference-pump, bed: '{number}', ward: pain-clinic, real: {real}}}"
        )
    return "\n".join(lines) + "\n"


def telemetry(pump: str, number: int, flow: float, volume: float) -> Telemetry:
    """Return one reading of a running pump."""
    return Telemetry(
        pump=PumpId(pump),
        channel=ChannelId("1"),
        sequence=number,
        taken_ns=number,
        span_ns=1,
        provenance=Provenance.DEMO,
        status=PumpStatus.RUNNING,
        raw_status="2",
        flow=Measured.valid(FlowRate(round(flow * 10) * 100_000)),
        volume=Measured.valid(Volume(round(volume * 10) * 100_000)),
    )


async def write_hour(file: Path, pumps: int, end_ms: int) -> None:
    """Write an hour of readings of each pump through the writer the daemon uses."""
    writer = SqliteHistoryWriter(file, buffer_rows=200_000)
    flows = [10.5, 7.0, 14.0, 10.5, 5.3, 8.8, 12.3, 3.5, 10.5, 17.5, 7.0, 10.5]
    for second in range(0, 3600, 5):
        for pump in range(1, pumps + 1):
            base = flows[(pump - 1) % 12]
            begun = max(0.0, min(1.0, (second - 300 * (pump % 4)) / 60))
            step = 0.7 if second < 1500 + 90 * pump else 1.0
            flow = base * begun * step * (1 + 0.015 * math.sin(second / 40 + pump))
            volume = 4 + 1.7 * pump - base * (3600 - second) / 3600 * 0.5
            reading = telemetry(f"PUMP-{pump:02}", second + 1, flow, max(0.0, volume))
            writer.write(
                HistoryRow(
                    end_ms - 3_600_000 + second * 1000, "pain-clinic", reading, flow * 2 / 70, "mg/kg/h"
                )
            )
    await writer.close()


@dataclass
class Served:
    """A running dashboard and what feeds it."""

    url: str
    broker: Mosquitto
    dashboard: subprocess.Popen[bytes]
    ward: subprocess.Popen[bytes] | None

    def get(self, path: str) -> Any:
        """Return JSON from the dashboard, as Ann."""
        asked = urllib.request.Request(self.url + path, headers=COOKIE)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return json.load(answer)

    def until(self, path: str, good: Any, within_s: float = 15.0) -> Any:
        """Return the answer to ``path`` once ``good(answer)``; fails at the deadline."""
        deadline = now_s() + within_s
        while True:
            answer: Any = None
            with contextlib.suppress(OSError):
                answer = self.get(path)
                if good(answer):
                    return answer
            if now_s() > deadline:
                raise AssertionError(f"{path}: not within {within_s} s; last {str(answer)[:300]}")
            time.sleep(0.05)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start Python on this tree with ``arguments``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment)


@contextlib.contextmanager
def served(
    directory: Path, scene: str | None = "calm", *, broker: bool = True, real: str = "false"
) -> Iterator[Served]:
    """Yield a dashboard that answers; ``scene`` None: no ward; ``broker`` False: no broker either."""
    mosquitto = Mosquitto(directory)
    if broker:
        mosquitto.start()
    web_port = free_port()
    config = directory / "pumpd.yaml"
    config.write_text(config_text(web_port, mosquitto.port, real=real))
    prepare(directory / "var")
    processes = [start("-c", PROGRAM, str(config))]
    ward = None
    if scene is not None:
        ward = start("-m", "tests.dashboard.fake_ward", str(mosquitto.port), scene)
        processes.append(ward)
    made = Served(f"http://127.0.0.1:{web_port}", mosquitto, processes[0], ward)
    try:
        made.until("/healthz", lambda answer: answer["status"] == "ok", STARTS_WITHIN_S)
        if scene is not None:
            live = len
            made.until(
                "/api/state",
                lambda s: live([p for p in s["pumps"] if p["not_live"] == ""]) == 12,
                STARTS_WITHIN_S,
            )
        yield made
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=10)
        mosquitto.stop()
