"""One measurement in a process and on a core of its own: ``python -m benchmarks.measure KIND FILE S``.

KIND is ``bare`` (pymodbus alone), ``whole`` (the daemon as it ships) or ``profile`` (the daemon, profiled).
Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import io
import json
import os
import pstats
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
import yaml
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.world import cores, go_first, many_files
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.core.telemetry import Telemetry
from pumpd.daemon.app import App
from pumpd.daemon.seams import LivePump
from pumpd.daemon.service import daemon_for, settle_memory

REGISTERS = 14
"""What the reference pump's map reads in one request: addresses 0 to 13."""
SETTLE_S = 5.0
"""Connects, first readings and the first retained messages are not measured."""
CONNECT_WITHIN_S = 90.0
STALL_STEP_S = 0.01


@dataclass(slots=True)
class Window:
    """What happened while it was measured."""

    seconds: float
    cpu_s: float = 0.0
    readings: int = 0
    late: int = 0
    """Readings that came more than 1.5 s after the question of the one before."""
    oldest_s: float = 0.0
    pauses_ms: list[float] = field(default_factory=list)
    connected: int = 0
    longest_gc_ms: float = 0.0
    longest_stall_ms: float = 0.0
    """The longest that the loop itself kept a timer waiting."""
    profile: str = ""

    def as_json(self) -> str:
        """Return it as one line."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


@dataclass(slots=True)
class Collecting:
    """Takes down the most CPU time that the garbage collector took at once, while all else waits."""

    longest_ms: float = 0.0
    began: float = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Be told by the collector that it starts or stops."""
        if phase == "start":
            self.began = time.thread_time()
        else:
            self.longest_ms = max(self.longest_ms, 1000 * (time.thread_time() - self.began))


async def bare(ports: list[int], seconds: float) -> Window:
    """Poll every port once a second with pymodbus and nothing else."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0) for port in ports]
    for client in clients:
        await client.connect()
    window = Window(seconds)
    measuring = False
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def poll(client: AsyncModbusTcpClient, phase: float) -> None:
        due = began + phase
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            reply = await client.read_input_registers(0, count=REGISTERS, device_id=1)
            if reply.isError():
                raise RuntimeError(f"bare poll: {reply}")
            window.readings += measuring
            due = max(due + 1.0, loop.time())

    tasks = [
        loop.create_task(poll(client, n * 0.618034 % 1), name=f"bare {n}") for n, client in enumerate(clients)
    ]
    await asyncio.sleep(SETTLE_S / 2)
    measuring, before = True, time.process_time()
    await asyncio.sleep(seconds)
    window.cpu_s = time.process_time() - before
    going = set(tasks)
    while going:  # before Python 3.12, wait_for inside of pymodbus loses a cancellation that meets its reply
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=1)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for client in clients:
        client.close()
    broken = [e for e in ended if isinstance(e, Exception) and not isinstance(e, asyncio.CancelledError)]
    if broken:
        raise broken[0]
    window.connected = len(clients)
    return window


def _watch_ages(app: App, window: Window, measuring: asyncio.Event) -> None:
    """Take down, at each reading, how old the one before it had become."""
    pipeline = app.pipeline
    take = pipeline.reading

    def reading(live: LivePump, telemetry: Telemetry) -> bool:
        last = live.state.last
        again = take(live, telemetry)
        if measuring.is_set():
            window.readings += 1
            if last is not None:
                age_s = (telemetry.taken_ns + telemetry.span_ns - last.taken_ns) / 1e9
                window.late += age_s > 1.5
                window.oldest_s = max(window.oldest_s, age_s)
        return again

    pipeline.reading = reading  # type: ignore[method-assign]


async def _watch_stalls(window: Window, measuring: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    await measuring.wait()
    while measuring.is_set():
        due_s = loop.time() + STALL_STEP_S
        await asyncio.sleep(STALL_STEP_S)
        window.longest_stall_ms = max(window.longest_stall_ms, 1000 * (loop.time() - due_s))


async def whole(config: Path, seconds: float, *, profile: bool = False) -> Window:
    """Run the daemon as it ships and take down what it costs."""
    app = daemon_for(load(config), SystemClock()).app
    window = Window(seconds)
    measuring = asyncio.Event()
    await app.start()
    settling = asyncio.create_task(settle_memory(), name="memory")
    _watch_ages(app, window, measuring)
    stalls = asyncio.create_task(_watch_stalls(window, measuring), name="stalls")
    lives = list(app.ward.pumps.values())
    async with asyncio.timeout(CONNECT_WITHIN_S):
        while any(live.state.last is None for live in lives):  # noqa: ASYNC110 - the daemon tells no event
            await asyncio.sleep(0.2)
    await asyncio.sleep(SETTLE_S)
    collecting = Collecting()
    gc.callbacks.append(collecting)
    profiler = cProfile.Profile(time.process_time) if profile else None
    measuring.set()
    before = time.process_time()
    if profiler is not None:
        profiler.enable()
    await asyncio.sleep(seconds)
    if profiler is not None:
        profiler.disable()
    window.cpu_s = time.process_time() - before
    measuring.clear()
    gc.callbacks.remove(collecting)
    window.longest_gc_ms = collecting.longest_ms
    now_ns = time.monotonic_ns()  # noqa: TID251 - a measurement
    for live in lives:
        if live.state.last is not None:
            age_s = (now_ns - live.state.last.taken_ns) / 1e9
            window.oldest_s = max(window.oldest_s, age_s)
            window.late += age_s > 1.5
    window.connected = len(lives)
    window.pauses_ms = [(t.written_ns - t.completed_ns) / 1e6 for t in app.restrainer.timings]
    settling.cancel()
    await stalls
    await app.stop()
    if profiler is not None:
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(18)
        window.profile = text.getvalue()
    return window


def main(kind: str, file: str, seconds: str) -> None:
    """Measure on the first core and print what was found."""
    many_files()
    measured, _ = cores()
    os.sched_setaffinity(0, {measured})
    go_first()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if kind == "bare":
            pumps = yaml.safe_load(Path(file).read_text())["pumps"]
            ports = [int(pump["url"].rpartition(":")[2].partition("/")[0]) for pump in pumps]
            window = runner.run(bare(ports, float(seconds)))
        else:
            window = runner.run(whole(Path(file), float(seconds), profile=kind == "profile"))
    print("\n" + window.as_json(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
