"""A driver and simulated pumps of its own map on one memory wire: both real codecs, one virtual clock."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pumpd.core.quantities import NL_PER_ML
from pumpd.drivers.base import ChannelReading, PausableDriver
from pumpd.drivers.registry import DriverSpec, of_register_map
from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.registers import RegisterMap
from pumpd.simulator.layout import DeviceSettings
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.server import MemoryLine
from pumpd.simulator.ward_time import loop_ns
from pumpd.transports.bus import LineConversation, bus_for
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import parse_url
from tests import proof

FRAMINGS = ("modbus-tcp", "modbus-rtu")
UNIT, OTHER_UNIT = 1, 2


@dataclass(slots=True)
class Rig:
    """What a conformance test has in hand."""

    driver: PausableDriver
    talk: LineConversation
    face: RegisterFace
    line: SimulatedLine
    wire: MemoryWire
    blocked: list[str]

    @property
    def models(self) -> list[PumpModel]:
        return list(self.face.models.values())

    async def read(self) -> ChannelReading:
        """Read, and return the first channel."""
        return (await self.driver.read(self.talk))[0]


def simulated(
    register_map: RegisterMap, unit: int, serial_number: str, settings: DeviceSettings | None
) -> SimulatedPump:
    models = {}
    for name in register_map.channels:
        models[name] = PumpModel(to_be_infused_nl=40 * NL_PER_ML)
        models[name].turn_rate(10 * unit * NL_PER_ML)
    face = RegisterFace(FaceBuilder(register_map, settings), models, serial_number, "1.0", loop_ns)
    return SimulatedPump(f"pump {unit}", unit, face, reply_time_s=0.005)


@asynccontextmanager
async def rig(
    spec: DriverSpec,
    register_map: RegisterMap,
    framing: str,
    settings: DeviceSettings | None = None,
) -> AsyncIterator[Rig]:
    """Put the driver at unit 1 of a line with two simulated pumps."""
    wire = MemoryWire(baud=19200 if framing == "modbus-rtu" else None)
    pump = simulated(register_map, UNIT, "SIM-0001", settings)
    line = SimulatedLine(
        [pump, simulated(register_map, OTHER_UNIT, "SIM-0002", settings)], random.Random(proof.SEED)
    )
    served = MemoryLine(line, wire, MbapServerFramer if framing == "modbus-tcp" else RtuServerFramer)
    await served.plug()
    blocked: list[str] = []
    bus = bus_for(
        parse_url(f"{framing}://memory:4001/1"),
        latency_ms=20,
        seeded=random.Random(proof.SEED),
        on_blocked=lambda _unit, _frame, reason: blocked.append(reason),
        transport=wire.asking,
    )
    await bus.link.open()
    try:
        talk = bus.conversation(UNIT, spec.card.reply_time_ms, spec.controls)
        yield Rig(spec.build(UNIT), talk, pump.face, line, wire, blocked)
    finally:
        await bus.link.close(TransportError("the test has ended"))
        await served.unplug()


def with_card_of(spec: DriverSpec, register_map: RegisterMap) -> DriverSpec:
    """Return the driver of another map, under a shipped card."""
    return of_register_map(spec.card, register_map)
