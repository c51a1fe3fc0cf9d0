"""Plays one scenario from beginning to end, in virtual time, and says what came of it."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pumpd.qa.director import Director
from pumpd.qa.hospital import Hospital
from pumpd.qa.invariants import Invariants
from pumpd.qa.judge import broken_invariants, failures, sample_times
from pumpd.qa.record import Record
from pumpd.qa.scenario import LoadedScenario
from pumpd.qa.virtual_process import ProcessLoop
from pumpd.qa.world import World
from pumpd.store.recording_ring import InlineReel, Rings

SAMPLE_EVERY_S = 1.0
AT_ONCE_S = 1e-6
"""A wait as short as the loop's resolution takes no time at all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scenario."""

    loaded: LoadedScenario
    seed: int
    failures: tuple[str, ...]
    """Expectations and invariants that did not hold; empty when it passed."""
    error: str
    """Why it could not be played to its end; empty when it was."""
    record: Record = field(repr=False)
    real: bool = False
    """Whether it was played with real processes and sockets, in real time."""

    left_out: str = ""
    """Why it was not played at all; empty when it was."""

    @property
    def passed(self) -> bool:
        """True when everything held."""
        return not (self.failures or self.error or self.left_out)

    @property
    def failed(self) -> bool:
        """True when something did not hold, or it could not be played to its end."""
        return bool(self.failures or self.error)

    @property
    def word(self) -> str:
        """What came of it: passed, failed, or virtual only."""
        return "virtual only" if self.left_out else "passed" if self.passed else "failed"

    @property
    def replay(self) -> str:
        """The one command that plays it again."""
        how = " --realtime" if self.real else ""
        return f"pumpd qa run {shlex.quote(str(self.loaded.file))} --seed {self.seed}{how}"

    @property
    def event_log(self) -> str:
        """Everything that happened, one line of JSON each."""
        return "".join(f"{line}\n" for line in self.record.log)


class Watch(Protocol):
    """Who looks at a world from its beginning to its end."""

    def begin(self) -> None:
        """Begin: the pumps are there, the daemon is not."""
        ...

    def look(self) -> None:
        """Look at it after a step."""
        ...

    def end(self) -> list[str]:
        """Return what did not hold."""
        ...


def run_scenario(loaded: LoadedScenario, seed: int | None = None, recordings: Path | None = None) -> Outcome:
    """Play one scenario; ``seed`` stands in for its own, the flight recorder writes to ``recordings``."""
    record = Record()
    chosen = loaded.scenario.seed if seed is None else seed
    found: list[str] = []
    error = ""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pumpd-qa-") as directory,
            asyncio.Runner(loop_factory=ProcessLoop) as runner,
        ):
            found = runner.run(_play(loaded, chosen, Path(directory), record, recordings))
    except Exception as problem:  # noqa: BLE001 - one broken scenario must not take the others with it
        error = f"{type(problem).__name__}: {problem}"
        record.write(0.0, "error", error=error)
    return Outcome(loaded, chosen, tuple(found), error, record)


async def _play(
    loaded: LoadedScenario, seed: int, directory: Path, record: Record, recordings: Path | None
) -> list[str]:
    reel = None if recordings is None else InlineReel(Rings(recordings))
    hospital = Hospital(loaded, seed, directory, record, reel)
    return await play(hospital, seed, watch=Invariants(hospital))


async def play(
    world: World, seed: int, second: Callable[[], None] = lambda: None, watch: Watch | None = None
) -> list[str]:
    """Play the scenario of ``world`` to its end; return what did not hold. Leaves nothing behind.

    ``second`` is called once for each second of the scenario; ``watch`` looks at it after each step.
    """
    look = _nobody_looks if watch is None else watch.look
    loaded, record, loop = world.loaded, world.record, asyncio.get_running_loop()
    record.write(0.0, "scenario", name=loaded.name, seed=seed, sha256=loaded.sha256)
    tasks: list[asyncio.Task[None]] = []
    try:
        await world.open()
        if watch is not None:
            watch.begin()
        tasks.append(loop.create_task(world.desk.run(), name="qa.desk"))
        await world.start()
        tasks.append(loop.create_task(_sample(world, second, look), name="qa.samples"))
        await Director(world, look).run()
        all_told = world.all_told
        world.sample()
        look()
    finally:
        try:
            await world.stop()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await world.close()
    raises = [frame for judge in world.beds.judges.values() for frame in judge.tally.raises]
    broken = [] if watch is None else watch.end()
    _write_end(world)
    found = failures(loaded.scenario, record)
    found += broken + broken_invariants(record, raises, all_told=all_told)
    for failure in found:
        record.write(world.now_s(), "failed", failure=failure)
    return found


async def _sample(world: World, second: Callable[[], None], look: Callable[[], None]) -> None:
    """Look at every pump once per second, and at each moment that a check names."""
    times = sample_times(world.loaded.scenario)
    count = 0
    while True:
        world.sample()
        look()
        next_s = (count + 1) * SAMPLE_EVERY_S
        while times and times[0] <= world.now_s() + AT_ONCE_S:
            times.pop(0)
        if times and times[0] < next_s:
            next_s = times[0]
        else:
            count += 1
            second()
        await asyncio.sleep(next_s - world.now_s())


def _nobody_looks() -> None:
    pass


def _write_end(world: World) -> None:
    """Add to the log what sums everything up that has no line of its own."""
    at_s, record = world.now_s(), world.record
    for name, judge in sorted(world.beds.judges.items()):
        tally = judge.tally
        record.write(
            at_s,
            "line",
            name=name,
            asked=tally.asked,
            answered=tally.answered,
            sha256=tally.digest.hexdigest(),
        )
    for (pump, channel), samples in sorted(record.samples.items()):
        last = samples[-1]
        record.write(at_s, "pump", pump=pump, channel=channel, status=last.status, given_nl=last.given_nl)
    record.write(at_s, "broker-heard", sha256=world.heard_sha256)
