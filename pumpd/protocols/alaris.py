"""BD / CareFusion Alaris "Asena" syringe pumps (GH, TIVA): ASCII messages with a CRC, one pump on each line.

Source: infupy 2022.1.11 (ISC), backends/alaris.py, and OpenICE (BSD-2), devices/alaris/Asena.java: two
projects that agree, with frames recorded from pumps (Asena Rev 2.1.5); no document of the maker was found.

``!NAME^field^field|CCCC`` and a carriage return; CCCC is CRC-16/IBM-3740 of all between ``!`` and ``|``.
A reply begins with the name of its question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.alaris_frame import first_message, frame_of
from pumpd.protocols.checksums import crc16_ccitt
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

_INF_FIELDS: Final = 14


@dataclass(frozen=True, slots=True)
class Infusion:
    """The reply to ``ReadInfusion``, as it came."""

    serial_number: str
    alarm: str
    """``-`` for none, ``A`` for one."""
    mode: str
    rate_ml_h: str
    volume_ml: str
    pressure_mmhg: str


class Command(Ask[R_co]):
    """One message."""

    @property
    def body(self) -> str:
        """Name and fields."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[object, ...]:
        """The name of the reply, and of a command that is echoed what it echoes."""
        return (self.address, self.echoed)

    @property
    def echoed(self) -> str:
        """How a reply begins."""
        return self.body.partition("^")[0]

    def to_bytes(self) -> bytes:
        """Return the message without mark and CRC."""
        return self.body.encode()

    def fields(self, frame: bytes, most: int) -> list[str]:
        """Return up to ``most`` fields behind the name; WireError when there are fewer."""
        name, *found = frame.decode("ascii", "replace").split("^")
        if name == self.body.partition("^")[0] and len(found) >= most:
            return found[:most]
        raise WireError(f"{frame!r} is no reply to {self.body}")


class _ReadOne(Command[str]):
    def parse_reply(self, frame: bytes) -> str:
        """Return the first field."""
        return self.fields(frame, 1)[0]


class ReadProtocol(_ReadOne):
    """Ask for the protocol's revision."""

    body = "COMMS_PROTOCOL"


class ReadSerial(_ReadOne):
    """Ask for the serial number."""

    body = "INST_SERIALNO"


class ReadAlarm(_ReadOne):
    """Ask for the alarm; ``AL_NOALM`` for none."""

    body = "ALARM"


class ReadRate(_ReadOne):
    """Ask for the rate that is set, in mL/h."""

    body = "INF_RATE"


class ReadInfusion(Command[Infusion]):
    """Ask for mode, rate, volume and pressure at once."""

    body = "INF"

    def parse_reply(self, frame: bytes) -> Infusion:
        """Return them; WireError for other units than those recorded."""
        told = self.fields(frame, _INF_FIELDS - 1)
        if (told[4], told[7], told[9]) != ("ml/h", "ml", "mmHg"):
            raise WireError(f"{frame!r}: other units than mL/h, mL and mmHg")
        return Infusion(told[0], told[1], told[2], told[3], told[6], told[8])


@dataclass(frozen=True, slots=True)
class Remote(Command[None]):
    """Take control or give it back; ``code`` is ``code_of`` the serial number, "" gives it back."""

    name: str = "REMOTE_CTRL"
    code: str = ""

    @property
    def body(self) -> str:
        """The code goes with taking it."""
        return f"{self.name}^ENABLED^{self.code}" if self.code else f"{self.name}^DISABLED"

    @property
    def echoed(self) -> str:
        """Taking and giving back are answered differently."""
        return f"{self.name}^{'ENABLED' if self.code else 'DISABLED'}"

    @property
    def permission(self) -> Permission:
        """Upkeep of a session."""
        return Permission.LINK

    def parse_reply(self, frame: bytes) -> None:
        """DeviceRefusedError unless it is permitted."""
        if self.code and "PERMIT" not in self.fields(frame, 1) + frame.decode("ascii", "replace").split("^"):
            raise DeviceRefusedError(f"remote control is not permitted: {frame!r}")


class Stop(Command[None]):
    """Stop the infusion; works under remote control."""

    body = "INF_STOP"
    permission = Permission.PAUSE

    def parse_reply(self, frame: bytes) -> None:
        """The echo is the confirmation; a reading tells whether it is so."""
        self.fields(frame, 0)


@dataclass(frozen=True, slots=True)
class SetRate(Command[None]):
    """Set the rate, in hundredths of a millilitre an hour; works under remote control."""

    centi_ml_h: int = 0

    @property
    def number(self) -> str:
        """As the pump writes it."""
        return f"{self.centi_ml_h // 100}.{self.centi_ml_h % 100:02}"

    @property
    def body(self) -> str:
        """The CRC is of the text, so two decimals always."""
        return f"INF_RATE^{self.number}^ml/h"

    @property
    def permission(self) -> Permission:
        """It is written only to lower."""
        return Permission.LOWER

    def parse_reply(self, frame: bytes) -> None:
        """DeviceRefusedError when the pump kept another rate."""
        kept = self.fields(frame, 1)[0]
        if kept != self.number:
            raise DeviceRefusedError(f"asked for {self.number} mL/h, it kept {kept}")


class AlarisFramer(SeekingFramer):
    """The asking end."""

    longest_bytes = 180

    def frame(self, request: Request[object]) -> bytes:
        """Return the frame of a message."""
        return frame_of(request.to_bytes())

    def search(self, data: bytes) -> Span | None:
        """Return the first good message."""
        return first_message(data)

    def begins(self, data: bytes) -> int:
        """Return where the last mark is, unless the pump broke off behind it."""
        at = data.rfind(b"!")
        return at if at >= 0 and not {0x1B, 0x0D} & set(data[at:]) else len(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it repeats the name, and what else it must."""
        return isinstance(request, Command) and f"{payload.decode('ascii', 'replace')}^".startswith(
            f"{request.echoed}^"
        )


class AlarisServer(SeekingServer):
    """The pump's end."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first good message."""
        found = first_message(data)
        return None if found is None else (Question(found.payload), found.bounds[1])

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the frame of a reply."""
        del question
        return frame_of(reply)


_READS: Final = frozenset({"COMMS_PROTOCOL", "INST_SERIALNO", "INF", "INF_RATE", "ALARM"})


def judge(frame: bytes) -> tuple[int | None, Permission]:
    """Read an outgoing message; WireError for all but reads, remote control, a stop and a rate."""
    body, mark, check = frame[1:].decode("ascii", "replace").rpartition("|")
    if frame[:1] != b"!" or not mark or check != f"{crc16_ccitt(body.encode(), 0xFFFF):04X}\r":
        raise WireError(f"{frame!r} is no whole message")
    if body in _READS:
        return 1, Permission.READ
    if body == "INF_STOP":
        return 1, Permission.PAUSE
    if re.fullmatch(r"REMOTE_(CTRL|CFG)\^(DISABLED|ENABLED\^[0-9A-F]{4})", body):
        return 1, Permission.LINK
    if re.fullmatch(r"INF_RATE\^[0-9]{1,4}\.[0-9]{2}\^ml/h", body):
        return 1, Permission.LOWER
    raise WireError(f"{frame!r} is no message that may be sent")


def _example(
    source: str, request: Request[object], sent: str, received: str, meaning: object
) -> DialectExample:
    return DialectExample(source, request, sent.encode() + b"\r", received.encode() + b"\r", meaning)


_RECORDED: Final = "frames recorded by OpenICE and MDDT, Asena Rev 2.1.5"
EXAMPLES: Final = (
    _example(
        _RECORDED,
        ReadProtocol(1),
        "!COMMS_PROTOCOL|E8DA",
        "!COMMS_PROTOCOL^Asena Rev 2.1.5|661A",
        "Asena Rev 2.1.5",
    ),
    _example(_RECORDED, ReadSerial(1), "!INST_SERIALNO|457D", "!INST_SERIALNO^8002-51740|050B", "8002-51740"),
    _example(_RECORDED, ReadAlarm(1), "!ALARM|50B2", "!ALARM^AL_NOALM^ ^ |C73B", "AL_NOALM"),
    _example(
        _RECORDED,
        ReadInfusion(1),
        "!INF|4961",
        "!INF^8002-51733^A^HLD^0.00^ml/h^^0.969^ml^530.15^mmHg^00:04:09^EVENT^214725|DB9D",
        Infusion("8002-51733", "A", "HLD", "0.00", "0.969", "530.15"),
    ),
    _example(
        _RECORDED,
        Remote(1, code="3CC1"),
        "!REMOTE_CTRL^ENABLED^3CC1|B1F1",
        "!REMOTE_CTRL^ENABLED^****^PERMIT^0^ms|7BB0",
        None,
    ),
    _example(
        _RECORDED,
        Remote(1),
        "!REMOTE_CTRL^DISABLED|EF95",
        "!REMOTE_CTRL^DISABLED^****^PERMIT^0^ms|3C5D",
        None,
    ),
    _example(_RECORDED, Stop(1), "!INF_STOP|CD57", "!INF_STOP|CD57", None),
    _example(
        "infupy and OpenICE",
        SetRate(1, centi_ml_h=350),
        "!INF_RATE^3.50^ml/h|3885",
        "!INF_RATE^3.50^ml/h|3885",
        None,
    ),
)
DIALECT: Final = Dialect(
    name="alaris",
    framer=AlarisFramer,
    judge=judge,
    examples=EXAMPLES,
    never_sent=(
        *(b"INF_START", b"INF_BOLUS^ENABLED", b"INF_VI_CLEAR", b"INF_VTBI^DEACT"),
        *(b"INF_VTBI^ACTIV^11.000^ml^STOP", b"REMQUERY^DEACT"),
    ),
    refusals=(),
    addresses=range(1, 2),
    questions=AlarisServer,
    baud=38400,
)
"""No refusal of a reading was ever recorded; remote control that is not permitted is one of its own."""
