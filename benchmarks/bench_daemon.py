"""What a reading costs on its whole path, and how fast a pause goes out: real sockets, broker, stores.

Simulator, broker and the measuring side run on other cores than the daemon, where there are any.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
import yaml
from pymodbus.client import AsyncModbusTcpClient

from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.daemon.service import app_for
from tests.mosquitto import free_port, mosquitto

ROOT = Path(__file__).parents[1]
PUMPS = 1000
WARM_UP_S, MEASURED_S = 8.0, 20.0
RESTRAINTS = 200
HIGHEST_RATIO = 3.0
"""What the whole path of a reading may cost, in bare polls."""
LATEST_MS = 5.0
"""Goal for the pause: p99 from the confirming reading to the frame written."""
FIRST_CORE = str(min(os.sched_getaffinity(0)))
Figure = tuple[str, float, str]


def free_ports(count: int) -> int:
    """Return the first of ``count`` neighbouring ports, all free a moment ago."""
    chance = random.Random(free_port())
    while True:
        first = chance.randrange(20_000, 32_000 - count)
        taken = {
            int(row.split()[1].rpartition(":")[2], 16)
            for row in Path("/proc/net/tcp").read_text().splitlines()[1:]
        }
        if not taken & set(range(first, first + count)):
            return first


def write_files(directory: Path, pumps: int, first_port: int, broker_port: int) -> None:
    """Write a ward of simulated pumps, some of which are turned up, and a daemon's files for it."""
    turned_up = random.Random(1).sample(range(1, pumps + 1), min(RESTRAINTS, pumps))
    channel = {"rate": "10.5 mL/h", "reservoir": "500 mL", "running": True}
    ward = {
        "lines": [
            {
                "listen": f"modbus-tcp://127.0.0.1:{first_port + n}",
                "pumps": [
                    {
                        "id": f"P-{n + 1}",
                        "unit": 1,
                        "map": "reference-pump",
                        "serial_number": f"SIM-{n + 1}",
                        "channels": {"1": dict(channel)},
                    }
                ],
            }
            for n in range(pumps)
        ],
        "timeline": [
            {
                "at_s": round(WARM_UP_S + 6 + n * (MEASURED_S - 2) / RESTRAINTS, 3),
                "pump": f"P-{number}",
                "action": "set-rate",
                "rate": "45 mL/h",
            }
            for n, number in enumerate(turned_up)
        ],
    }
    programme = {
        "drug": "ketamine",
        "concentration": "2 mg/mL",
        "care_area": "pain-clinic",
        "weight": "70 kg",
        "dose_min": "0.1 mg/kg/h",
        "dose_max": "0.5 mg/kg/h",
    }
    config = {
        "site": "bench",
        "node": "ward-a",
        "data_dir": "data",
        "library": "drug-library.yaml",
        "mqtt": {"host": "127.0.0.1", "port": broker_port},
        "pumps": [
            {
                "id": f"P-{n + 1}",
                "url": f"modbus-tcp://127.0.0.1:{first_port + n}/1",
                "driver": "reference-pump",
                "enforcement": "pause",
                "ceiling": "60 mL/h",
                "programme": dict(programme),
            }
            for n in range(pumps)
        ],
    }
    (directory / "ward.yaml").write_text(yaml.safe_dump(ward))
    (directory / "pumpd.yaml").write_text(yaml.safe_dump(config))
    library = ROOT / "config" / "demo" / "drug-library.yaml"
    (directory / library.name).write_bytes(library.read_bytes())


@contextmanager
def on_other_cores() -> Iterator[None]:
    """Start what is started inside away from the first core."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, mine - {min(mine)} or mine)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


async def watch(directory: Path) -> dict[str, float]:
    """Run the daemon here and return what it took."""
    clock = SystemClock()
    app = app_for(load(directory / "pumpd.yaml"), clock)
    await app.start()
    await asyncio.sleep(WARM_UP_S + 5)
    lives = list(app.ward.pumps.values())
    before = sum(live.sequence for live in lives)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    oldest_ns = 0
    ends_s = began_s + MEASURED_S
    while time.perf_counter() < ends_s:
        await asyncio.sleep(0.1)
        now_ns = clock.monotonic_ns()
        ages_ns = [now_ns - live.state.last.taken_ns for live in lives if live.state.last]
        oldest_ns = max(oldest_ns, *ages_ns)
    cpu_s, took_s = time.process_time() - began_cpu_s, time.perf_counter() - began_s
    readings = sum(live.sequence for live in lives) - before
    late_ms = [(t.written_ns - t.completed_ns) / 1e6 for t in app.restrainer.timings]
    verdict_ms = [(t.verdict_ns - t.completed_ns) / 1e6 for t in app.restrainer.timings]
    await app.stop()
    return {
        "readings": readings,
        "readings_per_s": readings / took_s,
        "cpu_us": cpu_s / readings * 1e6,
        "cpu_share": cpu_s / took_s,
        "oldest_ms": oldest_ns / 1e6,
        "pauses": len(late_ms),
        "pause_median_ms": statistics.median(late_ms),
        "pause_p99_ms": statistics.quantiles(late_ms, n=100)[98],
        "verdict_p99_ms": statistics.quantiles(verdict_ms, n=100)[98],
    }


async def bare_polls(first_port: int, pumps: int) -> float:
    """Return CPU microseconds of a poll by pymodbus alone: one client per pump, 14 registers."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=first_port + n) for n in range(pumps)]
    for client in clients:
        assert await client.connect()

    async def poll(client: AsyncModbusTcpClient, phase: float) -> None:
        await asyncio.sleep(phase)
        for _ in range(10):
            reply = await client.read_input_registers(0, count=14, device_id=1)
            assert len(reply.registers) == 14
            await asyncio.sleep(0.9)

    await asyncio.gather(*(poll(client, 0) for client in clients[:50]))
    began_s = time.process_time()
    await asyncio.gather(*(poll(client, n / pumps) for n, client in enumerate(clients)))
    took_s = time.process_time() - began_s
    for client in clients:
        client.close()
    return took_s / (10 * pumps) * 1e6


def in_own_process(what: str, directory: Path, first_port: int, pumps: int) -> dict[str, Any]:
    """Measure in a fresh process on the first core."""
    words = [
        sys.executable,
        "-m",
        "benchmarks.bench_daemon",
        what,
        str(directory),
        str(first_port),
        str(pumps),
    ]
    done = subprocess.run(["taskset", "-c", FIRST_CORE, *words], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run(say: Callable[[str], object] = lambda _: None, pumps: int = PUMPS) -> list[Figure]:
    """Return the figures; ``say`` is told what is measured."""
    with TemporaryDirectory() as name:
        directory, first_port = Path(name), free_ports(pumps)
        with on_other_cores(), mosquitto(directory) as broker:
            write_files(directory, pumps, first_port, broker.port)
            code = "from pumpd.cli import main; main()"
            words = [sys.executable, "-c", code, "simulate", "-c", str(directory / "ward.yaml")]
            simulator = subprocess.Popen(
                words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                time.sleep(3)
                say(f"the daemon at {pumps} pumps")
                path = in_own_process("watch", directory, first_port, pumps)
                say("bare pymodbus polls")
                bare = in_own_process("bare", directory, first_port, pumps)
            finally:
                simulator.terminate()
                simulator.wait()
    return [
        (f"path: readings per second at {pumps} pumps", path["readings_per_s"], "1/s"),
        ("path: CPU of a reading, all threads, from the wire to broker and disk", path["cpu_us"], "us"),
        ("path: CPU of a bare pymodbus poll", bare["cpu_us"], "us"),
        ("path: a reading over a bare poll", path["cpu_us"] / bare["cpu_us"], "ratio"),
        ("path: share of one core", 100 * path["cpu_share"], "%"),
        ("path: oldest reading of any pump", path["oldest_ms"], "ms"),
        ("restraint: pauses", path["pauses"], ""),
        ("restraint: confirming reading to pause written, median", path["pause_median_ms"], "ms"),
        (f"restraint: confirming reading to pause written, p99 at {pumps} pumps", path["pause_p99_ms"], "ms"),
        ("restraint: confirming reading to verdict, p99", path["verdict_p99_ms"], "ms"),
    ]


def main() -> None:
    """Measure one thing in this process, for ``in_own_process``; or everything, and print it."""
    if len(sys.argv) < 3:
        for title, value, unit in run(print, *map(int, sys.argv[1:])):
            print(f"{value:>12,.2f} {unit:<6} {title}")
        return
    what, directory, first_port, pumps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    if what == "watch":
        figures = uvloop.run(watch(directory))
    else:
        figures = {"cpu_us": uvloop.run(bare_polls(first_port, pumps))}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
