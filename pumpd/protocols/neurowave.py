"""NeuroWave AP-4000 two-channel pumps: ASCII messages with a sum, one pump on each line.

Source: MDDT (BSD-2, github.com/mickeywstahl/MDDT), interop-lab/demo-devices, devices/neurowave/AP4000.java,
with three frames recorded from pumps; no document of the maker was found.

``!NAME^field^field|SSSS``, carriage return, line feed; SSSS is the plain sum of all from ``!`` to ``|``,
both included. A reply begins with the name of its question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

NONE: Final = "-1"
"""What stands for no value, and in an order for a channel that is left alone."""
_FRAME: Final = re.compile(rb"!([^!|\r\n\x80-\xff]{1,980})\|([0-9A-F]{4})\r\n")
_NAMES: Final = r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,39}"
_ALARMS_AT, _ALARMS, _ALARM_FIELDS = 14, 4, 4
_FIRST_AT, _CHANNEL_FIELDS = 34, 33
_FIELDS: Final = _FIRST_AT + 2 * _CHANNEL_FIELDS - 3
"""Up to the last field that is known of the second channel; some more follow."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The reply to ``Connect``."""

    system_id: str
    software: str = ""
    """Told from v0.2 on."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, as it came."""

    code: str
    device: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel, as it came; ``-1`` is no value."""

    serial_number: str
    rate_ml_h: str
    volume_ml: str
    left_ml: str


@dataclass(frozen=True, slots=True)
class Status:
    """The reply to ``ReadStatus``."""

    case_id: str
    state: str
    alarms: tuple[Alarm, ...]
    channels: tuple[Channel, Channel]


class _Command(Ask[R_co]):
    @property
    def body(self) -> str:
        """Name and fields."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[object, ...]:
        """The name of the reply."""
        return (self.address, self.name)

    @property
    def name(self) -> str:
        """How a reply begins."""
        return self.body.partition("^")[0]

    def to_bytes(self) -> bytes:
        """Return the message without marks and sum."""
        return self.body.encode()

    def fields(self, frame: bytes, least: int) -> list[str]:
        """Return the fields, the name first; WireError for another reply or fewer than ``least``."""
        found = frame.decode("ascii", "replace").split("^")
        if found[0] != self.name or len(found) < least:
            raise WireError(f"{frame!r} is no reply to {self.name}")
        return found


class Connect(_Command[Connected]):
    """Ask who is there."""

    body = "CONNREQ"

    def parse_reply(self, frame: bytes) -> Connected:
        """Return it; WireError for a version that is not known, or an id that can not be asked."""
        told = self.fields(frame, 2)
        if len(told) > 2 and not named(told[2]):
            raise WireError(f"{frame!r}: {told[2]!r} can not be a system's id")
        if told[1] == "0.1" and len(told) == 5:
            return Connected(told[2])
        if told[1] == "v0.2" and len(told) == 7:
            return Connected(told[2], told[3])
        raise WireError(f"{frame!r}: version {told[1]} is not known")


@dataclass(frozen=True, slots=True)
class ReadStatus(_Command[Status]):
    """Ask for everything at once."""

    system_id: str = ""

    @property
    def body(self) -> str:
        """It is asked of a system."""
        return f"STATREQ^{self.system_id}"

    def parse_reply(self, frame: bytes) -> Status:
        """Return what is known of it."""
        told = self.fields(frame, _FIELDS)
        count = int(told[12]) if re.fullmatch("-1|[0-4]", told[12]) else _ALARMS
        starts = [_ALARMS_AT + _ALARM_FIELDS * at for at in range(max(0, count))]
        alarms = tuple(Alarm(*told[at : at + 2]) for at in starts)
        if told[12] not in {NONE, *"01234"}:
            alarms = (*(a for a in alarms if a.code not in {"", NONE}), Alarm(f"count {told[12]}", ""))
        one, two = (self._channel(told[_FIRST_AT + n * _CHANNEL_FIELDS :]) for n in range(2))
        return Status(told[6], told[11], alarms, (one, two))

    @staticmethod
    def _channel(told: list[str]) -> Channel:
        return Channel(told[0], rate_ml_h=told[27], volume_ml=told[22], left_ml=told[24])


@dataclass(frozen=True, slots=True)
class TakeControl(_Command[str]):
    """Ask for a key; it is good for 120 s, and gone without a word then."""

    system_id: str = ""
    case_id: str = ""
    serial_numbers: tuple[str, str] = ("", "")
    permission = Permission.LINK

    @property
    def body(self) -> str:
        """System, case, and both channels."""
        return "^".join(["CNTLREQ", self.system_id, self.case_id, *self.serial_numbers])

    def parse_reply(self, frame: bytes) -> str:
        """Return the key; DeviceRefusedError when there is none."""
        key = self.fields(frame, 1)[3:4]
        if not key or re.fullmatch(_NAMES, key[0]) is None:
            raise DeviceRefusedError(f"control is not given: {frame!r}")
        return key[0]


@dataclass(frozen=True, slots=True)
class Pause(_Command[None]):
    """Pause one channel, and leave the other one alone."""

    key: str = ""
    serial_numbers: tuple[str, str] = ("", "")
    number: int = 1
    permission = Permission.PAUSE

    @property
    def body(self) -> str:
        """1 pauses."""
        orders = ("1", NONE) if self.number == 1 else (NONE, "1")
        pairs = zip(self.serial_numbers, orders, strict=True)
        return "^".join(["INFPAUS", self.key, *(part for pair in pairs for part in pair)])

    def parse_reply(self, frame: bytes) -> None:
        """The name is all that is known of it; a reading tells whether it is so."""
        self.fields(frame, 1)


def named(text: str) -> bool:
    """Return whether a text that the pump told may stand in an order."""
    return re.fullmatch(_NAMES, text) is not None


def frame_of(body: bytes) -> bytes:
    """Return the whole frame of a message."""
    marked = b"!%s|" % body
    return b"%s%04X\r\n" % (marked, sum(marked) & 0xFFFF)


def first_message(data: bytes) -> Span | None:
    """Return the first whole, undamaged message."""
    for found in _FRAME.finditer(data):
        if b"%04X" % (sum(b"!%s|" % found[1]) & 0xFFFF) == found[2]:
            return Span(found.span(), found[1])
    return None


class NeuroWaveFramer(SeekingFramer):
    """The asking end."""

    longest_bytes = 988

    def frame(self, request: Request[object]) -> bytes:
        """Return the frame of a message."""
        return frame_of(request.to_bytes())

    def search(self, data: bytes) -> Span | None:
        """Return the first good message."""
        return first_message(data)

    def begins(self, data: bytes) -> int:
        """Return where the last mark is, unless a line ended behind it."""
        at = data.rfind(b"!")
        return at if at >= 0 and b"\n" not in data[at:] else len(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it repeats the name."""
        return isinstance(request, _Command) and payload.split(b"^")[0] == request.name.encode()


class NeuroWaveServer(SeekingServer):
    """The pump's end."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first good message."""
        found = first_message(data)
        return None if found is None else (Question(found.payload), found.bounds[1])

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the frame of a reply."""
        del question
        return frame_of(reply)


_SENT: Final = (
    (re.compile(rf"CONNREQ|STATREQ\^{_NAMES}"), Permission.READ),
    (re.compile(rf"CNTLREQ(\^{_NAMES}){{4}}"), Permission.LINK),
    (re.compile(rf"INFPAUS(\^{_NAMES}){{2}}\^(1\^{_NAMES}\^-1|-1\^{_NAMES}\^1)"), Permission.PAUSE),
)


def judge(frame: bytes) -> tuple[int | None, Permission]:
    """Read an outgoing message; WireError for all but reads, control, and a pause of one channel."""
    body, mark, check = frame[1:].decode("ascii", "replace").rpartition("|")
    if frame[:1] != b"!" or not mark or check != f"{sum(frame[:-6]) & 0xFFFF:04X}\r\n":
        raise WireError(f"{frame!r} is no whole message")
    for form, permission in _SENT:
        if form.fullmatch(body):
            return 1, permission
    raise WireError(f"{frame!r} is no message that may be sent")


_RECORDED: Final = "frame recorded by MDDT, AP4000.java, doInitCommands, protocol "
EXAMPLES: Final = tuple(
    DialectExample(_RECORDED + version, Connect(1), b"!CONNREQ|02B3\r\n", received, meaning)
    for version, received, meaning in (
        (
            "0.1",
            b"!CONNREQ^0.1^032-19-50-014^2022-11-04^11:10:36.067|0B8B\r\n",
            Connected("032-19-50-014"),
        ),
        (
            "v0.2",
            b"!CONNREQ^v0.2^066-22-20-003^v0.1.0.8218^v1.0^2022-11-04^11:59:44.217|102C\r\n",
            Connected("066-22-20-003", "v0.1.0.8218"),
        ),
    )
)
DIALECT: Final = Dialect(
    name="neurowave-ap4000",
    framer=NeuroWaveFramer,
    judge=judge,
    examples=EXAMPLES,
    never_sent=(
        *(b"INFRESM^KEY1^SIM-1^1^SIM-2^-1", b"INFRESM^KEY1^SIM-1^-1^SIM-2^1"),
        *(b"INFPROG^KEY1^SIM-1^5^-1^-1^-1^SIM-2^-1^-1^-1^-1", b"INFPAUS^KEY1^SIM-1^0^SIM-2^-1"),
    ),
    refusals=(),
    baud=115200,
    addresses=range(1, 2),
)
"""A resume and a programme make it go; a pause says 1. No refusal of anything was ever recorded."""
