"""Scenarios in real time: many at once, each with processes, ports and files of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pumpd.daemon.recorder import folder_of
from pumpd.errors import ConfigError, Problem
from pumpd.qa.processes import find_mosquitto
from pumpd.qa.real_hospital import RealHospital
from pumpd.qa.real_places import why_virtual_only
from pumpd.qa.record import REAL_TIME, Record
from pumpd.qa.runner import Outcome, play
from pumpd.qa.scenario import LoadedScenario
from pumpd.qa.suite import places

AT_ONCE_PER_CORE = 8
"""A scenario mostly waits for its time to pass."""
PULSE_S = 0.1
STANDS_STILL_S = 1.0
"""Simulated pumps that do not answer for so long are the machine's fault, not the daemon's."""


class Pulse:
    """Notices when this process could not go on: a machine that is too busy keeps no real time."""

    def __init__(self) -> None:
        self._stood: list[tuple[float, float]] = []

    async def run(self) -> None:
        """Feel it until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            before_s = loop.time()
            await asyncio.sleep(PULSE_S)
            stood_s = loop.time() - before_s - PULSE_S
            if stood_s >= STANDS_STILL_S:
                self._stood.append((loop.time(), stood_s))

    def longest_s(self, since_s: float) -> float:
        """Return the longest stand since ``since_s`` of the loop's time; 0 when there was none."""
        return max((stood_s for at_s, stood_s in self._stood if at_s >= since_s), default=0.0)


def run_real(
    loaded: Sequence[LoadedScenario],
    seed: int | None = None,
    n_scenarios: int | None = None,
    told: Callable[[Outcome], None] = lambda _: None,
    second: Callable[[], None] = lambda: None,
    recordings: Path | None = None,
) -> list[Outcome]:
    """Play all in real time; ``told`` hears of each as it ends, ``second`` of each second of each scenario.

    Below ``recordings`` each scenario gets a folder with what its daemon's flight recorder wrote.
    The result is in the order of ``loaded``, with what can only be played in virtual time left out by name.
    ConfigError when there is no Mosquitto, or nothing that can be played. SIGINT and SIGTERM end every
    process that was started, and raise KeyboardInterrupt.
    """
    reasons = [why_virtual_only(each) for each in loaded]
    mosquitto = _program(loaded, reasons)
    n_cores = os.cpu_count() or 1
    folders = places(recordings, loaded) if recordings else [None] * len(loaded)
    pulse = Pulse()
    gate, starting = asyncio.Semaphore(n_scenarios or AT_ONCE_PER_CORE * n_cores), asyncio.Semaphore(n_cores)

    async def one(each: LoadedScenario, left_out: str, folder: Path | None) -> Outcome:
        if left_out:
            record = Record(allowance=REAL_TIME)
            return Outcome(each, each.scenario.seed, (), "", record, real=True, left_out=left_out)
        async with gate:
            since_s = asyncio.get_running_loop().time()
            outcome = await _run_one(each, seed, mosquitto, starting, second, folder)
            stood_s = pulse.longest_s(since_s)
        if outcome.failures and stood_s:
            busy = f"the machine is too busy for real time: all stood still for {stood_s:.1f} s"
            outcome = replace(outcome, error=f"{busy}; play fewer at a time with --workers")
        told(outcome)
        return outcome

    async def every_one() -> list[Outcome]:
        playing = asyncio.current_task()
        assert playing is not None
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, playing.cancel)
        feeling = loop.create_task(pulse.run(), name="qa.pulse")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(one(*each), name=f"qa.real[{each[0].name}]")
                    for each in zip(loaded, reasons, folders, strict=True)
                ]
            return [task.result() for task in tasks]
        finally:
            feeling.cancel()
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(every_one())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _program(loaded: Sequence[LoadedScenario], reasons: Sequence[str]) -> str:
    """Return where Mosquitto is; ConfigError when there is none, or nothing to play."""
    remedy = "play it without --realtime"
    problems = [
        Problem(str(each.file), 0, "timeline", f"virtual only: {reason}", "what can be had for real", remedy)
        for each, reason in zip(loaded, reasons, strict=True)
    ]
    mosquitto = find_mosquitto()
    if mosquitto is None:
        what, allowed = "mosquitto is not installed", "a machine with Mosquitto"
        remedy = f"install it (apt install mosquitto), or {remedy}"
        problems = [Problem("pumpd qa run", 0, "--realtime", what, allowed, remedy)]
    elif not all(reasons):
        return mosquitto
    raise ConfigError(tuple(problems))


async def _run_one(
    loaded: LoadedScenario,
    seed: int | None,
    mosquitto: str,
    starting: asyncio.Semaphore,
    second: Callable[[], None],
    recordings: Path | None,
) -> Outcome:
    chosen = loaded.scenario.seed if seed is None else seed
    record = Record(allowance=REAL_TIME)
    found: list[str] = []
    error = ""
    try:
        with tempfile.TemporaryDirectory(prefix="pumpd-qa-") as directory:
            world = RealHospital(loaded, chosen, Path(directory), record, mosquitto, starting)
            try:
                found = await play(world, chosen, second)
            finally:
                if recordings is not None and folder_of(Path(directory)).is_dir():
                    shutil.copytree(folder_of(Path(directory)), recordings, dirs_exist_ok=True)
    except Exception as problem:  # noqa: BLE001 - one broken scenario must not take the others with it
        error = f"{type(problem).__name__}: {problem}"
        record.write(0.0, "error", error=error)
    return Outcome(loaded, chosen, tuple(found), error, record, real=True)
