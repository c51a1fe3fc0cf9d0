"""A line of many pumps with the wire time of 9,600 baud: polled by our bus, and by stock pymodbus."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from pumpd.daemon.backoff import Backoff
from pumpd.daemon.session import SILENT_AFTER, SILENT_LONGEST_S
from pumpd.errors import TransportError, WireError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.modbus import ReadRegisters
from pumpd.transports.bus import Bus, LineConversation, bus_for
from pumpd.transports.memory import MemoryEnd, MemoryWire
from pumpd.transports.url import parse_url
from tests import proof
from tests.transports.devices import Device, answer

BAUD = 9600
PUMPS = 32
REGISTERS = 12
REPLY_S = 0.0085
"""From the last byte of a question to the first of its reply: 5 ms, and the silence between two frames."""
GAP_S = 3.5 * 10 / BAUD
EXCHANGE_S = (8 + 5 + 2 * REGISTERS) * 10 / BAUD + REPLY_S + GAP_S
LOAD = 0.8
INTERVAL_S = PUMPS * EXCHANGE_S / LOAD
"""So that the line is busy for 80 % of the time while all are well."""
WARM_UP_S = 15.0
_LOOK_S = 0.1

Deaths = Mapping[int, tuple[float, float]]
"""Unit -> from when until when it is dead, in seconds of the run."""


@dataclass(slots=True)
class Seen:
    """What came of one run."""

    ages_s: list[float] = field(default_factory=list)
    """Of the newest reading of each pump that is well, ten times a second after the warm-up."""
    worst_s: list[float] = field(default_factory=list)
    """The oldest of them at each look: what a picture shows."""
    answered: dict[int, int] = field(default_factory=dict)
    taken_s: float = 0.0
    rejoined_s: dict[int, float] = field(default_factory=dict)
    """Unit -> from its return to its next reading."""

    def p99_s(self) -> float:
        ages = sorted(self.ages_s)
        return ages[int(0.99 * (len(ages) - 1))]

    def used(self) -> float:
        """Return the share of the time that good exchanges took."""
        return sum(self.answered.values()) * EXCHANGE_S / self.taken_s


class Line:
    """The wire, the pumps, and what is known of them."""

    def __init__(self, deaths: Deaths) -> None:
        self.wire = MemoryWire(baud=BAUD)
        self.wire.answering.on_the_way = lambda data: [(REPLY_S, data)]
        self.began_s = asyncio.get_running_loop().time()
        self.deaths = deaths
        self.newest: dict[int, float] = dict.fromkeys(range(1, PUMPS + 1), self.began_s)
        self.seen = Seen(answered=dict.fromkeys(self.newest, 0))
        self.device = Device(self.wire.answering, RtuServerFramer(), self._reply)

    def now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.began_s

    def dead(self, unit: int) -> bool:
        first, last = self.deaths.get(unit, (0.0, 0.0))
        return first <= self.now_s() < last

    def took(self, unit: int, asked_at: float) -> None:
        """Note a reading; ``asked_at`` on the loop's time."""
        self.newest[unit] = asked_at
        self.seen.answered[unit] += 1
        returned = self.deaths.get(unit, (0.0, 0.0))[1]
        if 0 < returned <= self.now_s():
            self.seen.rejoined_s.setdefault(unit, self.now_s() - returned)

    async def look(self, for_s: float) -> Seen:
        """Look at ages until the end."""
        loop = asyncio.get_running_loop()
        while self.now_s() < for_s:
            await asyncio.sleep(_LOOK_S)
            well = [u for u in self.newest if not self.dead(u) and self._settled(u)]
            ages = [loop.time() - self.newest[unit] for unit in well]
            self.seen.worst_s.append(max(ages, default=0.0))
            if self.now_s() >= WARM_UP_S:
                self.seen.ages_s += ages
        self.seen.taken_s = for_s
        return self.seen

    def _settled(self, unit: int) -> bool:
        """Whether a pump has been read since it came back."""
        returned = self.deaths.get(unit, (0.0, 0.0))[1]
        return not returned or unit in self.seen.rejoined_s or self.now_s() < returned

    def _reply(self, payload: bytes) -> bytes | None:
        return None if self.dead(payload[0]) else answer(payload)


async def polled(
    deaths: Deaths, for_s: float, interval_s: Callable[[int], float] = lambda _unit: INTERVAL_S
) -> tuple[Seen, Bus]:
    """Poll every pump on our bus, each on its grid, as sessions do."""
    line = Line(deaths)
    await line.device.open()
    bus = bus_for(
        parse_url("modbus-rtu://memory:4001/1"),
        latency_ms=20,
        seeded=random.Random(proof.SEED),
        on_blocked=lambda *_: None,
        transport=line.wire.asking,
    )
    async with _running(bus):
        tasks = [
            asyncio.create_task(_poll(line, bus, unit, interval_s(unit)), name=f"poll {unit}")
            for unit in line.newest
        ]
        seen = await line.look(for_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return seen, bus


@contextlib.asynccontextmanager
async def _running(bus: Bus) -> AsyncIterator[None]:
    running = asyncio.create_task(bus.run(), name="bus")
    try:
        await bus.until_up()
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _poll(line: Line, bus: Bus, unit: int, interval_s: float) -> None:
    talk: LineConversation = bus.conversation(unit, 50, interval_s=interval_s)
    backoff = Backoff(random.Random(proof.SEED + unit), longest_s=SILENT_LONGEST_S)
    loop, failures, due = asyncio.get_running_loop(), 0, unit / PUMPS * interval_s
    while True:
        await asyncio.sleep(line.began_s + due - loop.time())
        try:
            if failures:  # whoever was silent is asked first who it is, and may wait long for that
                await talk.ask(ReadRegisters(unit, 4, 100, REGISTERS + 1))
            asked_at = loop.time()
            await talk.ask(ReadRegisters(unit, 4, 0, REGISTERS))
        except WireError:
            failures += 1
            if failures >= SILENT_AFTER:
                await asyncio.sleep(backoff.next_s())
        else:
            failures = 0
            backoff.reset()
            line.took(unit, asked_at)
        due += interval_s * (1 + max(0, int((line.now_s() - due) / interval_s)))


class _StockWire(asyncio.Transport):
    """One end of a memory wire as pymodbus wants it."""

    def __init__(self, end: MemoryEnd, client: AsyncModbusTcpClient) -> None:
        super().__init__()
        self._end = end
        self._client = client

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._end.write(bytes(data))

    def close(self) -> None:
        """It is closed with the run."""

    def data_received(self, data: bytes) -> None:
        self._client.ctx.data_received(data)

    def connection_lost(self, error: TransportError) -> None:
        """It stays until the run ends."""


async def polled_by_stock(deaths: Deaths, for_s: float) -> Seen:
    """Poll every pump with stock pymodbus at its defaults, in turn, each round on the interval."""
    line = Line(deaths)
    await line.device.open()
    client = AsyncModbusTcpClient("memory", framer=FramerType.RTU)
    wire = _StockWire(line.wire.asking, client)
    await line.wire.asking.open(wire)

    async def connected() -> tuple[asyncio.Transport, object]:
        client.ctx.connection_made(wire)
        return wire, client.ctx

    client.ctx.call_create = connected
    await client.connect()

    async def rounds() -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            for unit in line.newest:
                asked_at = loop.time()
                try:
                    reply = await client.read_input_registers(0, count=REGISTERS, device_id=unit)
                except ModbusException:
                    continue
                if not reply.isError():
                    line.took(unit, asked_at)
            await asyncio.sleep(max(0.0, INTERVAL_S - (loop.time() - began)))

    polling = asyncio.create_task(rounds(), name="stock pymodbus")
    try:
        return await line.look(for_s)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        client.close()
