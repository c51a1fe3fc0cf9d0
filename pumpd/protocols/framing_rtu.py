"""Modbus RTU framing: unit and PDU followed by a CRC, with nothing that says where a frame begins.

Source: MODBUS over Serial Line Specification V1.02 (modbus.org, 2006), 2.5.1 and 6.2.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pumpd.errors import WireError
from pumpd.protocols.checksums import crc16_modbus, whole_frame_bytes
from pumpd.protocols.modbus import ModbusRequest
from pumpd.protocols.wire import Permission, Question, Request

MAX_FRAME_BYTES: Final = 256
_SHORTEST_BYTES: Final = 4
_REQUEST_BYTES: Final = 8
_REFUSAL_BYTES: Final = 5
_REMEMBERED_QUESTIONS: Final = 16
_FAST_BAUD: Final = 19200
_FAST_GAP_S: Final = 0.00175
"""Above 19200 baud the silence between frames is fixed (2.5.1.1)."""


def frame_of(payload: bytes) -> bytes:
    """Return the whole frame of a payload: its CRC is appended, low byte first."""
    return payload + crc16_modbus(payload).to_bytes(2, "little")


def payload_of(frame: bytes) -> bytes:
    """Return the payload of exactly one whole frame; WireError when it is damaged or can not be one."""
    if not _SHORTEST_BYTES <= len(frame) <= MAX_FRAME_BYTES or crc16_modbus(frame) != 0:
        raise WireError(f"not one undamaged RTU frame: {len(frame)} bytes, {frame[:16].hex(' ')}")
    return frame[:-2]


EXAMPLES: Final = (
    # MODBUS over Serial Line V1.02, 6.2.2: the CRC 1241 travels as 41 12
    ("02 07", "02 07 41 12"),
)
"""(payload, frame) as printed."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """How the frame looks that answers one request."""

    request: Request[object]
    head: bytes
    frame_bytes: int
    refusal_head: bytes
    own_echo: bytes
    """What an adapter may repeat to us; never an answer to a read. Empty for writes, whose answer it is."""


class RtuFramer:
    """The asking end: it knows the length of the reply from the request and looks for just that frame.

    Where a frame could begin it waits for its end, but goes on looking behind; so neither a foreign nor a
    damaged frame nor noise costs the good reply. A refusal inside a reply that is still incomplete waits
    for that reply, since registers may hold any bytes.
    """

    tells_replies_apart = False

    def __init__(self) -> None:
        self.discarded_bytes = 0
        self._buffer = bytearray()
        self._awaited: _Awaited | None = None
        self._overdue: deque[_Awaited] = deque(maxlen=_REMEMBERED_QUESTIONS)
        self._late: list[Request[object]] = []

    def encode(self, request: Request[object]) -> bytes:
        """Return the whole frame to send, and from now on look for the reply to ``request``."""
        if not isinstance(request, ModbusRequest):
            raise TypeError(f"RTU carries Modbus requests, not {type(request).__name__}")
        frame = frame_of(request.to_bytes())
        self._drop(len(self._buffer))
        head = request.reply_head
        for overdue in [a for a in self._overdue if a.head == head]:
            self._overdue.remove(overdue)
        self._awaited = _Awaited(
            request,
            head,
            request.reply_bytes + 2,
            bytes((request.unit, request.function | 0x80)),
            frame if request.permission is Permission.READ else b"",
        )
        return frame

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; return unit and PDU of the reply, its CRC checked, once it is complete."""
        self._buffer += data
        payload = self._take(self._awaited)
        if payload is not None:
            self._awaited = None
            self._drop(len(self._buffer))
            return payload
        for overdue in tuple(self._overdue):
            if self._take(overdue) is not None:
                self._overdue.remove(overdue)
                self._late.append(overdue.request)
        looked_for = [*self._overdue] if self._awaited is None else [self._awaited, *self._overdue]
        self._drop(min((_locate(self._buffer, a).undecided for a in looked_for), default=len(self._buffer)))
        return None

    def give_up(self) -> None:
        """The reply did not come in time: whatever still comes for it is late, and dropped."""
        if self._awaited is not None:
            self._overdue.append(self._awaited)
            self._awaited = None

    def take_late(self) -> Sequence[Request[object]]:
        """Return the requests whose replies came after ``give_up`` and were dropped since the last call."""
        if not self._late:
            return ()
        late, self._late = self._late, []
        return late

    def reset(self) -> None:
        """Forget the awaited request and every undecided byte, counting them as discarded."""
        self._drop(len(self._buffer))
        self._awaited = None
        self._overdue.clear()

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how many bytes ``request`` and its longest reply are on the wire."""
        if not isinstance(request, ModbusRequest):
            raise TypeError(f"RTU carries Modbus requests, not {type(request).__name__}")
        return _REQUEST_BYTES + max(request.reply_bytes + 2, _REFUSAL_BYTES)

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:
        """Return 3.5 characters of silence, or the fixed silence of fast lines, in seconds."""
        if baud is None:
            return 0.0
        return _FAST_GAP_S if baud > _FAST_BAUD else 3.5 * bits_per_byte / baud

    def _take(self, awaited: _Awaited | None) -> bytes | None:
        """Return the payload of the awaited frame if it is there, and take the bytes up to its end."""
        if awaited is None:
            return None
        found = _locate(self._buffer, awaited)
        if found.end == 0:
            return None
        payload = bytes(self._buffer[found.start : found.end - 2])
        self.discarded_bytes += found.start
        del self._buffer[: found.end]
        return payload

    def _drop(self, count: int) -> None:
        self.discarded_bytes += count
        del self._buffer[:count]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the awaited frame stands, or from where on bytes could still become it."""

    undecided: int
    start: int = 0
    end: int = 0
    """0 when it is not there."""


def _locate(buffer: bytearray, awaited: _Awaited) -> _Place:
    """Find the awaited frame, or the first place where it could have begun."""
    undecided = len(buffer)
    start = buffer.find(awaited.head[:1])
    while start >= 0:
        rest = len(buffer) - start
        if _begins(buffer, start, awaited.head):
            end = start + awaited.frame_bytes
            if rest < awaited.frame_bytes:
                undecided = min(undecided, start)
            elif crc16_modbus(buffer[start:end]) == 0 and buffer[start:end] != awaited.own_echo:
                return _Place(end, start, end)
        elif _begins(buffer, start, awaited.refusal_head):
            end = start + _REFUSAL_BYTES
            if rest < _REFUSAL_BYTES:
                undecided = min(undecided, start)
            elif undecided == len(buffer) and crc16_modbus(buffer[start:end]) == 0:
                return _Place(end, start, end)
        start = buffer.find(awaited.head[:1], start + 1)
    return _Place(undecided)


def _begins(buffer: bytearray, start: int, head: bytes) -> bool:
    """Return whether the bytes from ``start`` are ``head``, or all there is of it so far."""
    rest = len(buffer) - start
    return buffer.startswith(head if rest >= len(head) else head[:rest], start)


class RtuServerFramer:
    """The device's end. A request's length follows from its function; unknown functions end at a good CRC."""

    def __init__(self) -> None:
        self.discarded_bytes = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Question]:
        """Take bytes; return the requests that are complete, to any unit, in order."""
        self._buffer += data
        questions = []
        while (found := self._find()) is not None:
            start, end = found
            questions.append(Question(bytes(self._buffer[start : end - 2]), address=self._buffer[start]))
            self.discarded_bytes += start
            del self._buffer[:end]
        excess = len(self._buffer) - MAX_FRAME_BYTES
        if excess > 0:
            self.discarded_bytes += excess
            del self._buffer[:excess]
        return questions

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the whole frame that answers ``question`` with the payload ``reply``."""
        assert reply[0] == question.payload[0], "a device answers under its own unit"
        return frame_of(reply)

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question as another master asks it of ``address``."""
        return Question(bytes((address,)) + question.payload[1:], address=address)

    def _find(self) -> tuple[int, int] | None:
        buffer = self._buffer
        for start in range(len(buffer) - 3):
            size = _request_bytes(buffer, start)
            if size is not None and start + size <= len(buffer):
                if crc16_modbus(buffer[start : start + size]) == 0:
                    return start, start + size
            elif size is None and start == 0:
                end = whole_frame_bytes(buffer, _SHORTEST_BYTES, MAX_FRAME_BYTES)
                if end:
                    return 0, end
        return None


def _request_bytes(buffer: bytearray, start: int) -> int | None:
    """Return how long the request frame that begins at ``start`` is; None for functions not known here."""
    function = buffer[start + 1]
    if 1 <= function <= 6:
        return 8
    if function in {15, 16}:
        return 9 + buffer[start + 6] if start + 6 < len(buffer) else MAX_FRAME_BYTES
    return None
