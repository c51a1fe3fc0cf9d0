"""Lines inside one loop that daemons come and go on; every frame is watched, and what it did to a pump."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from pumpd.core.telemetry import PumpStatus
from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.wire import ServerFramer
from pumpd.simulator.line import Answering, SimulatedLine
from pumpd.transports.base import Receiver
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import Framing, PumpUrl

Delivering = tuple[bool, bool, int]
"""Whether a channel delivers, whether it gives a bolus, and its set rate: any of them higher is a raise."""


@dataclass(slots=True)
class WireTally:
    """What went over one line, in numbers that two equal runs have in common."""

    asked: int = 0
    answered: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    raises: list[str] = field(default_factory=list)
    """Frames after which a pump delivered more than before (invariant 1)."""

    def note(self, direction: str, data: bytes) -> None:
        """Take in what was written at one end."""
        self.digest.update(direction.encode() + len(data).to_bytes(4, "big") + data)


class MemoryServedLine:
    """Pumps behind one line; implements ``ServedLine``. Whoever opens it gets a connection of its own."""

    def __init__(self, line: SimulatedLine, url: PumpUrl, moved: Callable[[], None]) -> None:
        """Make it, unplugged; ``moved`` is called when a frame changed what a pump does."""
        self.line = line
        self.tally = WireTally()
        self.plugged = False
        self.name = url.line
        self.baud = url.baud if url.settings is None else url.settings.baud
        self._tcp = url.framing is Framing.MODBUS_TCP
        self._moved = moved
        self._connection: _Connection | None = None

    @property
    def where(self) -> str:
        """The line's name."""
        return self.name

    async def plug(self) -> None:
        """Let it be opened."""
        self.plugged = True

    async def unplug(self) -> None:
        """Break the connection; nobody can open it until ``plug``."""
        self.plugged = False
        if self._connection is not None:
            await self._connection.end()
            self._connection = None

    def transport(self) -> _DaemonEnd:
        """Return the end that a daemon opens."""
        return _DaemonEnd(self)

    async def connect(self, receiver: Receiver) -> MemoryWire:
        """Return a new connection; an older one is broken, as there is one line."""
        if not self.plugged:
            raise TransportError(f"{self.name}: connection refused")
        if self._connection is not None:
            await self._connection.end()
        wire = MemoryWire(self.name, self.baud)
        framer: ServerFramer = MbapServerFramer() if self._tcp else RtuServerFramer()
        self._connection = _Connection(wire, self, framer)
        await wire.answering.open(self._connection)
        await wire.asking.open(receiver)
        return wire

    def delivering(self) -> dict[str, Delivering]:
        """Return what every channel of the line does now."""
        found: dict[str, Delivering] = {}
        for pump in self.line.pumps.values():
            pump.face.catch_up()
            for channel, model in pump.face.models.items():
                status = model.status
                rate = model.set_rate_nl_h
                found[f"{pump.name}/{channel}"] = (status.delivers, status is PumpStatus.BOLUS, rate)
        return found

    def asked(self, data: bytes, deal_with: Callable[[bytes], None]) -> None:
        """Judge what one piece of a request did: nothing that arrives may make a pump give more."""
        self.tally.asked += 1
        self.tally.note(">", data)
        before = self.delivering()
        deal_with(data)
        after = self.delivering()
        for name, now in after.items():
            if any(new > old for new, old in zip(now, before[name], strict=True)):
                self.tally.raises.append(f"{name}: {data.hex(' ')}")
        if after != before:
            self._moved()


class _Connection:
    """The simulated end of one connection; implements ``Receiver``."""

    def __init__(self, wire: MemoryWire, owner: MemoryServedLine, framer: ServerFramer) -> None:
        self._wire = wire
        self._owner = owner
        self._answering = Answering(owner.line, framer, self._write)

    def data_received(self, data: bytes) -> None:
        self._owner.asked(data, self._answering.data_received)

    def connection_lost(self, error: TransportError) -> None:
        self._answering.connection_lost(error)

    def _write(self, data: bytes) -> None:
        tally = self._owner.tally
        tally.answered += 1
        tally.note("<", data)
        self._wire.answering.write(data)

    async def end(self) -> None:
        self._answering.stop()
        self._wire.unplug()
        await self._wire.answering.close()


class _DaemonEnd:
    """A daemon's end of a line; implements ``Transport``."""

    bits_per_byte = 10

    def __init__(self, line: MemoryServedLine) -> None:
        self._line = line
        self._wire: MemoryWire | None = None

    @property
    def name(self) -> str:
        return self._line.name

    @property
    def baud(self) -> int | None:
        return self._line.baud

    async def open(self, receiver: Receiver) -> None:
        self._wire = await self._line.connect(receiver)

    def write(self, data: bytes) -> None:
        if self._wire is None:
            raise TransportError(f"{self.name}: the line is not open")
        self._wire.asking.write(data)

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.asking.close()
