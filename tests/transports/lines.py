"""A bus and a device on a memory wire, opened and closed around a test in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pumpd.transports.bus import Bus, bus_for
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import parse_url
from tests import proof
from tests.transports.devices import SERVER_FRAMERS, Device, answer

URLS = {"modbus-tcp": "modbus-tcp://memory:502/1", "modbus-rtu": "modbus-rtu://memory:4001/1"}


@dataclass(slots=True)
class Line:
    """What a test on a memory wire has in hand."""

    bus: Bus
    wire: MemoryWire
    device: Device
    running: asyncio.Task[None]
    blocked: list[tuple[int | None, bytes, str]] = field(default_factory=list)


@asynccontextmanager
async def line(
    framing: str,
    *,
    baud: int | None = None,
    latency_ms: int = 20,
    reply: Callable[[bytes], bytes | None] = answer,
) -> AsyncIterator[Line]:
    """Open a bus to a device over ``framing``; wait until it is up."""
    wire = MemoryWire(baud=baud)
    device = Device(wire.answering, SERVER_FRAMERS[framing](), reply)
    await device.open()
    blocked: list[tuple[int | None, bytes, str]] = []
    bus = bus_for(
        parse_url(URLS[framing]),
        latency_ms=latency_ms,
        seeded=random.Random(proof.SEED),
        on_blocked=lambda unit, frame, reason: blocked.append((unit, frame, reason)),
        transport=wire.asking,
    )
    running = asyncio.create_task(bus.run(), name="bus under test")
    try:
        await bus.until_up()
        yield Line(bus, wire, device, running, blocked)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
