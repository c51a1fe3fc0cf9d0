"""Devices to ask, made of the serving side's own codec, with registers that are easy to recognise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.modbus_serving import (
    ILLEGAL_FUNCTION,
    IncomingCoils,
    IncomingRead,
    IncomingRegisters,
    IncomingUnusable,
    bits_reply,
    exception_reply,
    parse_request,
    registers_reply,
    write_reply,
)
from pumpd.protocols.wire import Question, ServerFramer
from pumpd.transports.base import Transport


def answer(payload: bytes) -> bytes:
    """Answer any request: register n of unit u holds 100 u + n, bits with an odd number are set."""
    asked = parse_request(payload)
    match asked:
        case IncomingRead(function=1 | 2):
            return bits_reply(asked, [n % 2 == 1 for n in range(asked.start, asked.start + asked.count)])
        case IncomingRead():
            return registers_reply(asked, [100 * asked.unit + asked.start + n for n in range(asked.count)])
        case IncomingCoils() | IncomingRegisters():
            return write_reply(asked)
        case IncomingUnusable():
            return exception_reply(asked, ILLEGAL_FUNCTION)


class Device:
    """Answers on one transport; ``mute`` keeps it silent, ``asked`` is what it heard."""

    def __init__(
        self,
        transport: Transport,
        framer: ServerFramer,
        reply: Callable[[bytes], bytes | None] = answer,
    ) -> None:
        self.asked: list[bytes] = []
        self.asked_at: list[float] = []
        self.mute = False
        self._transport = transport
        self._framer = framer
        self._reply = reply

    async def open(self) -> None:
        await self._transport.open(self)

    def data_received(self, data: bytes) -> None:
        for question in self._framer.feed(data):
            self.asked.append(question.payload)
            self.asked_at.append(asyncio.get_running_loop().time())
            self.respond(question)

    def respond(self, question: Question) -> None:
        reply = None if self.mute else self._reply(question.payload)
        if reply is not None:
            self._transport.write(self._framer.encode(question, reply))

    def connection_lost(self, error: TransportError) -> None:
        """The asking end closed; it may come back."""


SERVER_FRAMERS: dict[str, Callable[[], ServerFramer]] = {
    "modbus-tcp": MbapServerFramer,
    "modbus-rtu": RtuServerFramer,
}
