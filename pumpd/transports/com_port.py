"""A serial port behind a serial server that sets it for its clients (RFC 2217), as the URL says."""

from __future__ import annotations

import asyncio
from typing import Final

from pumpd.errors import TransportError
from pumpd.protocols.com_port import ComPort
from pumpd.transports.base import Receiver
from pumpd.transports.serial_line import SerialSettings
from pumpd.transports.tcp import TcpTransport

SET_UP_TIMEOUT_S: Final = 3.0


class ComPortTransport:
    """Implements ``Transport``: bytes over a connection that is open once the far port is set as asked."""

    def __init__(self, name: str, host: str, port: int, settings: SerialSettings) -> None:
        self.name = name
        self.baud = settings.baud
        self.bits_per_byte = settings.bits_per_byte
        self._settings = settings
        self._wire = TcpTransport(name, host, port, settings.baud)
        self._far = self._far_port()
        self._set_up: asyncio.Future[None] | None = None
        self._receiver: Receiver | None = None

    async def open(self, receiver: Receiver) -> None:
        """Connect, have the port set, drop what it kept; TransportError when it is not so within 3 s each."""
        self._far = self._far_port()
        self._set_up = set_up = asyncio.get_running_loop().create_future()
        await self._wire.open(self)
        try:
            self._wire.write(self._far.opening())
            async with asyncio.timeout(SET_UP_TIMEOUT_S):
                await set_up
        except TimeoutError:
            await self._wire.close()
            raise TransportError(
                f"{self.name}: the port was not set in {SET_UP_TIMEOUT_S:g} s; "
                "check that the serial server speaks RFC 2217 there, else write tcp://"
            ) from None
        except TransportError:
            await self._wire.close()
            raise
        finally:
            self._set_up = None
        self._receiver = receiver

    def write(self, data: bytes) -> None:
        """Send bytes; TransportError when not connected, or when the peer takes none any more."""
        self._wire.write(self._far.encode(data))

    async def close(self) -> None:
        """Close the connection and wait until it is gone."""
        self._receiver = None
        await self._wire.close()

    def data_received(self, data: bytes) -> None:
        """Part data from commands, and hand on the data."""
        payload, answer = self._far.feed(data)
        if answer:
            self._wire.write(answer)
        if self._receiver is not None:
            if payload:
                self._receiver.data_received(payload)
        elif self._set_up is not None and not self._set_up.done():
            if self._far.refused:
                self._set_up.set_exception(TransportError(f"{self.name}: {self._far.refused}"))
            elif self._far.ready:
                self._set_up.set_result(None)

    def connection_lost(self, error: TransportError) -> None:
        """Tell whoever waits for the port, or uses it."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_lost(error)
        elif self._set_up is not None and not self._set_up.done():
            self._set_up.set_exception(error)

    def _far_port(self) -> ComPort:
        asked = self._settings
        return ComPort(asked.baud, asked.bits, asked.parity, asked.stop_bits)
