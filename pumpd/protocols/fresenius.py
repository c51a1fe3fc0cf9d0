"""Fresenius (Vial) Base A, Primea, Orchestra with their modules, and Pilot pumps: text with a sum.

Source: infupy 2022.1.11 (ISC), backends/fresenius.py, by a document of the maker; no other was found.

A base is at address 0, its modules at 1 to 5; a pump that stands alone has none. Each end acknowledges every
frame of the other; the pump speaks up unasked, too. 19,200 baud, 7 bits, even parity, 1 stop bit.
"""

from __future__ import annotations

import re
from typing import Final

from pumpd.errors import WireError
from pumpd.protocols.framed import SeekingFramer, SeekingServer, Span
from pumpd.protocols.fresenius_frame import (
    ACK,
    DC4,
    ENQ,
    LONGEST,
    NAK,
    NAK_SUM,
    frame_of,
    frames,
    undecided,
)
from pumpd.protocols.fresenius_frame import (
    EXAMPLES as FRAMES,
)
from pumpd.protocols.fresenius_messages import (
    REFUSALS,
    Command,
    Connect,
    ConnectBase,
    GiveBack,
    Pause,
    ReadVariables,
    TakeControl,
)
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request


class BaseFramer(SeekingFramer):
    """The asking end at a base; it owes an acknowledgement of all that arrives."""

    longest_bytes = LONGEST

    def __init__(self) -> None:
        super().__init__()
        self._owed: list[tuple[float, bytes]] = []

    def take_owed(self) -> list[tuple[float, bytes]]:
        """Return what the pump is owed since the last call."""
        owed, self._owed = self._owed, []
        return owed

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; the pump asks between any two of them whether somebody is there."""
        self._owed += [(0.0, DC4)] * data.count(ENQ)
        return super().feed(data.replace(ENQ, b""))

    def reset(self) -> None:
        """Forget everything, what is owed too."""
        super().reset()
        self._owed = []

    def frame(self, request: Request[object]) -> bytes:
        """Return the frame of a command, to the base or to the module."""
        return frame_of(self._to(request) + request.to_bytes())

    def search(self, data: bytes) -> Span | None:
        """Return the first good frame, and owe for it and for what is damaged in front; or a lone NAK."""
        for found in frames(data):
            self._owed.append((0.0, ACK if found.whole else NAK_SUM))
            if found.whole:
                unasked = re.match(rb"[0-5]?[EM](?=;|\Z)", found.text)
                if unasked:
                    self._owed.append((0.0, frame_of(unasked[0])))
                    self.discarded_bytes -= found.bounds[1] - found.bounds[0]  # it mars no question
                return Span(found.bounds, found.text)
        return Span((0, 2), data) if re.fullmatch(rb"\x15[1-8]", data) else None

    def begins(self, data: bytes) -> int:
        """Return where the last frame may begin."""
        return undecided(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether it is from whom was asked, and tells what was asked, a refusal, or a NAK."""
        if not isinstance(request, Command):
            return False
        whose = b"0" if request.text[0] == "0" else self._to(request)
        if payload[:1] == NAK or re.fullmatch(rb"%sI;[0-9A-F]{2}" % whose, payload):
            return True
        head, _, data = payload.partition(b";")
        return head == whose + b"C" and request.fits(data.decode())

    def _to(self, request: Request[object]) -> bytes:
        return b"" if request.to_bytes()[:1] == b"0" else b"%d" % (request.address or 0)


class PilotFramer(BaseFramer):
    """The asking end at a pump that stands alone, which has no address."""

    def _to(self, request: Request[object]) -> bytes:
        del request
        return b""


class BaseServer(SeekingServer):
    """The pumps' end; a question to the base itself has no address."""

    sent = re.compile(rb"([0-5])([A-Z].*)", re.DOTALL)

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first good question; acknowledgements are none."""
        for found in frames(data):
            told = self.sent.fullmatch(found.text)
            if told is not None and found.whole:
                base = told[1] == b"0"
                payload = found.text if base else told[2]
                return Question(payload, address=None if base else int(told[1] or b"1")), found.bounds[1]
        return None

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the ACK and one frame of each line of the reply; a NAK instead of them, an ENQ as it is."""
        if reply[:1] == NAK:
            return reply
        whose = self.whose(question)
        return ACK + b"".join(said if said == ENQ else frame_of(whose + said) for said in reply.split(b"\n"))

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question to another pump; a line has one base."""
        return question if question.address is None else super().elsewhere(question, address)

    def whose(self, question: Question) -> bytes:
        """Return the address in front of a reply."""
        return b"%d" % (question.address or 0)


class PilotServer(BaseServer):
    """The end of a pump that stands alone."""

    sent = re.compile(rb"()([A-Z].*)", re.DOTALL)

    def whose(self, question: Question) -> bytes:
        """Return nothing: it has no address."""
        del question
        return b""


_SENT: Final = re.compile(rb"\x02(?P<to>[0-5]?)(?P<text>[A-Z][ -~]*)(?P<sum>[0-9A-F]{2})\x03")


def judge(frame: bytes) -> tuple[int | None, Permission]:
    """Read an outgoing frame; WireError for all but reads, sessions, control and a pause."""
    if frame in {ACK, NAK_SUM, DC4}:
        return None, Permission.LINK
    found = _SENT.fullmatch(frame)
    if found is None or (sum(frame[1:-3]) + int(found["sum"], 16)) % 256 != 0xFF:
        raise WireError(f"{frame!r} is no whole frame")
    text, base = found["text"].decode(), found["to"] == b"0"
    address = None if base else int(found["to"] or b"1")
    if re.fullmatch(r"LE;[a-z]{1,9}|LF;b", text):
        return address, Permission.READ
    if text in {"E", "M"}:
        return None, Permission.LINK
    if text == "DC" or (text == "MO;1" and not base):
        return address, Permission.LINK
    if text in {"MO;2", "PO"} and not base:
        return address, Permission.PAUSE
    raise WireError(f"{frame!r} is no message that may be sent")


_FROM: Final = "infupy 2022.1.11, backends/fresenius.py: genFrame and parseReply"


def _examples(whose: bytes) -> tuple[DialectExample, ...]:
    done = ACK + frame_of(whose + b"C")
    told = ACK + frame_of(whose + b"C;d0019;r0001F4")
    asked = [(one, done, None) for one in (Connect(1), TakeControl(1), Pause(1), GiveBack(1))]
    read = (ReadVariables(1, "dr"), told, {"d": "0019", "r": "0001F4"})
    return tuple(
        DialectExample(_FROM, request, frame_of(whose + request.to_bytes()), reply, meaning)
        for request, reply, meaning in (*asked, read)
    )


NEVER_SENT: Final = (
    *(
        b"PR;0064",
        b"PB;0064",
        b"PF",
        b"PV;0064",
        b"RV",
        b"RZ",
        b"OF",
        b"SI",
        b"EP;1",
        b"AP;1",
        b"EN;1",
        b"FC",
    ),
    *(b"PP;1", b"PS;1", b"DE;dr", b"AE", b"DM;dr", b"AM", b"MO;3", b"LP"),
)
"""Rate, bolus, empty syringe, limits, counter, reset, off, silence, drug, spontaneous variables."""
EXAMPLES: Final = (
    *_examples(b"1"),
    DialectExample(
        _FROM,
        ConnectBase(1),
        bytes.fromhex(FRAMES[0][1]),
        ACK + bytes.fromhex(FRAMES[1][1]),
        None,
    ),
)
ORCHESTRA: Final = Dialect(
    name="fresenius-base",
    framer=BaseFramer,
    judge=judge,
    examples=EXAMPLES,
    never_sent=NEVER_SENT,
    refusals=tuple(REFUSALS),
    addresses=range(1, 6),
    baud=19200,
)
PILOT: Final = Dialect(
    name="fresenius-pilot",
    framer=PilotFramer,
    judge=judge,
    examples=_examples(b""),
    never_sent=NEVER_SENT,
    refusals=tuple(REFUSALS),
    addresses=range(1, 2),
    baud=19200,
)
