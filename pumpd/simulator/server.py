"""Lines on real wires: Modbus TCP, RTU over a socket, and RTU on a pseudo-terminal with a name of its own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from pumpd.errors import TransportError
from pumpd.protocols.wire import ServerFramer
from pumpd.simulator.line import Answering, SimulatedLine
from pumpd.transports.memory import MemoryWire
from pumpd.transports.serial_line import SerialSettings

_READ_BYTES = 4096
_BACKLOG = 128
_PORTS = Path("/dev/pts")


class ServedLine(Protocol):
    """A line that somebody can connect to."""

    line: SimulatedLine

    @property
    def where(self) -> str:
        """Where it listens: ``host:port``, or the path of its port."""
        ...

    @property
    def plugged(self) -> bool:
        """True while it can be reached."""
        ...

    async def plug(self) -> None:
        """Begin to answer; TransportError when the place is taken."""
        ...

    async def unplug(self) -> None:
        """Pull the plug: connections break, nobody can connect. Leaves nothing behind; safe to call twice."""
        ...


class _Connection(asyncio.Protocol):
    def __init__(self, owner: TcpLine) -> None:
        self._owner = owner
        self._answering: Answering | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio.Transport, though they do all that it does.
        self.transport = cast("asyncio.Transport", transport)
        owner = self._owner
        owner.remember(self)
        self._answering = Answering(owner.line, owner.framer(), self._write, owner.baud)

    def data_received(self, data: bytes) -> None:
        if self._answering is not None:
            self._answering.data_received(data)

    def _write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a client may go as it likes
        self._owner.forget(self)
        if self._answering is not None:
            self._answering.stop()


class TcpLine:
    """Pumps behind one TCP port."""

    def __init__(
        self,
        line: SimulatedLine,
        host: str,
        port: int,
        framer: Callable[[], ServerFramer],
        baud: int | None = None,
    ) -> None:
        """Make it, unplugged; port 0 takes a free one and keeps it."""
        self.line = line
        self.framer = framer
        self.baud = baud
        self.connections: set[_Connection] = set()
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._all_gone = asyncio.Event()

    @property
    def where(self) -> str:
        """``host:port``."""
        return f"{self._host}:{self.port}"

    @property
    def plugged(self) -> bool:
        """True while it listens."""
        return self._server is not None

    async def plug(self) -> None:
        """Listen; TransportError when the port is taken."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self), self._host, self.port, backlog=_BACKLOG, family=socket.AF_INET
            )
        except OSError as error:
            raise TransportError(
                f"{self.where}: can not listen: {error.strerror or error}; choose another port"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Break every connection and stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        if self.connections:
            await self._all_gone.wait()

    def remember(self, connection: _Connection) -> None:
        """Note that somebody connected."""
        self.connections.add(connection)
        self._all_gone.clear()

    def forget(self, connection: _Connection) -> None:
        """Note that somebody is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._all_gone.set()


def _lives(path: Path) -> bool:
    """Return whether a file, a device or a living simulator's port is at ``path``."""
    if not (path.is_symlink() and path.resolve().parent == _PORTS):
        return path.exists()
    try:
        port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return path.exists()
    try:
        fcntl.lockf(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(port)
    return False


class PtyLine:
    """Pumps on one pseudo-terminal, which a link at a stable path names."""

    def __init__(
        self, line: SimulatedLine, path: Path, framer: Callable[[], ServerFramer], settings: SerialSettings
    ) -> None:
        """Make it, unplugged."""
        self.line = line
        self._path = path
        self._framer = framer
        self._settings = settings
        self._answering: Answering | None = None
        self._ends: tuple[int, int] | None = None

    @property
    def where(self) -> str:
        """The path to open as a serial port."""
        return str(self._path)

    @property
    def plugged(self) -> bool:
        """True while the port is there."""
        return self._ends is not None

    async def plug(self) -> None:
        """Make the port; TransportError when something else stands at its path."""
        if self._ends is not None:
            return
        if _lives(self._path):
            raise TransportError(f"{self._path}: something else is there; choose another path")
        ours, theirs = os.openpty()
        fcntl.lockf(theirs, fcntl.LOCK_EX)  # it goes when we do, and is none of those that clients take
        # Our hold on the far end keeps the port alive between two clients.
        self._ends = (ours, theirs)
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        baud, bits_per_byte = self._settings.baud, self._settings.bits_per_byte
        self._answering = Answering(self.line, self._framer(), self._write, baud, bits_per_byte)
        asyncio.get_running_loop().add_reader(ours, self._readable)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        beside.symlink_to(os.ttyname(theirs))
        beside.replace(self._path)

    async def unplug(self) -> None:
        """Hang up on whoever has it open, and remove the path."""
        if self._ends is None or self._answering is None:
            return
        ours, theirs = self._ends
        self._ends = None
        self._answering.stop()
        asyncio.get_running_loop().remove_reader(ours)
        if self._path.is_symlink() and str(self._path.readlink()) == os.ttyname(theirs):
            self._path.unlink()
        os.close(theirs)
        os.close(ours)

    def _readable(self) -> None:
        assert self._ends is not None
        assert self._answering is not None
        self._answering.data_received(os.read(self._ends[0], _READ_BYTES))

    def _write(self, data: bytes) -> None:
        if self._ends is None:
            return
        try:
            os.write(self._ends[0], data)
        except BlockingIOError:
            return  # nobody reads: a wire does not wait, the bytes are gone


class MemoryLine:
    """Pumps at the answering end of a wire inside one loop."""

    def __init__(self, line: SimulatedLine, wire: MemoryWire, framer: Callable[[], ServerFramer]) -> None:
        """Make it, unplugged; the wire itself keeps its baud rate."""
        self.line = line
        self.wire = wire
        self._framer = framer
        self._answering: Answering | None = None

    @property
    def where(self) -> str:
        """The wire's name."""
        return self.wire.asking.name

    @property
    def plugged(self) -> bool:
        """True while it answers."""
        return self._answering is not None

    async def plug(self) -> None:
        """Answer on the wire."""
        if self._answering is None:
            self.wire.plug()
            self._answering = Answering(self.line, self._framer(), self.wire.answering.write)
            await self.wire.answering.open(self._answering)

    async def unplug(self) -> None:
        """Take the wire away."""
        if self._answering is not None:
            self._answering.stop()
            self._answering = None
            self.wire.unplug()
            await self.wire.answering.close()
