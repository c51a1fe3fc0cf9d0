"""A driver and simulated pumps of its own dialect on one wire: both real codecs, one loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import ChannelReading, PausableDriver
from pumpd.drivers.registry import DriverSpec
from pumpd.errors import TransportError
from pumpd.protocols.wire import Request
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.qa.frames import FrameJudge, JudgedLine
from pumpd.qa.wires import MemoryServedLine
from pumpd.simulator.face import PumpFace
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.server import PtyLine, ServedLine, TcpLine
from pumpd.simulator.ward_time import loop_ns
from pumpd.transports.bus import Bus, LineConversation, bus_for
from pumpd.transports.serial_line import SerialSettings
from pumpd.transports.url import parse_url

R = TypeVar("R")

UNIT: Final = 1
OTHER_UNIT: Final = 2
SEED: Final = 20260101
LATENCY_MS: Final = 20
MEMORY: Final = "memory:502"
"""The place of a wire that is in no place."""
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
    url: str
    """Where the pump is, as a configuration says it."""
    driver: PausableDriver
    talk: LineConversation
    bus: Bus
    face: PumpFace
    served: ServedLine
    judge: FrameJudge
    """Its tally holds every frame after which a pump gave more (invariant 1)."""
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


Over = Callable[[Framing, SimulatedLine, FrameJudge], ServedLine]
"""Makes the wire of a line, unplugged."""


def in_memory(framing: Framing, line: SimulatedLine, judge: FrameJudge) -> ServedLine:
    """Return a wire inside the loop, for virtual time."""
    return MemoryServedLine(line, parse_url(framing.url_at(MEMORY)), judge, framing.server_framer)


def over_tcp(framing: Framing, line: SimulatedLine, judge: FrameJudge) -> ServedLine:
    """Return a socket on a free port of this machine."""
    return TcpLine(JudgedLine(line, judge), "127.0.0.1", 0, framing.server_framer, framing.baud)


def over_pty(path: Path) -> Over:
    """Return what makes a pseudo-terminal with a link at ``path``."""

    def made(framing: Framing, line: SimulatedLine, judge: FrameJudge) -> ServedLine:
        if framing.baud is None:
            raise ValueError(f"{framing.name} does not go over a serial line")
        plain = SerialSettings(framing.baud, "N", 8, 1)
        return PtyLine(JudgedLine(line, judge), path, framing.server_framer, plain)

    return made


def simulated(subject: Subject, unit: int, serial_number: str) -> SimulatedPump:
    """Return a pump of the driver's own dialect, set to 10 mL/h times its unit."""
    if subject.make_face is None:
        raise LookupError(f"no simulator of the dialect of {subject.spec.name} is installed")
    models = {}
    for name in subject.spec.channels:
        models[str(name)] = PumpModel(to_be_infused_nl=TO_BE_INFUSED_NL)
        models[str(name)].turn_rate(10 * unit * NL_PER_ML)
    face = subject.make_face(models, serial_number, "1.0", loop_ns)
    return SimulatedPump(f"pump {unit}", unit, face, reply_time_s=0.005)


@asynccontextmanager
async def rig(
    subject: Subject,
    framing: Framing,
    over: Over = in_memory,
) -> AsyncIterator[Rig]:
    """Put the driver at unit 1 of a line with two simulated pumps; needs a running loop.

    ``over`` makes the wire: in memory for virtual time, else on real sockets and ports.
    """
    spec = subject.spec
    pump = simulated(subject, UNIT, "SIM-0001")
    chance = random.Random(SEED)  # noqa: S311 - a judgement is to be repeated, not secret
    line = SimulatedLine([pump, simulated(subject, OTHER_UNIT, "SIM-0002")], chance)
    judge = FrameJudge(line, _nothing_more)
    served = over(framing, line, judge)
    await served.plug()
    url = parse_url(framing.url_at(served.where))
    blocked: list[str] = []
    bus = bus_for(
        url,
        latency_ms=LATENCY_MS,
        seeded=chance,
        on_blocked=lambda _unit, _frame, reason: blocked.append(reason),
        dialect=spec.dialect,
        transport=served.transport() if isinstance(served, MemoryServedLine) else None,
    )
    try:
        await bus.link.open()
        card = spec.card
        talk = bus.conversation(UNIT, card.reply_time_ms, spec.controls, slow_reply_ms=card.slow_reply_ms)
        yield Rig(subject, framing, url.url, spec.build(UNIT), talk, bus, pump.face, served, judge, blocked)
    finally:
        await bus.link.close(TransportError("the wire was put away"))
        await served.unplug()


def _nothing_more() -> None:
    pass
