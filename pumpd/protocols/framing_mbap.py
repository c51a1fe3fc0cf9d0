"""Modbus TCP framing: a header with transaction id, protocol, length and unit in front of each PDU.

Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b (modbus.org, 2006), 3.1.3.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from typing import Final

from pumpd.errors import WireError
from pumpd.protocols.modbus import ModbusRequest
from pumpd.protocols.wire import Question, Request

MAX_FRAME_BYTES: Final = 260
_HEADER_BYTES: Final = 6
"""Transaction id, protocol and length; the unit that follows is counted in the length."""
_LENGTHS: Final = range(2, 255)
_REQUEST_BYTES: Final = 12
_REFUSAL_BYTES: Final = 9
_REMEMBERED_QUESTIONS: Final = 16
_OTHER_MASTER: Final = 0x5555
"""Makes another transaction id."""
_ZEROS: Final = bytes(3)
"""Protocol, and the upper byte of a length: at this place in every header."""
_REMEMBERED_HEADS: Final = 64
_RECENT_TRANSACTIONS: Final = 4096
"""Whose late replies are looked for. Ids go on, so a value that a pump shows for long is not one for long."""


def frame_of(transaction_id: int, payload: bytes) -> bytes:
    """Return the whole frame of a payload (unit and PDU)."""
    return struct.pack(">HHH", transaction_id, 0, len(payload)) + payload


def payload_of(frame: bytes) -> bytes:
    """Return the payload of exactly one whole frame; WireError when header and length do not agree."""
    if len(frame) < _HEADER_BYTES + 2:
        raise WireError(f"not one Modbus TCP frame: {len(frame)} bytes, {frame.hex(' ')}")
    _, protocol, length = struct.unpack_from(">HHH", frame)
    if protocol != 0 or length not in _LENGTHS or len(frame) != _HEADER_BYTES + length:
        raise WireError(f"not one Modbus TCP frame: {len(frame)} bytes, {frame[:16].hex(' ')}")
    return frame[_HEADER_BYTES:]


EXAMPLES: Final = (
    # epics-modules/SyringePump at 94b2851: a Teledyne ISCO pump as observed, 109 coils asked and answered
    (1, "01 01 00 00 00 6D", "00 01 00 00 00 06 01 01 00 00 00 6D"),
    (
        1,
        "01 01 0E 01 5A 42 00 00 40 C0 3F 40 03 80 31 00 00",
        "00 01 00 00 00 11 01 01 0E 01 5A 42 00 00 40 C0 3F 40 03 80 31 00 00",
    ),
)
"""(transaction id, payload, frame)."""


class MbapFramer:
    """The asking end. Every question has a transaction id of its own, which its reply repeats.

    Whole frames of other transactions are dropped; behind a broken header it looks for its own. No check says
    that a frame is whole: one that lost its end, filled up by the next, shows itself by that one's header.
    """

    tells_replies_apart = True

    def __init__(self, first_transaction_id: int) -> None:
        """Begin with a random id, 0 to 65535, so that another connection's replies are not taken for ours."""
        self.discarded_bytes = 0
        self._buffer = bytearray()
        self._transaction_id = first_transaction_id & 0xFFFF
        self._mark = b""
        """Transaction id and protocol of the awaited reply; empty when none is awaited."""
        self._unit = 0
        self._lengths = (0, 0)
        self._heads: dict[bytes, None] = {}
        """What replies and refusals to the questions asked lately begin with, behind the transaction id."""
        self._awaited: Request[object] | None = None
        self._overdue: deque[tuple[int, Request[object]]] = deque(maxlen=_REMEMBERED_QUESTIONS)
        self._late: list[Request[object]] = []

    def encode(self, request: Request[object]) -> bytes:
        """Return the whole frame to send, and from now on look for the reply to ``request``."""
        if not isinstance(request, ModbusRequest):
            raise TypeError(f"Modbus TCP carries Modbus requests, not {type(request).__name__}")
        self._transaction_id = (self._transaction_id + 1) & 0xFFFF
        frame = frame_of(self._transaction_id, request.to_bytes())
        self._mark = frame[:4]
        self._awaited = request
        self._unit = request.unit
        self._lengths = (request.reply_bytes, 3)
        self._remember_heads(request)
        return frame

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; return unit and PDU of the awaited transaction's frame once it is complete."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _HEADER_BYTES:
            transaction_id, protocol, length = struct.unpack_from(">HHH", buffer)
            plausible = protocol == 0 and length in _LENGTHS
            size = _HEADER_BYTES + length
            if plausible and buffer[:4] == self._mark:
                if len(buffer) < size:
                    return None
                if self._filled_up(size):
                    self._realign(keep=False)
                    continue
                payload = bytes(buffer[_HEADER_BYTES:size])
                del buffer[:size]
                self._awaited, self._mark = None, b""
                self._drop(len(buffer))
                return payload
            if plausible and len(buffer) >= size:
                self._note_if_late(transaction_id)
                self._drop(size)
            elif not self._realign(keep=plausible):
                return None
        return None

    def give_up(self) -> None:
        """The reply did not come in time: whatever still comes for it is late, and dropped."""
        if self._awaited is not None:
            self._overdue.append((self._transaction_id, self._awaited))
            self._awaited, self._mark = None, b""

    def take_late(self) -> Sequence[Request[object]]:
        """Return the requests whose replies came after ``give_up`` and were dropped since the last call."""
        if not self._late:
            return ()
        late, self._late = self._late, []
        return late

    def reset(self) -> None:
        """Forget the awaited request and every undecided byte, counting them as discarded."""
        self._drop(len(self._buffer))
        self._awaited, self._mark = None, b""

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how many bytes ``request`` and its longest reply are on the wire."""
        if not isinstance(request, ModbusRequest):
            raise TypeError(f"Modbus TCP carries Modbus requests, not {type(request).__name__}")
        return _REQUEST_BYTES + max(_HEADER_BYTES + request.reply_bytes, _REFUSAL_BYTES)

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:  # noqa: ARG002 - same for every wire
        """Return 0: the header parts the frames."""
        return 0.0

    def _remember_heads(self, request: ModbusRequest[object]) -> None:
        refusal = bytes((request.unit, request.function | 0x80))
        for length, head in ((request.reply_bytes, request.reply_head), (3, refusal)):
            begins = struct.pack(">HH", 0, length) + head
            self._heads.pop(begins, None)
            self._heads[begins] = None
        while len(self._heads) > _REMEMBERED_HEADS:
            del self._heads[next(iter(self._heads))]

    def _filled_up(self, size: int) -> bool:
        """Say whether the awaited frame holds another's header, or ends within another frame."""
        buffer = self._buffer
        behind = buffer[size + 2 : size + 2 + len(_ZEROS)]
        if not _ZEROS.startswith(behind):
            return True
        for head in self._heads:
            at = buffer.find(head, 3, size + len(head))
            if at >= 0:
                transaction_id = int.from_bytes(buffer[at - 2 : at])
                if (self._transaction_id - transaction_id) & 0xFFFF < _RECENT_TRANSACTIONS:
                    return True
        return False

    def _note_if_late(self, transaction_id: int) -> None:
        for overdue in self._overdue:
            if overdue[0] == transaction_id:
                self._overdue.remove(overdue)
                self._late.append(overdue[1])
                return

    def _realign(self, *, keep: bool) -> bool:
        """Drop what stands in front of the awaited header; say whether it, or a part of it, was found.

        ``keep`` says that the buffer begins with a frame that may still be completed.
        """
        buffer = self._buffer
        start = buffer.find(self._mark, 1) if self._mark else -1
        while start >= 0:
            rest = buffer[start + 4 : start + 7]
            wanted = (length.to_bytes(2) + bytes((self._unit,)) for length in self._lengths)
            if any(head.startswith(rest) for head in wanted):
                self._drop(start)
                return True
            start = buffer.find(self._mark, start + 1)
        if not keep:
            tail = next((n for n in (3, 2, 1) if self._mark and buffer.endswith(self._mark[:n])), 0)
            self._drop(len(buffer) - tail)
        return False

    def _drop(self, count: int) -> None:
        self.discarded_bytes += count
        del self._buffer[:count]


class MbapServerFramer:
    """The device's end."""

    def __init__(self) -> None:
        self.discarded_bytes = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Question]:
        """Take bytes; return the requests that are complete. A header that can not be drops all there is."""
        buffer = self._buffer
        buffer += data
        questions = []
        while len(buffer) >= _HEADER_BYTES:
            transaction_id, protocol, length = struct.unpack_from(">HHH", buffer)
            size = _HEADER_BYTES + length
            if protocol != 0 or length not in _LENGTHS:
                self.discarded_bytes += len(buffer)
                buffer.clear()
            elif len(buffer) < size:
                break
            else:
                payload = bytes(buffer[_HEADER_BYTES:size])
                questions.append(Question(payload, transaction_id, payload[0]))
                del buffer[:size]
        return questions

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the whole frame that answers ``question`` with the payload ``reply``."""
        return frame_of(question.transaction_id, reply)

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question as another master asks it of ``address``, in a transaction of its own."""
        return Question(
            bytes((address,)) + question.payload[1:], question.transaction_id ^ _OTHER_MASTER, address
        )
