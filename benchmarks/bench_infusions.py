"""A hundred two-hour infusions at 1 Hz through the whole stack in virtual time, on one core.

Simulated pumps, wires, drivers, core, journal, outbox, publisher, broker and the judge's record: what
``pumpd qa run`` plays. Beside it, in the same process, what the simulated pumps alone cost.
"""

from __future__ import annotations

import asyncio
import copy
import cProfile
import io
import json
import pstats
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from benchmarks.bench_model import exchanges_per_cpu_s
from benchmarks.world import ROOT
from pumpd.document import read_document
from pumpd.qa.hospital import Hospital
from pumpd.qa.record import Record
from pumpd.qa.runner import Outcome, play, run_scenario
from pumpd.qa.scenario import LoadedScenario, load_scenario
from pumpd.qa.virtual_process import ProcessLoop
from pumpd.simulator.mechanism import IDEAL

INFUSIONS = 100
APART = 10
"""So many one after the other: each costs the same."""
GOAL_CPU_S = 150.0
"""For all of them together."""
SCENARIO = ROOT / "config" / "scenarios" / "ketamine-goes-well.yaml"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of infusions cost."""

    shape: str
    infusions: int
    readings: int
    cpu_s: float

    @property
    def goal_cpu_s(self) -> float:
        """The goal for so many."""
        return GOAL_CPU_S * self.infusions / INFUSIONS

    @property
    def us_per_reading(self) -> float:
        """What one reading costs on its whole way."""
        return self.cpu_s / self.readings * 1e6


def one_ward(pumps: int, folder: Path) -> LoadedScenario:
    """Return the shipped session as a scenario of its own, with so many pumps in one hospital."""
    read = read_document(SCENARIO).data
    assert isinstance(read, dict)
    document: dict[str, Any] = copy.deepcopy(read)
    shipped = document["pumps"][0]
    names = {f"PUMP-{n:03}": n for n in range(1, pumps + 1)}
    document["pumps"] = [
        {**copy.deepcopy(shipped), "id": name, "bed": str(n), "url": f"modbus-tcp://10.0.0.{n}:502/1"}
        for name, n in names.items()
    ]
    document["timeline"] = [
        _for_pump(each, name, n) for name, n in names.items() for each in document["timeline"]
    ]
    ward_wide = [each for each in document["expect"] if "pump" not in each and "request" not in each]
    document["expect"] = [
        _for_pump(each, name, n)
        for name, n in names.items()
        for each in document["expect"]
        if each not in ward_wide
    ] + ward_wide
    document["library"] = str((SCENARIO.parent / document["library"]).resolve())
    file = folder / "ward.yaml"
    file.write_text(json.dumps(document))
    return load_scenario(file)


def _for_pump(each: dict[str, Any], pump: str, number: int) -> dict[str, Any]:
    """Return a line of the session for one of its pumps: its own patient, its own requests."""
    made = copy.deepcopy(each)
    if "pump" in made:
        made["pump"] = pump
    for name in ("name", "request"):
        if name in made:
            made[name] = f"{made[name]} {pump}"
    typed = made.get("typed", {})
    if "label" in typed:
        typed["label"] = f"{typed['label']}{number}"
    if "says" in made:
        made["says"] = made["says"].replace("B.K.", f"B.K.{number}")
    return made


def _played(loaded: LoadedScenario, seed: int) -> Outcome:
    outcome = run_scenario(loaded, seed)
    if not outcome.passed:
        raise SystemExit(f"{loaded.name}, seed {seed}: {outcome.error or outcome.failures[:5]}")
    return outcome


def _readings(outcome: Outcome) -> int:
    return sum(len(readings) for readings in outcome.record.read.values())


def together(infusions: int) -> Cost:
    """Play them all at once, in one hospital with one daemon; SystemExit when one does not go well."""
    with TemporaryDirectory(prefix="pumpd-bench-") as folder:
        loaded = one_ward(infusions, Path(folder))
        began_s = time.process_time()
        outcome = _played(loaded, 1)
        cpu_s = time.process_time() - began_s
    return Cost("in one hospital", infusions, _readings(outcome), cpu_s)


def unwatched(infusions: int) -> Cost:
    """Play them all at once without the watch of the five invariants after each step: the stack alone.

    Expectations are judged all the same; SystemExit when one does not hold.
    """
    record = Record()
    with TemporaryDirectory(prefix="pumpd-bench-") as folder:
        loaded = one_ward(infusions, Path(folder))
        began_s = time.process_time()
        with asyncio.Runner(loop_factory=ProcessLoop) as runner:
            failed = runner.run(_unwatched(loaded, Path(folder), record))
        cpu_s = time.process_time() - began_s
    if failed:
        raise SystemExit(f"{loaded.name}: {failed[:5]}")
    readings = sum(len(readings) for readings in record.read.values())
    return Cost("in one hospital, without the watch of the invariants", infusions, readings, cpu_s)


async def _unwatched(loaded: LoadedScenario, folder: Path, record: Record) -> list[str]:
    return await play(Hospital(loaded, 1, folder, record), 1)


def apart(infusions: int) -> Cost:
    """Play them one after the other, each with a daemon of its own; SystemExit when one does not go well."""
    loaded = load_scenario(SCENARIO)
    began_s = time.process_time()
    readings = sum(_readings(_played(loaded, seed)) for seed in range(1, infusions + 1))
    return Cost("one hospital each", infusions, readings, time.process_time() - began_s)


def profile(infusions: int) -> str:
    """Return where the time goes when so many are played in one hospital."""
    watching = cProfile.Profile()
    watching.runcall(together, infusions)
    said = io.StringIO()
    pstats.Stats(watching, stream=said).strip_dirs().sort_stats("tottime").print_stats(30)
    return said.getvalue()


def run(infusions: int = INFUSIONS) -> tuple[list[Cost], float]:
    """Return the cost of each shape, and what an exchange with a simulated pump alone costs, in us."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    alone_us = 1e6 / exchanges_per_cpu_s(IDEAL)
    return [together(infusions), unwatched(infusions), apart(min(infusions, APART))], alone_us
