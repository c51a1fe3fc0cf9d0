"""Questions and answers of a line in words, for who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.bench_line import Tell
from pumpd.drivers.base import ChannelReading, Conversation
from pumpd.drivers.register_reading import describe
from pumpd.errors import PumpdError
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil, WriteRegister
from pumpd.protocols.wire import Request

R = TypeVar("R")
_READS: Final = {1: "coils", 2: "input bits", 3: "holding registers", 4: "input registers"}
_INDENT: Final = " " * 13


def asked(request: Request[object]) -> str:
    """Return what a question asks."""
    match request:
        case ReadRegisters() | ReadBits():
            last = request.start + request.count - 1
            return f"unit {request.unit}: read {_READS[request.function]} {request.start} to {last}"
        case WriteCoil():
            return f"unit {request.unit}: set coil {request.at} {'on' if request.on else 'off'}"
        case WriteRegister():
            return f"unit {request.unit}: write {request.value} to register {request.at}"
        case _:
            return str(request)


def answered(reply: object) -> str:
    """Return what a reply says: of registers their words in hexadecimal, of a dialect its own value."""
    if reply is None:
        return "done"
    if type(reply) is tuple and all(isinstance(word, int) for word in reply):
        if all(isinstance(word, bool) for word in reply):
            return "bits " + "".join("1" if bit else "0" for bit in reply)
        return "words " + " ".join(f"{word:04X}" for word in reply)
    return str(reply)


def in_a_line(reading: ChannelReading) -> str:
    """Return a reading as one line; what the pump does not tell is left out."""
    parts = []
    for name, value in describe(reading).items():
        text = value if isinstance(value, str) else ", ".join(value) or "none"
        if text != "MISSING":
            parts.append(f"{name.replace('_', ' ')} {text}")
    return f"channel {reading.channel}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class TalkedAloud:
    """A conversation whose questions and answers are told; implements ``drivers.base.Conversation``."""

    talk: Conversation
    tell: Tell
    begins: str = "asks"
    """What is said before a question: who listens waits for another to put it."""

    async def ask(self, request: Request[R]) -> R:
        """Ask, and tell both."""
        self.tell(f"{_INDENT} {self.begins:8} {asked(request)}")
        try:
            reply = await self.talk.ask(request)
        except PumpdError as error:
            self.tell(f"{_INDENT} no answer {type(error).__name__}: {error}")
            raise
        self.tell(f"{_INDENT} answers  {answered(reply)}")
        return reply
