"""A serial port: the one door to pyserial, which opens and sets it; reading and writing are the loop's."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import serial
import structlog

from pumpd.errors import TransportError
from pumpd.transports.base import Receiver
from pumpd.transports.port_words import why_closed

_MOST_UNSENT_BYTES: Final = 4096
_READ_BYTES: Final = 4096
_PSEUDO_TERMINALS: Final = "/dev/pts/"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How bytes stand on the wire."""

    baud: int
    parity: str = "N"
    """N, E or O."""
    bits: int = 8
    stop_bits: int = 1

    @property
    def bits_per_byte(self) -> int:
        """Start, data, parity and stop bits."""
        return 1 + self.bits + (self.parity != "N") + self.stop_bits

    def __str__(self) -> str:
        """Return the settings as they stand on pumps: 9600 8N1."""
        return f"{self.baud} {self.bits}{self.parity}{self.stop_bits}"


class SerialTransport:
    """Implements ``Transport`` on one port, which nobody else may open meanwhile."""

    def __init__(self, name: str, path: str, settings: SerialSettings) -> None:
        self.name = name
        self.baud = settings.baud
        self.bits_per_byte = settings.bits_per_byte
        self._path = path
        self._settings = settings
        self._port: serial.Serial | None = None
        self._receiver: Receiver | None = None
        self._unsent = bytearray()
        self._told_fallback = False

    async def open(self, receiver: Receiver) -> None:
        """Open and lock the port and drop what it has kept; TransportError with the reason if not."""
        try:
            port = self._opened(self._settings)
        except (serial.SerialException, termios.error, OSError) as error:
            if not self._is_pseudo_terminal() or not isinstance(error, termios.error):
                raise TransportError(f"{self.name}: {why_closed(self._path, error)}") from error
            port = self._opened_as_8n1()
        self._port = port
        self._receiver = receiver
        asyncio.get_running_loop().add_reader(port.fileno(), self._readable)

    def write(self, data: bytes) -> None:
        """Send bytes without waiting; TransportError when it is not open or the port takes none any more."""
        if self._port is None:
            raise TransportError(f"{self.name}: the port is not open")
        if len(self._unsent) + len(data) > _MOST_UNSENT_BYTES:
            raise TransportError(f"{self.name}: the port takes no more bytes")
        waiting = bool(self._unsent)
        self._unsent += data
        if not waiting:
            self._writable()

    async def close(self) -> None:
        """Close the port."""
        self._receiver = None
        self._end()

    def _opened(self, settings: SerialSettings) -> serial.Serial:
        port = serial.Serial(
            self._path,
            baudrate=settings.baud,
            bytesize=settings.bits,
            parity=settings.parity,
            stopbits=settings.stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )
        try:
            port.reset_input_buffer()
        except termios.error:
            port.close()
            raise
        return port

    def _opened_as_8n1(self) -> serial.Serial:
        """Open a pseudo-terminal that refused parity or 7 bits; nothing is lost, it has no wire."""
        plain = SerialSettings(self._settings.baud)
        try:
            port = self._opened(plain)
        except (serial.SerialException, termios.error, OSError) as error:
            raise TransportError(f"{self.name}: {why_closed(self._path, error)}") from error
        if not self._told_fallback:
            self._told_fallback = True
            log.info("pseudo-terminal opened as 8N1", line=self.name, wanted=str(self._settings))
        return port

    def _is_pseudo_terminal(self) -> bool:
        return str(Path(self._path).resolve()).startswith(_PSEUDO_TERMINALS)

    def _readable(self) -> None:
        assert self._port is not None, "watched only while open"
        try:
            data = os.read(self._port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if not data:  # a port that hangs up reads as empty for ever
            self._lose(OSError(errno.EIO, "the port was unplugged"))
        elif self._receiver is not None:
            self._receiver.data_received(data)

    def _writable(self) -> None:
        assert self._port is not None, "watched only while open"
        loop, fd = asyncio.get_running_loop(), self._port.fileno()
        try:
            sent = os.write(fd, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose(error)
            return
        del self._unsent[:sent]
        if self._unsent:
            loop.add_writer(fd, self._writable)
        else:
            loop.remove_writer(fd)

    def _lose(self, error: OSError) -> None:
        receiver, self._receiver = self._receiver, None
        self._end()
        if receiver is not None:
            receiver.connection_lost(TransportError(f"{self.name}: {why_closed(self._path, error)}"))

    def _end(self) -> None:
        port, self._port = self._port, None
        self._unsent.clear()
        if port is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(port.fileno())
            loop.remove_writer(port.fileno())
            port.close()
