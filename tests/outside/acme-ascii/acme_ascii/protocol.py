"""The Acme protocol, which is made up: ``@AAtext*CC`` and a carriage return.

AA is the address in two digits, CC the exclusive or of all bytes from AA to the end of the text, in two
hexadecimal digits. A reply's text begins with the letter of its question; a refusal's with N and that letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Generic, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)
FRAME: Final = re.compile(rb"@(\d\d)([^@*\r]{1,40})\*([0-9A-F]{2})\r")
LONGEST_BYTES: Final = 48
REFUSALS: Final = {1: "unknown command", 2: "not now", 7: "locked"}


def check_of(body: bytes) -> bytes:
    """Return the two digits that follow address and text."""
    return b"%02X" % reduce(lambda one, other: one ^ other, body, 0)


def frame_of(address: int, text: bytes) -> bytes:
    """Return the whole frame of a text."""
    body = b"%02d%s" % (address, text)
    return b"@%s*%s\r" % (body, check_of(body))


@dataclass(frozen=True, slots=True)
class Status:
    """The reply to ``ReadStatus``."""

    code: str
    flow: str
    set_flow: str
    volume: str
    alarm: str


@dataclass(frozen=True, slots=True)
class _Ask(Generic[R_co]):
    address: int

    @property
    def letter(self) -> bytes:
        """What the reply repeats."""
        raise NotImplementedError

    @property
    def permission(self) -> Permission:
        """Reads change nothing."""
        return Permission.READ

    @property
    def shape(self) -> tuple[object, ...]:
        """Address and letter tell replies apart."""
        return (self.address, self.letter)

    @property
    def refusal_shape(self) -> tuple[object, ...]:
        """A refusal repeats the letter."""
        return (self.address, b"N" + self.letter)

    def to_bytes(self) -> bytes:
        """Return the text of the question."""
        return self.letter

    def _fields(self, frame: bytes, count: int) -> list[str]:
        if frame.startswith(b"N" + self.letter):
            code = int(frame[2:])
            raise DeviceRefusedError(f"address {self.address}: {REFUSALS.get(code, 'refused')}", code)
        fields = frame[1:].decode("ascii").split(",")
        if not frame.startswith(self.letter) or len(fields) != count:
            raise WireError(f"address {self.address}: {frame!r} is no reply to {self.letter!r}")
        return fields


@dataclass(frozen=True, slots=True)
class ReadIdentity(_Ask[tuple[str, str]]):
    """Ask for serial number and firmware."""

    @property
    def letter(self) -> bytes:
        """I."""
        return b"I"

    def parse_reply(self, frame: bytes) -> tuple[str, str]:
        """Return serial number and firmware."""
        serial_number, firmware = self._fields(frame, 2)
        return serial_number, firmware


@dataclass(frozen=True, slots=True)
class ReadStatus(_Ask[Status]):
    """Ask what the pump does."""

    @property
    def letter(self) -> bytes:
        """S."""
        return b"S"

    def parse_reply(self, frame: bytes) -> Status:
        """Return status, rates in 0.1 mL/h, volume in 0.01 mL and alarm, as they came."""
        return Status(*self._fields(frame, 5))


@dataclass(frozen=True, slots=True)
class Halt(_Ask[None]):
    """Stop delivery."""

    @property
    def letter(self) -> bytes:
        """H."""
        return b"H"

    @property
    def permission(self) -> Permission:
        """It stops the pump."""
        return Permission.PAUSE

    def parse_reply(self, frame: bytes) -> None:
        """Check that the pump says so."""
        self._fields(frame, 1)


class AcmeFramer:
    """The asking end."""

    tells_replies_apart = False

    def __init__(self) -> None:
        self.discarded_bytes = 0
        self._buffer = b""
        self._awaited: tuple[Request[object], bytes] | None = None
        self._overdue: list[tuple[Request[object], bytes]] = []
        self._late: list[Request[object]] = []

    def encode(self, request: Request[object]) -> bytes:
        """Return the frame of a question, and look for its reply."""
        self._keep(b"")
        frame = frame_of(request.address or 1, request.to_bytes())
        self._awaited = (request, frame)
        return frame

    def feed(self, data: bytes) -> bytes | None:
        """Return the text of the reply once it is complete."""
        self._buffer += data
        while (found := FRAME.search(self._buffer)) is not None:
            good = check_of(found[1] + found[2]) == found[3]
            rest = self._buffer[found.end() if good else found.start() + 1 :]
            if good and self._answers(self._awaited, found):
                self.discarded_bytes += found.start()
                self._buffer = rest
                self._keep(b"")
                self._awaited = None
                return found[2]
            for overdue in [one for one in self._overdue if good and self._answers(one, found)]:
                self._overdue.remove(overdue)
                self._late.append(overdue[0])
            self._keep(rest)
        last = self._buffer.rfind(b"@")
        undecided = self._buffer[last:] if last >= 0 else b""
        self._keep(undecided if len(undecided) <= LONGEST_BYTES else b"")
        return None

    def give_up(self) -> None:
        """Whatever still comes for the question is late."""
        if self._awaited is not None:
            self._overdue = [*self._overdue[-15:], self._awaited]
            self._awaited = None

    def take_late(self) -> Sequence[Request[object]]:
        """Return the questions whose replies came too late."""
        late, self._late = self._late, []
        return late

    def reset(self) -> None:
        """Forget everything."""
        self._keep(b"")
        self._awaited = None
        self._overdue = []

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how long question and longest reply are."""
        return len(frame_of(1, request.to_bytes())) + LONGEST_BYTES

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:
        """Return 0: the marks part the frames."""
        return 0.0

    def _keep(self, rest: bytes) -> None:
        self.discarded_bytes += len(self._buffer) - len(rest)
        self._buffer = rest

    @staticmethod
    def _answers(asked: tuple[Request[object], bytes] | None, found: re.Match[bytes]) -> bool:
        if asked is None or found[0] == asked[1]:  # our own echo is no reply
            return False
        letter = asked[0].to_bytes()[:1]
        return int(found[1]) == asked[0].address and found[2].startswith((letter, b"N" + letter))


class AcmeServerFramer:
    """The pump's end."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Question]:
        """Return the questions that are complete."""
        self._buffer = (self._buffer + data)[-256:]
        questions = []
        while (found := FRAME.search(self._buffer)) is not None:
            good = check_of(found[1] + found[2]) == found[3]
            self._buffer = self._buffer[found.end() if good else found.start() + 1 :]
            if good:
                questions.append(Question(found[2], address=int(found[1])))
        return questions

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the frame of a reply."""
        return frame_of(question.address, reply)

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question to another pump."""
        return Question(question.payload, address=address)


def judge(frame: bytes) -> tuple[int, Permission]:
    """Read an outgoing frame, digit by digit; WireError for all but I, S and H."""
    may = {ord("I"): Permission.READ, ord("S"): Permission.READ, ord("H"): Permission.PAUSE}
    if (
        len(frame) != 8
        or frame[:1] != b"@"
        or frame[4:5] != b"*"
        or frame[7:] != b"\r"
        or frame[3] not in may
    ):
        raise WireError(f"{frame!r} is no question that may be sent")
    if frame[1] ^ frame[2] ^ frame[3] != int(frame[5:7], 16):
        raise WireError(f"{frame!r}: its check does not agree")
    return int(frame[1:3]), may[frame[3]]


DIALECT: Final = Dialect(
    name="acme-ascii",
    framer=AcmeFramer,
    judge=judge,
    examples=(
        DialectExample(
            "this file: it runs",
            ReadStatus(1),
            b"@01S*52\r",
            b"@01SR,105,105,1234,0*34\r",
            Status("R", "105", "105", "1234", "0"),
        ),
        DialectExample("this file: it halts", Halt(12), b"@12H*4B\r", b"@12HK*00\r", None),
    ),
    never_sent=(b"G",),
    refusals=tuple(REFUSALS),
)
"""G makes the pump go: it is the pump's own affair, and a hand's."""
