"""Zyno Medical MIVA and Nimbus ambulatory infusion pumps: ASCII messages, one pump on each line.

Source: pyZynoUnifiedDrivers 0.0.9 (MIT, Zyno Medical), the maker's own client: miva/module_miva.py for
commands and event log, miva/module_utils.py for the check. No manual and no recorded frame was found.

STX, text, two hex digits of check, ETX, both ways. The check is the sum of the text modulo 256, and in
"Nimbus unified H" its exclusive or. A reply repeats the two letters of its question; one that begins with
``:`` is answered with a bare value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request
from pumpd.protocols.zyno_frame import Check, first_frame, frame_of, summed, xored

R_co = TypeVar("R_co", covariant=True)

RING: Final = 0xA900
"""Entries of the event log; its indices go round."""
_HEX: Final = "[0-9A-F]{1,8}"
FORMS: Final = {
    "RN": "[ -~]{8}",
    "RS": "[ -~]{1,32}",
    "RI": "[0-9A-F]{16}",
    "Q0": "[A-Z0-9 _-]{1,16}",
    "Q4": "[A-Z/]{1,12}",
    "Q5": _HEX,
    "Q7": "[0-9A-F]",
    "Q8": _HEX,
    ":INFU:RUN?": "(?!R[NS])[A-Z]{4,12}",
    ":INFU:RATE?": r"[0-9]{1,5}(\.[0-9]{1,3})?",
}
"""What is ever read -> how the data of its reply look; no bare value looks like a reply to something else."""
REFUSED: Final = "ERROR"


class Event(NamedTuple):
    """One entry of the event log."""

    kind: int
    sub: int
    at_s: int
    """On the pump's own clock, which began when its firmware was loaded."""


@dataclass(frozen=True, slots=True)
class _Command(Ask[R_co]):
    @property
    def text(self) -> str:
        """What is sent."""
        raise NotImplementedError

    @property
    def echoed(self) -> str:
        """How the reply begins."""
        return self.text[:2]

    @property
    def form(self) -> str:
        """How what follows looks, as a pattern."""
        return ""

    @property
    def shape(self) -> tuple[object, ...]:
        """What it repeats, or how a bare value looks."""
        return (self.address, self.echoed, self.form)

    def to_bytes(self) -> bytes:
        """Return the text."""
        return self.text.encode()

    def parse_reply(self, frame: bytes) -> R_co:
        """Return what the reply means."""
        raise NotImplementedError

    def data(self, frame: bytes) -> str:
        """Return what follows the echo; DeviceRefusedError, with our number 1, for a refusal."""
        said = frame.decode("ascii", "replace")
        data = said.removeprefix(self.echoed)
        if data == REFUSED:
            raise DeviceRefusedError(f"{self.text}: {said}", 1)
        if not said.startswith(self.echoed) or re.fullmatch(self.form, data) is None:
            raise WireError(f"{frame!r} is no reply to {self.text}")
        return data


@dataclass(frozen=True, slots=True)
class Read(_Command[str]):
    """Ask for one of ``FORMS``."""

    name: str = "RN"

    @property
    def text(self) -> str:
        """The name is all."""
        return self.name

    @property
    def echoed(self) -> str:
        """A question with a colon is answered with a bare value."""
        return "" if self.name.startswith(":") else self.name

    @property
    def form(self) -> str:
        """KeyError for what is never read."""
        return FORMS[self.name]

    def parse_reply(self, frame: bytes) -> str:
        """Return the value as it came."""
        return self.data(frame)


@dataclass(frozen=True, slots=True)
class ReadEvent(_Command[Event]):
    """Ask for one entry of the event log; the reply repeats its index."""

    at: int = 0
    form = "[0-9A-F]{32}"

    @property
    def text(self) -> str:
        """The index in eight digits."""
        return f"RE{self.at:08X}"

    @property
    def echoed(self) -> str:
        """All of it."""
        return self.text

    def parse_reply(self, frame: bytes) -> Event:
        """Return kind, the low 28 bits of its little-endian time, and sub-type."""
        entry = bytes.fromhex(self.data(frame))
        return Event(entry[0], int.from_bytes(entry[5:7]), int.from_bytes(entry[1:5], "little") & 0xFFF_FFFF)


class Quiet(_Command[None]):
    """Have it send no snapshots unasked."""

    text = "W00"
    permission = Permission.LINK

    def parse_reply(self, frame: bytes) -> None:
        """The echo is all."""
        self.data(frame)


class Stop(_Command[None]):
    """Stop the infusion; the same letters with 01 run it, so the whole text is read again before it goes."""

    text = "WT02"
    permission = Permission.PAUSE

    def parse_reply(self, frame: bytes) -> None:
        """The echo says that it was heard; a reading tells whether it is so."""
        self.data(frame)


class ZynoFramer(SeekingFramer):
    """The asking end."""

    longest_bytes = 48

    def __init__(self, check: Check = summed) -> None:
        super().__init__()
        self._check = check

    def frame(self, request: Request[object]) -> bytes:
        """Return the frame of a message."""
        return frame_of(request.to_bytes(), self._check)

    def search(self, data: bytes) -> Span | None:
        """Return the first good frame."""
        return first_frame(data, self._check)

    def begins(self, data: bytes) -> int:
        """Return where the last STX is, unless something ended it."""
        at = data.rfind(b"\x02")
        return at if at >= 0 and all(0x20 <= byte < 0x7F for byte in data[at + 1 :]) else len(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it repeats what it must and looks like its value, or refuses."""
        try:
            return isinstance(request, _Command) and request.data(payload) is not None
        except DeviceRefusedError:
            return True
        except WireError:
            return False


class ZynoServer(SeekingServer):
    """The pump's end."""

    def __init__(self, check: Check = summed) -> None:
        super().__init__()
        self._check = check

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first good message."""
        found = first_frame(data, self._check)
        return None if found is None else (Question(found.payload), found.bounds[1])

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the frame of a reply."""
        del question
        return frame_of(reply, self._check)


_READS: Final = re.compile(rb"RN|RS|RI|RE0000[0-9A-F]{4}|Q[04578]|:INFU:(?:RUN|RATE)\?")


def judge(frame: bytes, check: Check) -> tuple[int | None, Permission]:
    """Read an outgoing message; WireError for all but reads, the stop, and the end of snapshots."""
    text = frame[1:-3]
    if frame[:1] + frame[-3:] != b"\x02%02X\x03" % check(text):
        raise WireError(f"{frame!r} is no whole message")
    if _READS.fullmatch(text):
        return 1, Permission.READ
    changes = {b"WT02": Permission.PAUSE, b"W00": Permission.LINK}
    if text not in changes:
        raise WireError(f"{frame!r} is no message that may be sent")
    return 1, changes[text]


_CLIENT: Final = "pyZynoUnifiedDrivers 0.0.9, miva/module_miva.py, "
EXAMPLES: Final[tuple[tuple[str, _Command[object], str, object], ...]] = (
    ("get_pump_sn", Read(1, "RN"), "RNSN800008", "SN800008"),
    ("get_infusion_vinf", Read(1, "Q5"), "Q5000004D2", "000004D2"),
    ("get_infusion_mode", Read(1, "Q0"), "Q0CONT", "CONT"),
    ("send_command", Read(1, ":INFU:RUN?"), "TRUE", "TRUE"),
    ("send_command", Read(1, ":INFU:RATE?"), "10.50", "10.50"),
    ("get_occlusion_type", ReadEvent(1, 1), f"RE00000001{'09500000000002':0<32}", Event(9, 2, 80)),
    ("disable_s9_command", Quiet(1), "W0", None),
    ("trigger_stop_infusion", Stop(1), "WT", None),
)
"""(where the client reads it, question, text of the reply, meaning); each is a frame with either check."""


def _examples(check: Check) -> tuple[DialectExample, ...]:
    return tuple(
        DialectExample(
            _CLIENT + where,
            request,
            frame_of(request.to_bytes(), check),
            frame_of(reply.encode(), check),
            meaning,
        )
        for where, request, reply, meaning in EXAMPLES
    )


def _dialect(name: str, check: Check) -> Dialect:
    return Dialect(
        name=name,
        framer=partial(ZynoFramer, check),
        judge=partial(judge, check=check),
        examples=_examples(check),
        never_sent=(
            *(b"WT01", b"WT00", b"W01", b"KE61", b"KE71", b"KE81", b"WR", b"WN12345678", b"WC010126000000"),
            *(b"LI", b"LS", b"LC", b"LB", b"LE", b"LW", b"LA", b"LR", b"W11234", b":PROT:RATE 20.0"),
        ),
        refusals=(1,),
        addresses=range(1, 2),
        questions=partial(ZynoServer, check),
    )


MIVA: Final = _dialect("zyno-miva", summed)
NIMBUS_H: Final = _dialect("zyno-nimbus-h", xored)
"""Runs and power, keys, resets, clock, serial number, prescriptions and libraries are never sent."""
