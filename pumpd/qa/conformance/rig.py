"""A driver and simulated pumps of its own dialect on one wire: both real codecs, one loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import ChannelReading, PausableDriver
from pumpd.drivers.registry import DriverSpec
from pumpd.errors import TransportError
from pumpd.protocols.wire import Request
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.qa.frames import FrameJudge
from pumpd.qa.wires import MemoryServedLine
from pumpd.simulator.layout import DeviceSettings
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.ward_time import loop_ns
from pumpd.transports.bus import Bus, LineConversation, bus_for
from pumpd.transports.url import parse_url

R = TypeVar("R")

UNIT: Final = 1
OTHER_UNIT: Final = 2
SEED: Final = 20260101
LATENCY_MS: Final = 20
REST_S: Final = 60.0
"""Longer than the latest reply of any card: three time-outs of ten seconds, and then some."""
TO_BE_INFUSED_NL: Final = 40 * NL_PER_ML


@dataclass(slots=True)
class Overheard:
    """A conversation that keeps the questions; implements ``drivers.base.Conversation``."""

    talk: LineConversation
    questions: list[Request[object]] = field(default_factory=list)

    async def ask(self, request: Request[R]) -> R:
        """Ask, and remember what was asked."""
        if request not in self.questions:
            self.questions.append(request)
        return await self.talk.ask(request)


@dataclass(slots=True)
class Rig:
    """What a point of conformance has in hand."""

    subject: Subject
    framing: Framing
    driver: PausableDriver
    talk: LineConversation
    bus: Bus
    face: RegisterFace
    served: MemoryServedLine
    """The line; its judge's tally holds every frame after which a pump gave more (invariant 1)."""
    blocked: list[str]
    """Why the outgoing filter held frames back."""

    @property
    def spec(self) -> DriverSpec:
        """The driver and its card."""
        return self.subject.spec

    @property
    def line(self) -> SimulatedLine:
        """The pumps of the line, and what goes wrong on it."""
        return self.served.line

    @property
    def models(self) -> list[PumpModel]:
        """The channels of the pump that is asked."""
        return list(self.face.models.values())

    async def readings(self) -> list[tuple[PumpModel, ChannelReading]]:
        """Read every channel once, each with what the simulated pump holds."""
        return [(self.face.models[r.channel], r) for r in await self.driver.read(self.talk)]

    async def read(self) -> ChannelReading:
        """Read, and return the first channel."""
        return (await self.driver.read(self.talk))[0]

    async def channel(self, name: ChannelId) -> ChannelReading:
        """Read, and return one channel."""
        return next(r for r in await self.driver.read(self.talk) if r.channel == name)

    async def questions(self) -> list[Request[object]]:
        """Return everything that the driver asks: who is there, a reading, a pause of each channel."""
        overheard = Overheard(self.talk)
        await self.driver.identify(overheard)
        await self.driver.read(overheard)
        for channel in sorted(self.spec.pausable):
            await self.driver.pause(overheard, channel)
        return overheard.questions

    async def timeout_s(self) -> float:
        """Return the longest time that the line waits for an answer to this driver."""
        wait_ms = self.spec.card.reply_time_ms
        return max(self.bus.timeout_s(question, wait_ms) for question in await self.questions())

    async def rest(self) -> None:
        """Wait until nothing that was asked can be answered any more."""
        await asyncio.sleep(REST_S)

    def start(self) -> None:
        """Let a person start every channel of the pump that is asked."""
        for model in self.models:
            model.press_start()


def simulated(
    spec: DriverSpec, unit: int, serial_number: str, settings: DeviceSettings | None = None
) -> SimulatedPump:
    """Return a pump of the driver's own dialect, set to 10 mL/h times its unit."""
    models = {}
    for name in spec.channels:
        models[str(name)] = PumpModel(to_be_infused_nl=TO_BE_INFUSED_NL)
        models[str(name)].turn_rate(10 * unit * NL_PER_ML)
    face = RegisterFace(FaceBuilder(spec.register_map, settings), models, serial_number, "1.0", loop_ns)
    return SimulatedPump(f"pump {unit}", unit, face, reply_time_s=0.005)


@asynccontextmanager
async def rig(
    subject: Subject, framing: Framing, settings: DeviceSettings | None = None
) -> AsyncIterator[Rig]:
    """Put the driver at unit 1 of a line in memory with two simulated pumps; needs a running loop."""
    spec = subject.spec
    pump = simulated(spec, UNIT, "SIM-0001", settings)
    chance = random.Random(SEED)  # noqa: S311 - a judgement is to be repeated, not secret
    line = SimulatedLine([pump, simulated(spec, OTHER_UNIT, "SIM-0002", settings)], chance)
    url = parse_url(framing.url)
    served = MemoryServedLine(line, url, FrameJudge(line, _nothing_more))
    await served.plug()
    blocked: list[str] = []
    bus = bus_for(
        url,
        latency_ms=LATENCY_MS,
        seeded=chance,
        on_blocked=lambda _unit, _frame, reason: blocked.append(reason),
        transport=served.transport(),
    )
    await bus.link.open()
    try:
        talk = bus.conversation(UNIT, spec.card.reply_time_ms, spec.controls)
        yield Rig(subject, framing, spec.build(UNIT), talk, bus, pump.face, served, blocked)
    finally:
        await bus.link.close(TransportError("the wire was put away"))
        await served.unplug()


def _nothing_more() -> None:
    pass
