"""A driver's own simulated pump on a wire in memory, as an engineer's verbs find one on the bench."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pumpd.drivers.registry import find, shipped
from pumpd.qa.conformance.rig import in_memory, simulated
from pumpd.qa.conformance.subject import Framing, subject_of
from pumpd.qa.frames import FrameJudge
from pumpd.qa.wires import MemoryServedLine
from pumpd.simulator.faults import Fault
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.model import PumpModel
from pumpd.transports.base import Transport
from tests import proof

PAIRS = [(spec.name, framing) for spec in shipped().values() for framing in subject_of(spec).framings]
"""Every driver that ships, in each of its framings."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The pump, and where it is."""

    models: list[PumpModel]
    url: str
    wire: Transport


@asynccontextmanager
async def on_the_bench(name: str, framing: Framing, fault: Fault | None = None) -> AsyncIterator[Bench]:
    """Plug a pump in, and away; AssertionError where a frame that was sent made it give more."""
    pump = simulated(subject_of(find(name)), 1, "SIM-0001")
    line = SimulatedLine([pump], random.Random(proof.SEED))
    if fault is not None:
        line.faults.add(None, fault)
    judge = FrameJudge(line, lambda: None)
    served = in_memory(framing, line, judge)
    assert isinstance(served, MemoryServedLine)
    await served.plug()
    try:
        yield Bench(list(pump.face.models.values()), framing.url_at("memory:502"), served.transport())
    finally:
        await served.unplug()
    assert not judge.tally.raises, "nothing that was sent made a pump give more"
