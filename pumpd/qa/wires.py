"""Lines inside one loop that daemons come and go on; every frame is judged."""

from __future__ import annotations

from collections.abc import Callable

from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.wire import ServerFramer
from pumpd.qa.frames import FrameJudge
from pumpd.simulator.line import Answering, SimulatedLine
from pumpd.transports.base import Receiver
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import Framing, PumpUrl


class MemoryServedLine:
    """Pumps behind one line; implements ``ServedLine``. Whoever opens it gets a connection of its own."""

    def __init__(
        self,
        line: SimulatedLine,
        url: PumpUrl,
        judge: FrameJudge,
        server_framer: Callable[[], ServerFramer] | None = None,
    ) -> None:
        """Make it, unplugged; ``server_framer`` stands in for that of the URL."""
        self.line = line
        self.judge = judge
        self.plugged = False
        self.name = url.line
        self.baud = url.baud if url.settings is None else url.settings.baud
        self.bits_per_byte = 10 if url.settings is None else url.settings.bits_per_byte
        of_url = MbapServerFramer if url.framing is Framing.MODBUS_TCP else RtuServerFramer
        self._server_framer: Callable[[], ServerFramer] = server_framer or line.server_framer or of_url
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
        wire = MemoryWire(self.name, self.baud, self.bits_per_byte)
        self._connection = _Connection(wire, self, self._server_framer())
        await wire.answering.open(self._connection)
        await wire.asking.open(receiver)
        return wire


class _Connection:
    """The simulated end of one connection; implements ``Receiver``."""

    def __init__(self, wire: MemoryWire, owner: MemoryServedLine, framer: ServerFramer) -> None:
        self._wire = wire
        self._owner = owner
        self._answering = Answering(owner.line, framer, self._write)

    def data_received(self, data: bytes) -> None:
        self._owner.judge.asked(data, lambda: self._answering.data_received(data))

    def connection_lost(self, error: TransportError) -> None:
        self._answering.connection_lost(error)

    def _write(self, data: bytes) -> None:
        self._owner.judge.answered(data)
        self._wire.answering.write(data)

    async def end(self) -> None:
        self._answering.stop()
        self._wire.unplug()
        await self._wire.answering.close()


class _DaemonEnd:
    """A daemon's end of a line; implements ``Transport``."""

    def __init__(self, line: MemoryServedLine) -> None:
        self._line = line
        self._wire: MemoryWire | None = None

    @property
    def name(self) -> str:
        return self._line.name

    @property
    def baud(self) -> int | None:
        return self._line.baud

    @property
    def bits_per_byte(self) -> int:
        return self._line.bits_per_byte

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
