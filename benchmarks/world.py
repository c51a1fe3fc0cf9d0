"""What is measured against: a simulated ward on the other core, a real broker, and files of a run."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FIRST_PORT = 12_000
"""Below the range from which systems hand out ports to clients."""
READY_WITHIN_S = 60
PROGRAMME = {
    "drug": "ketamine",
    "concentration": "2 mg/mL",
    "care_area": "pain-clinic",
    "weight": "70 kg",
    "dose_min": "0.1 mg/kg/h",
    "dose_max": "0.5 mg/kg/h",
}


@dataclass(frozen=True, slots=True)
class World:
    """Where everything of one run stands."""

    config: Path
    first_port: int
    pumps: int


def many_files() -> None:
    """Allow as many descriptors as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def go_first() -> None:
    """Let other programs of this machine wait, where this user may say so: they are not what is measured."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def cores() -> tuple[int, int]:
    """Return the core that is measured and the one for everything else; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def free_range(count: int) -> int:
    """Return the first of ``count`` neighbouring free ports."""
    first = FIRST_PORT
    while first + count < 32_000:
        taken = next((port for port in range(first, first + count) if not _free(port)), None)
        if taken is None:
            return first
        first = taken + 1
    raise RuntimeError(f"no {count} neighbouring ports are free between {FIRST_PORT} and 32000")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_files(folder: Path, pumps: int, raised: int, raise_from_s: float, raise_for_s: float) -> World:
    """Write ward, library and configuration; ``raised`` pumps are set above their limit, spread over time."""
    first_port = free_range(pumps)
    broker_port = any_port()
    ward = {
        "lines": [
            {
                "listen": f"modbus-tcp://127.0.0.1:{first_port + n}",
                "pumps": [
                    {
                        "id": f"B-{n}",
                        "map": "reference-pump",
                        "serial_number": f"SIM-{n}",
                        "reply_time_ms": 0,
                        "channels": {"1": {"rate": "10.5 mL/h", "reservoir": "500 mL", "running": True}},
                    }
                ],
            }
            for n in range(pumps)
        ],
        "timeline": [
            {
                "at_s": round(raise_from_s + raise_for_s * n / max(1, raised), 3),
                "pump": f"B-{n * pumps // raised}",
                "action": "set-rate",
                "rate": "50 mL/h",
            }
            for n in range(raised)
        ],
    }
    config = {
        "site": "bench",
        "node": "bench",
        "data_dir": "data",
        "mqtt": {"host": "127.0.0.1", "port": broker_port, "keepalive_s": 4},
        "history": {"kind": "sqlite"},
        "library": "drug-library.yaml",
        "lines": {"latency_ms": 500},
        "pumps": [
            {
                "id": f"B-{n}",
                "url": f"modbus-tcp://127.0.0.1:{first_port + n}/1",
                "driver": "reference-pump",
                "bed": str(n),
                "ward": "bench",
                "enforcement": "pause",
                "ceiling": "60 mL/h",
                "programme": dict(PROGRAMME),
            }
            for n in range(pumps)
        ],
    }
    (folder / "ward.yaml").write_text(yaml.safe_dump(ward, sort_keys=False))
    (folder / "pumpd.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    shutil.copy(ROOT / "config" / "demo" / "drug-library.yaml", folder)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "mosquitto.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
    return World(folder / "pumpd.yaml", first_port, pumps)


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """Run the simulated ward and the broker on the other core while the body measures."""
    _, other = cores()
    pin = ["taskset", "-c", str(other)]
    mosquitto = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if mosquitto is None:
        raise SystemExit("make bench needs mosquitto; make setup installs it when it may")
    broker = subprocess.Popen(
        [*pin, mosquitto, "-c", str(folder / "mosquitto.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    said = folder / "ward.log"
    with said.open("w") as log:
        ward = subprocess.Popen(
            [*pin, sys.executable, "-m", "benchmarks.ward", str(folder / "ward.yaml")], cwd=ROOT, stdout=log
        )
    try:
        deadline = time.perf_counter() + READY_WITHIN_S
        while "ready" not in said.read_text():
            if ward.poll() is not None or time.perf_counter() > deadline:
                raise SystemExit(f"the simulated ward did not open: {said.read_text()[-500:]}")
            time.sleep(0.05)
        yield
    finally:
        for process in (ward, broker):
            process.terminate()
        for process in (ward, broker):
            process.wait(timeout=20)
