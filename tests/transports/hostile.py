"""A device that answers late, twice, wrongly or not at all, and knows which request each answer belongs to.

Every request it hears gets a serial number, which its registers and bits carry back. So a test can tell from
the values alone which request the bytes answered.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from pumpd.errors import TransportError
from pumpd.protocols import framing_mbap, framing_rtu
from pumpd.protocols.modbus_serving import (
    DEVICE_BUSY,
    Incoming,
    IncomingRead,
    IncomingUnusable,
    bits_reply,
    exception_reply,
    parse_request,
    registers_reply,
    write_reply,
)
from pumpd.protocols.wire import Question, ServerFramer
from pumpd.transports.memory import MemoryEnd

LATEST = 3.0
"""The latest a copy comes, in time-outs after the last moment it was due."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How often each thing happens, per 100 requests."""

    silent: int = 4
    late: int = 12
    twice: int = 15
    late_and_twice: int = 4
    refused: int = 6
    refused_late: int = 3
    foreign_in_front: int = 8
    damaged_in_front: int = 8
    damaged_only: int = 4
    noise_in_front: int = 6
    in_pieces: int = 8


CHANCES = Chances()


def registers_of(serial: int, count: int) -> list[int]:
    """Return registers that carry ``serial`` in the first two, and noise behind."""
    return [serial >> 16, serial & 0xFFFF, *((serial * 7919 + n) & 0xFFFF for n in range(count - 2))]


def bits_of(serial: int, count: int) -> list[bool]:
    """Return bits that carry ``serial`` in the first 32."""
    return [serial >> n & 1 == 1 for n in range(32)] + [(serial + n) % 3 == 0 for n in range(count - 32)]


def serial_in(values: tuple[int, ...] | tuple[bool, ...]) -> int:
    """Return the serial number that registers or bits carry."""
    if isinstance(values[0], bool):
        return sum(bit << n for n, bit in enumerate(values[:32]))
    return values[0] << 16 | values[1]


def damaged(frame: bytes, seeded: random.Random) -> bytes:
    """Return ``frame`` with damage that CRC-16 detects by construction.

    One or two bits, three bits, or a burst of at most 16 bits; Modbus' polynomial has the factor x + 1.
    """
    size = 8 * len(frame)
    kind = seeded.randrange(3)
    if kind == 0:
        flips = set(seeded.sample(range(size), seeded.choice((1, 2))))
    elif kind == 1:
        flips = set(seeded.sample(range(size), 3))
    else:
        begin, length = seeded.randrange(size - 16), seeded.randint(2, 16)
        inside = {begin + n for n in range(1, length - 1) if seeded.random() < 0.5}
        flips = {begin, begin + length - 1} | inside
    broken = bytearray(frame)
    for bit in flips:
        broken[bit // 8] ^= 1 << (bit % 8)
    return bytes(broken)


class HostileDevice:
    """Stands at the answering end of a memory wire for every unit of the line."""

    def __init__(
        self, end: MemoryEnd, framer: ServerFramer, timeout_s: float, seeded: random.Random, chances: Chances
    ) -> None:
        self.serial = 0
        self.last: dict[int, int] = {}
        """The serial number of the last request each unit heard."""
        self.answered: set[int] = set()
        """Requests whose good reply was written before now; for writes, whose replies carry no number."""
        self.refused: set[int] = set()
        self.did: Counter[str] = Counter()
        self._end = end
        self._in_order = isinstance(framer, framing_mbap.MbapServerFramer)
        """A TCP stream never carries one frame inside another; colliding pumps on one line may."""
        self._half_said = 0
        self._behind: list[tuple[bytes, set[int] | None, int]] = []
        self._framer = framer
        self._timeout_s = timeout_s
        self._random = seeded
        self._kinds = list(chances.__dataclass_fields__)
        self._weights = [getattr(chances, kind) for kind in self._kinds]
        self._kinds.append("well")
        self._weights.append(100 - sum(self._weights))

    def data_received(self, data: bytes) -> None:
        for question in self._framer.feed(data):
            self._respond(question)

    def connection_lost(self, error: TransportError) -> None:
        """The test is over."""

    def _respond(self, question: Question) -> None:
        self.serial += 1
        serial, asked = self.serial, parse_request(question.payload)
        self.last[asked.unit] = serial
        [kind] = self._random.choices(self._kinds, self._weights)
        self.did[kind] += 1
        good = self._framer.encode(question, self._good(asked, serial))
        soon_s = self._random.uniform(0.0, 0.9) * self._timeout_s
        late_s = self._timeout_s * (1 + self._random.uniform(0.0, LATEST))
        match kind:
            case "silent":
                return
            case "damaged_only":
                self._send(soon_s, damaged(good, self._random))
            case "refused" | "refused_late":
                refusal = self._framer.encode(question, exception_reply(asked, DEVICE_BUSY))
                self._send(soon_s if kind == "refused" else late_s, refusal, self.refused, serial)
                if self._random.random() < 0.5:
                    self._send(late_s, refusal)
            case "late":
                self._send(late_s, good, self.answered, serial)
            case "twice":
                self._send(soon_s, good, self.answered, serial)
                self._send(soon_s + self._random.uniform(0.0, LATEST) * self._timeout_s, good)
            case "late_and_twice":
                self._send(late_s, good, self.answered, serial)
                self._send(late_s + self._random.uniform(0.0, LATEST) * self._timeout_s, good)
            case "in_pieces":
                asyncio.get_running_loop().call_later(soon_s, self._begin, good, serial)
            case _:
                self._send(soon_s, self._in_front(kind, question, asked, good) + good, self.answered, serial)

    def _in_front(self, kind: str, question: Question, asked: Incoming, good: bytes) -> bytes:
        match kind:
            case "foreign_in_front":
                return self._foreign(question, asked)
            case "damaged_in_front":
                return damaged(good, self._random)
            case "noise_in_front":
                return self._random.randbytes(self._random.randint(3, 40))
        return b""

    def _foreign(self, question: Question, asked: Incoming) -> bytes:
        """Return a whole frame that answers somebody else: other unit, function, length or transaction."""
        unit, function, count = asked.unit, asked.function, self._random.randint(2, 40)
        if self._random.random() < 0.5:
            unit = unit % 247 + 1
        else:
            function = 4 if function == 3 else 3
        payload = registers_reply(IncomingRead(unit, 3, 0, count), registers_of(0xDEAD_BEEF, count))
        payload = bytes((unit, function)) + payload[2:]
        if isinstance(self._framer, framing_mbap.MbapServerFramer):
            return framing_mbap.frame_of(question.transaction_id ^ self._random.randint(1, 0xFFFF), payload)
        return framing_rtu.frame_of(payload)

    def _good(self, asked: Incoming, serial: int) -> bytes:
        match asked:
            case IncomingRead(function=1 | 2):
                return bits_reply(asked, bits_of(serial, asked.count))
            case IncomingRead():
                return registers_reply(asked, registers_of(serial, asked.count))
            case IncomingUnusable():
                return exception_reply(asked, asked.exception_code)
        return write_reply(asked)

    def _send(self, delay_s: float, frame: bytes, done: set[int] | None = None, serial: int = 0) -> None:
        asyncio.get_running_loop().call_later(delay_s, self._write, frame, done, serial)

    def _begin(self, frame: bytes, serial: int) -> None:
        """Write the first part of ``frame``, and the rest a little later."""
        if self._half_said and self._in_order:
            self._behind.append((frame, self.answered, serial))
            return
        cut = self._random.randrange(1, len(frame))
        self._half_said += 1
        self._end.other.deliver(frame[:cut])
        asyncio.get_running_loop().call_later(0.05 * self._timeout_s, self._finish, frame[cut:], serial)

    def _finish(self, rest: bytes, serial: int) -> None:
        self._half_said -= 1
        self._write(rest, self.answered, serial)
        behind, self._behind = self._behind, []
        for waiting in behind:
            self._write(*waiting)

    def _write(self, frame: bytes, done: set[int] | None, serial: int) -> None:
        if self._half_said and self._in_order:
            self._behind.append((frame, done, serial))
            return
        if done is not None:
            done.add(serial)
        self._end.other.deliver(frame)
