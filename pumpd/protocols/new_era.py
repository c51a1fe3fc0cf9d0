"""New Era NE-1000 family and its rebrandings: ASCII on RS-232, up to 100 pumps on one line.

Source: New Era Pump Systems, NE-1000 user manual (publication 1200-01), RS-232 pages 32 to 40, for framing,
status, alarms, errors and the packet ``SAF0``; NESP-Lib 2.0.0 (MIT) for the forms of RAT, DIS and VER.
Basic mode: ``[address]COMMAND`` and a carriage return; the reply is STX, two digits of address, a status
letter (or ``A?`` and an alarm's), data, ETX: no check. Safe mode: STX, length, text, CRC-16/XMODEM, ETX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.checksums import crc16_ccitt
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

REFUSALS: Final = {1: "?", 2: "?NA", 3: "?OOR", 4: "?COM", 5: "?IGN"}
"""Our numbers -> what the pump says: unknown, not now, out of range, bad packet, ignored (a new phase)."""
REFUSED_AS: Final = {
    "?": "unknown command",
    "?NA": "not now",
    "?OOR": "out of range",
    "?COM": "bad packet; in safe mode every line is one: have SAF taken off at the pump",
    "?IGN": "ignored, a new phase had begun",
}
_REPLY: Final = re.compile(rb"(\d\d)(A\?[A-Z]|[A-Z])([^\x00-\x1f]{0,24})")
_BASIC: Final = re.compile(rb"\x02" + _REPLY.pattern + rb"\x03")
_SAFE_EXTRA: Final = 4
"""Length byte, CRC and ETX: what the length counts beside the text."""


@dataclass(frozen=True, slots=True)
class Said:
    """Any reply: what the pump does, and what was asked for (empty with an alarm)."""

    status: str
    """One letter; ``A?`` and a letter for an alarm, which is told once, instead of what was asked."""
    data: str = ""


@dataclass(frozen=True, slots=True)
class _Command(Ask[R_co]):
    """One command; in safe mode it travels in a packet."""

    safe: bool = False

    @property
    def text(self) -> str:
        """What follows the address."""
        return ""

    @property
    def answered_safely(self) -> bool:
        """Whether the reply is a packet too."""
        return self.safe

    @property
    def form(self) -> str:
        """How the data of a good reply look, as a pattern."""
        return ""

    @property
    def shape(self) -> tuple[object, ...]:
        """Whose it is and how it looks: a reply does not name its question."""
        return (self.address, self.form)

    def to_bytes(self) -> bytes:
        """Return the text of the command."""
        return self.text.encode()

    def parse_reply(self, frame: bytes) -> R_co:
        """Return what the answer means."""
        raise NotImplementedError

    def said(self, frame: bytes) -> Said:
        """Return what was said; DeviceRefusedError with our number of the refusal."""
        found = _REPLY.fullmatch(frame)
        if found is None:
            raise WireError(f"address {self.address}: {frame!r} is no reply")
        status, data = found[2].decode("ascii"), found[3].decode("ascii", "replace")
        if data.startswith("?"):
            code = next((code for code, said in REFUSALS.items() if said == data), None)
            why = REFUSED_AS.get(data, data)
            raise DeviceRefusedError(f"address {self.address}: {self.text or 'status'}: {why}", code)
        return Said(status, data)


class Command(_Command[Said]):
    """A command whose answer is what the pump says."""

    def parse_reply(self, frame: bytes) -> Said:
        """Return what was said; DeviceRefusedError with our number of the refusal."""
        return self.said(frame)


class ReadRate(Command):
    """Ask for the rate."""

    text = "RAT"
    form = "[0-9.]{1,8}[A-Z]{2}"


class ReadDispensed(Command):
    """Ask what was infused and withdrawn."""

    text = "DIS"
    form = "I[0-9.]{1,8}W[0-9.]{1,8}[A-Z]{2}"


class ReadVersion(Command):
    """Ask for model and firmware."""

    text = "VER"
    form = "NE[0-9]+[A-Z0-9]*V[0-9.]+"


class Stop(Command):
    """Stop: the first pauses the programme, a second ends it; nothing flows in either."""

    text = "STP"
    permission = Permission.PAUSE


@dataclass(frozen=True, slots=True)
class SetRate(_Command[None]):
    """Set the rate of a running pump, a number in the unit that it has; it is not stored."""

    number: str = ""

    @property
    def text(self) -> str:
        """The number follows."""
        return f"RAT{self.number}"

    @property
    def permission(self) -> Permission:
        """It is written only to lower."""
        return Permission.LOWER

    def parse_reply(self, frame: bytes) -> None:
        """DeviceRefusedError when it was refused, or when an alarm was told instead and nothing was done."""
        said = self.said(frame)
        if said.status.startswith("A?"):
            raise DeviceRefusedError(f"address {self.address}: {said.status} instead of an answer")


@dataclass(frozen=True, slots=True)
class SetDeadMan(Command):
    """Stop after so many seconds without a valid packet, and speak in packets; 0: never, and basic mode."""

    seconds: int = 0

    @property
    def text(self) -> str:
        """The seconds follow."""
        return f"SAF{self.seconds}"

    @property
    def answered_safely(self) -> bool:
        """With 0 the reply is in basic mode already."""
        return self.seconds > 0

    @property
    def permission(self) -> Permission:
        """It changes how one speaks."""
        return Permission.LINK


def packet(text: bytes) -> bytes:
    """Return the packet of safe mode."""
    return b"\x02" + bytes((len(text) + _SAFE_EXTRA,)) + text + crc16_ccitt(text, 0).to_bytes(2) + b"\x03"


def unpacked(data: bytes) -> Span | None:
    """Return the first good packet of safe mode and its text."""
    at = data.find(b"\x02")
    while 0 <= at < len(data) - 1:
        end = at + 1 + data[at + 1]
        text, crc = data[at + 2 : end - 3], data[end - 3 : end - 1]
        if data[end - 1 : end] == b"\x03" and len(text) and crc16_ccitt(text, 0).to_bytes(2) == crc:
            return Span((at, end), text)
        at = data.find(b"\x02", at + 1)
    return None


class NewEraFramer(SeekingFramer):
    """The asking end."""

    longest_bytes = 40

    def frame(self, request: Request[object]) -> bytes:
        """Return the line of a command, or its packet."""
        text = b"%d%s" % (request.address or 0, request.to_bytes())
        return packet(text) if getattr(request, "safe", False) else text + b"\r"

    def search(self, data: bytes) -> Span | None:
        """Return the first good frame: a packet while we speak in packets."""
        if isinstance(self._awaited, _Command) and self._awaited.answered_safely:
            return unpacked(data)
        found = _BASIC.search(data)
        return None if found is None else Span(found.span(), found[0][1:-1])

    def begins(self, data: bytes) -> int:
        """Return where STX is."""
        at = data.find(b"\x02")
        return at if at >= 0 else len(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it comes from there and looks like it, or refuses, or tells an alarm."""
        found = _REPLY.fullmatch(payload)
        if found is None or int(found[1]) != request.address or not isinstance(request, _Command):
            return False
        data = found[3].decode("ascii", "replace")
        if found[2].startswith(b"A?"):
            return not data
        return data.startswith("?") or re.fullmatch(request.form, data) is not None


class NewEraServer(SeekingServer):
    """The pump's end: it takes lines, and packets too; what came in a packet keeps its STX in front."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first command, without spaces, control characters and small letters."""
        safe, line_end = unpacked(data), data.find(b"\r")
        if safe is not None and (line_end < 0 or safe.bounds[0] <= line_end):
            text, end, mark = safe.payload, safe.bounds[1], b"\x02"
        elif line_end >= 0:
            text, end, mark = data[:line_end].rpartition(b"\x02")[2], line_end + 1, b""
        else:
            return None
        plain = bytes(byte for byte in text if 0x20 < byte < 0x7F).upper()
        command = plain.lstrip(b"0123456789")
        address = plain[: len(plain) - len(command)][-2:]
        return Question(mark + command, address=int(address or 0)), end

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return a reply as its question came; SAF0 in a packet is answered in basic mode already."""
        text = b"%02d%s" % (question.address or 0, reply)
        if question.payload.startswith(b"\x02") and question.payload != b"\x02SAF0":
            return packet(text)
        return b"\x02" + text + b"\x03"


def judge(frame: bytes) -> tuple[int | None, Permission]:
    """Read an outgoing frame; WireError for all but the five commands that are ever sent."""
    if frame[:1] == b"\x02":
        length = frame[1] if len(frame) > 1 else 0
        if len(frame) != length + 1 or frame[-1:] != b"\x03" or crc16_ccitt(frame[2:-1], 0) != 0:
            raise WireError(f"{frame!r} is no whole packet")
        text = frame[2:-3]
    else:
        text = frame[:-1]
    found = re.fullmatch(rb"(\d{1,2})(RAT|DIS|VER|STP|RAT[0-9.]{1,5}|SAF\d{1,3})", text)
    if found is None or (frame[:1] != b"\x02" and frame[-1:] != b"\r"):
        raise WireError(f"{frame!r} is no command that may be sent")
    if found[2] in {b"RAT", b"DIS", b"VER"}:
        return int(found[1]), Permission.READ
    changes = {b"STP": Permission.PAUSE, b"SAF": Permission.LINK, b"RAT": Permission.LOWER}
    return int(found[1]), changes[found[2][:3]]


EXAMPLES: Final = (
    DialectExample(
        "NE-1000 manual 1200-01, basic mode: 0RAT",
        ReadRate(0),
        b"0RAT\r",
        b"\x0200S1.000MH\x03",
        Said("S", "1.000MH"),
    ),
    DialectExample(
        "NE-1000 manual 1200-01, alarms: stalled", ReadDispensed(7), b"7DIS\r", b"\x0207A?S\x03", Said("A?S")
    ),
    DialectExample(
        "NESP-Lib 2.0.0, SAF0 in a packet",
        SetDeadMan(0, safe=True),
        bytes.fromhex("02 09 30 53 41 46 30 59 AD 03"),
        b"\x0200S\x03",
        Said("S"),
    ),
)
PACKETS: Final = ((b"SAF0", bytes.fromhex("02 08 53 41 46 30 55 43 03")),)
"""(text, packet) as the manual prints it: back to basic mode, whatever the address."""

DIALECT: Final = Dialect(
    name="new-era",
    framer=NewEraFramer,
    judge=judge,
    examples=EXAMPLES,
    never_sent=(b"RUN", b"PUR", b"RAT5MH", b"VOL1", b"DIRREV", b"CLDINF", b"*RESET"),
    refusals=tuple(REFUSALS),
    addresses=range(100),
    questions=NewEraServer,
    baud=19200,
)
"""RUN and PUR make it go, a rate with a unit may be a raise, and the others change what it will do."""
