"""Harvard Apparatus Pump 11 Elite and PHD Ultra, KD Scientific Legato: ASCII lines with a prompt behind.

Source: Harvard Apparatus, Pump 11 Elite manual 5420-002 Rev C, remote commands; for the PHD Ultra and Legato
its manual 5419-002 and flowchem (MIT). The Elite takes its address without a colon, the others with one.

Command and carriage return; the reply is any number of ``LF [aa:]text CR``, then ``LF [aa]prompt``: no check.
``poll on`` makes XON follow every prompt, which marks the end, and holds back prompts that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

REFUSALS: Final = {1: "Command error", 2: "Argument error"}
"""Our numbers -> how the pump's refusal begins."""
XON: Final = b"\x11"
FL_PER_NL: Final = 1_000_000
S_PER_H: Final = 3600
_PROMPT: Final = rb"(?:T\*|[<>]\*?|[:*])"
_LINES: Final = rb"((?:\n(?:\d\d:)?+[^\x00-\x1f]{0,80}\r)*)\n(\d\d)?" + _PROMPT
"""Possessive: a line that could be read in two ways doubles the work with every line of noise."""
_FRAME: Final = re.compile(_LINES + rb"\x11|(?=\n(?:\d\d:)?(?:Command|Argument) error)" + _LINES)
"""A reply whose end is marked, or a refusal, which a pump that does not mark yet gives too."""
_LINE: Final = re.compile(rb"\n(?:\d\d:)?([^\r]*)\r")
_STATUS: Final = re.compile(r"(\d{1,18}) (\d{1,18}) (\d{1,18}) (\S{5,6})")


@dataclass(frozen=True, slots=True)
class Running:
    """The reply to ``ReadStatus``; the volume is that of the present direction."""

    rate_fl_s: int
    volume_nl: int
    flags: str
    """Direction (a capital while the motor turns), limit switch, stall, trigger, direction port, target."""


@dataclass(frozen=True, slots=True)
class Command(Ask[R_co]):
    """One command."""

    colon: bool = False
    """Whether a colon follows the address."""

    @property
    def text(self) -> str:
        """What follows the address."""
        raise NotImplementedError

    @property
    def line(self) -> str:
        """How the last line of a good reply looks; empty where only a prompt comes."""
        return ""

    @property
    def shape(self) -> tuple[object, ...]:
        """Whose it is and how it looks."""
        return (self.address, self.line)

    def to_bytes(self) -> bytes:
        """Return the command without its address."""
        return self.text.encode()

    def last_line(self, frame: bytes) -> str:
        """Return the last line; DeviceRefusedError with our number, WireError when it looks otherwise."""
        lines = [line.decode("ascii", "replace") for line in _LINE.findall(frame)]
        for code, refusal in REFUSALS.items():
            if any(line.startswith(refusal) for line in lines):
                said = " ".join(line.strip() for line in lines)
                raise DeviceRefusedError(f"address {self.address}: {self.text}: {said}", code)
        last = lines[-1] if lines else ""
        if re.fullmatch(self.line, last) is None:
            raise WireError(f"address {self.address}: {last!r} is no reply to {self.text}")
        return last


class ReadStatus(Command[Running]):
    """Ask for rate, volume and flags, all without units."""

    text = "status"
    line = _STATUS.pattern

    def parse_reply(self, frame: bytes) -> Running:
        """Return them; the time in between is not used, its unit differs by model."""
        rate, _, volume, flags = self.last_line(frame).split(" ")
        return Running(int(rate), int(volume) // FL_PER_NL, flags)


class ReadVersion(Command[str]):
    """Ask for model and firmware."""

    text = "ver"
    line = r" *\S.*\d\.\d.*"

    def parse_reply(self, frame: bytes) -> str:
        """Return the line, such as ``11 Elite 2.0.1``."""
        return self.last_line(frame).strip()


class _Done(Command[None]):
    def parse_reply(self, frame: bytes) -> None:
        """Return when it was done."""
        self.last_line(frame)


class PollOn(_Done):
    """Have the end of every reply marked."""

    text = "poll on"
    permission = Permission.LINK


class Stop(_Done):
    """Stop the motor."""

    text = "stp"
    permission = Permission.PAUSE


@dataclass(frozen=True, slots=True)
class SetRate(_Done):
    """Set the infusion rate, in thousandths of a millilitre an hour."""

    ul_h: int = 0

    @property
    def text(self) -> str:
        """The number has three decimals."""
        return f"irate {self.ul_h // 1000}.{self.ul_h % 1000:03} m/h"

    @property
    def permission(self) -> Permission:
        """It is written only to lower."""
        return Permission.LOWER


def nl_h_of(rate_fl_s: int) -> int:
    """Return a rate in nL/h, to the nearest."""
    return (rate_fl_s * S_PER_H + FL_PER_NL // 2) // FL_PER_NL


def fl_s_of(rate_nl_h: int) -> int:
    """Return a rate in fL/s, to the nearest."""
    return (rate_nl_h * FL_PER_NL + S_PER_H // 2) // S_PER_H


class HarvardFramer(SeekingFramer):
    """The asking end."""

    longest_bytes = 200

    def frame(self, request: Request[object]) -> bytes:
        """Return the line of a command; address 0 goes without saying."""
        colon = b":" if getattr(request, "colon", False) else b""
        address = b"%d%s" % (request.address, colon) if request.address else b""
        return address + request.to_bytes() + b"\r"

    def search(self, data: bytes) -> Span | None:
        """Return the first reply with its end marked; where the pump does not mark yet there is none."""
        found = _FRAME.search(data)
        return None if found is None else Span(found.span(), found[0])

    def begins(self, data: bytes) -> int:
        """Return where the first line feed is."""
        at = data.find(b"\n")
        return at if at >= 0 else len(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it comes from there, and has a line where one is due, or refuses."""
        found = _FRAME.match(payload)
        if found is None or not isinstance(request, Command):
            return False
        if int(found[2] or found[4] or 0) != request.address:
            return False
        lines = [line.decode("ascii", "replace") for line in _LINE.findall(payload)]
        if any(line.startswith(tuple(REFUSALS.values())) for line in lines):
            return True
        return re.fullmatch(request.line, lines[-1] if lines else "") is not None


class HarvardServer(SeekingServer):
    """The pump's end; a reply's payload is its lines, each with CR, then NUL, the prompt and what follows."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first line."""
        end = data.find(b"\r")
        if end < 0:
            return None
        text = data[:end].rpartition(b"\n")[2].strip().lower()
        found = re.search(rb"(\d{0,2}):?([a-z@].*)", text)
        if found is None:
            return Question(b"", address=-1), end + 1
        return Question(found[2], address=int(found[1] or 0)), end + 1

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return lines and prompt, each with the address unless it is 0."""
        lines, _, prompt = reply.partition(b"\x00")
        address = b"%02d" % question.address if question.address else b""
        colon = b":" if address else b""
        told = b"".join(b"\n" + address + colon + line + b"\r" for line in lines.split(b"\r")[:-1])
        return told + b"\n" + address + prompt


class _Overheard(HarvardServer):
    """Questions among the pump's own lines: each of those begins with a line feed, or is a prompt and XON."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first line that is no reply's."""
        end = data.find(b"\r")
        if end < 0 or b"\n" not in data[:end].rpartition(b"\x11")[2]:
            return super().take(data)
        found = self.take(data[end + 1 :])
        return None if found is None else (found[0], end + 1 + found[1])


def judge(frame: bytes, *, colon: bool) -> tuple[int | None, Permission]:
    """Read an outgoing line; WireError for all but the five commands that are ever sent."""
    found = re.fullmatch(rb"(?:(\d{1,2})(:?))?(status|ver|stp|poll on|irate \d{1,7}\.\d{3} m/h)\r", frame)
    if found is None or (found[1] is not None and bool(found[2]) is not colon):
        raise WireError(f"{frame!r} is no command that may be sent")
    known = {b"stp": Permission.PAUSE, b"poll on": Permission.LINK, b"ver": Permission.READ}
    reads = Permission.READ if found[3] == b"status" else Permission.LOWER
    return int(found[1] or 0), known.get(found[3], reads)


def _examples(colon: bool) -> tuple[DialectExample, ...]:  # noqa: FBT001 - what parts the two
    mark = b":" if colon else b""
    return (
        DialectExample(
            "11 Elite manual 5420-002 Rev C, status: 1 mL/h, one second after its start, worked out",
            ReadStatus(0, colon),
            b"status\r",
            b"\n277777778 56000000 277777778 I...I.\r\n>\x11",
            Running(277777778, 277, "I...I."),
        ),
        DialectExample(
            "the same, at address 12", Stop(12, colon), b"12" + mark + b"stp\r", b"\n12:\x11", None
        ),
    )


EXAMPLES: Final = (*_examples(colon=False), *_examples(colon=True))
NEVER_SENT: Final = (b"irun", b"wrun", b"rrun", b"run", b"irate max", b"tvolume 5 ml", b"cvolume", b"boot")
"""Four make it go; the others change what it will do, or what it has counted."""


def _dialect(name: str, *, colon: bool) -> Dialect:
    judging: Callable[[bytes], tuple[int | None, Permission]] = partial(judge, colon=colon)
    examples = _examples(colon=colon)
    return Dialect(
        name,
        HarvardFramer,
        judging,
        examples,
        NEVER_SENT,
        tuple(REFUSALS),
        range(100),
        questions=_Overheard,
    )


ELITE: Final = _dialect("harvard-elite", colon=False)
ULTRA: Final = _dialect("harvard-ultra", colon=True)
