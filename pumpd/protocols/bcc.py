"""B. Braun Space and Compact+ pumps behind a ComDevice, by BCC in request mode: a rack answers in blocks.

Source: B. Braun, Technical Interface Specification BCC, I0022_000030 v4.0 (2019); slots from 10 on also as
patient-monitor-datalogger (MIT), BBraun, found them in BCC 3.30. BCC has no command that changes a pump.

A reply is one block for each pump, each answered with ACK, or with NAK to have it again. A block holds
``time,address,parameter,value``, parted by RS; 501xy is the pump in slot y of pillar x, 50100 the ComDevice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.bcc_frame import ACK, LAST, MORE, NAK, PLAIN, begun, first_frame, frame_of
from pumpd.protocols.framed import Ask, SeekingFramer, SeekingServer, Span
from pumpd.protocols.wire import Dialect, DialectExample, Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

SLOTS: Final = "123456789ABCDEFGHIJKLMNO"
PLACES: Final = tuple(f"{pillar}{slot}" for pillar in "123" for slot in SLOTS)
"""Where a pump can be: pillar and slot."""
SYSTEM: Final = "50100"
ALIVE: Final = "ADMIN:ALIVE"
VERSION: Final = "ADMIN:VERSION"
MEM_GET: Final = "MEM:GET"
REFUSALS: Final = (11, 39, *range(40, 60), 68, 811)
"""No data; removed; a pump that is not reached (4x), a wrong topology (5x); syntax or sum; wrong address."""
BLOCK_BYTES: Final = 2048
"""The longest block: some 70 parameters."""
MOST_BLOCKS: Final = len(PLACES) + 1
_ACK_AFTER_S: Final = 0.1
_BETWEEN_S: Final = 0.5
"""Between a reply and the next question (specification, request mode)."""
_MOST_REPEATS: Final = 3

_BED_ID: Final = re.compile(rb"[/-9A-z]{1,15}")
Told = Mapping[str, str]
"""Parameter -> value, as they came."""


class Command(Ask[R_co]):
    """One question."""

    bed_id: str
    stuffed: bool
    text: str

    def to_bytes(self) -> bytes:
        """Return the message, with PLAIN in front where it is not to be stuffed."""
        return (b"" if self.stuffed else PLAIN) + f"{self.bed_id}/1/1>{self.text}".encode() + LAST

    @property
    def shape(self) -> tuple[object, ...]:
        """Replies to the three questions look different; blocks of all readings look alike."""
        return (self.address, self.text)


@dataclass(frozen=True, slots=True)
class Alive(Command[str]):
    """Ask who is there, at the start and after silence; any bed id is answered."""

    bed_id: str = "1"
    stuffed: bool = True
    text = ALIVE

    def parse_reply(self, frame: bytes) -> str:
        """Return the bed id, which every further question must bear."""
        if _quadruples(frame)[0][2:] != ["GNACK", "0"]:
            raise WireError(f"{frame!r} is no reply to {self.text}")
        bed_id = frame.partition(b"/1/1>")[0]
        if not _BED_ID.fullmatch(bed_id):
            raise WireError(f"{bed_id!r} can not be a bed id")
        return bed_id.decode()


@dataclass(frozen=True, slots=True)
class ReadVersion(Command[str]):
    """Ask for the version of BCC."""

    bed_id: str = "1"
    stuffed: bool = True
    text = VERSION

    def parse_reply(self, frame: bytes) -> str:
        """Return it; this reply alone has three fields."""
        said = _quadruples(frame)[0]
        if len(said) != 3:
            raise WireError(f"{frame!r} is no reply to {self.text}")
        return said[2]


@dataclass(frozen=True, slots=True)
class ReadRack(Command[Mapping[str, Told]]):
    """Ask for all pumps."""

    bed_id: str = "1"
    stuffed: bool = True
    text = MEM_GET

    def parse_reply(self, frame: bytes) -> Mapping[str, Told]:
        """Return what each pump tells, by its place; the ComDevice's own are left out.

        WireError for a place that names no model, or tells one thing twice: the sum misses damage to places.
        """
        pumps: dict[str, dict[str, str]] = {}
        for block in frame.split(MORE):
            for said in _quadruples(block):
                place = place_of(said[1])
                if len(said) == 4 and place:
                    value = said[3].rstrip("\r")
                    if pumps.setdefault(place, {}).setdefault(said[2], value) != value:
                        raise WireError(f"the pump at {place} tells {said[2]} twice")
        for place, told in pumps.items():
            if not _MODEL_OR_ERROR & told.keys():
                raise WireError(f"values for {place}, where no pump tells its model: {', '.join(told)}")
        return pumps


_MODEL_OR_ERROR: Final = {"GNNEW", "GNMODEL", "GNERR"}
"""One of them begins what is told of each pump."""


def _quadruples(block: bytes) -> list[list[str]]:
    """Return the fields of a block; DeviceRefusedError when the ComDevice says no, WireError for none."""
    texts = block.partition(b"/1/1>")[2].decode("utf-8", "replace").split("\x1e")
    said = [fields for text in texts if len(fields := text.split(",", 3)) >= 3]
    for fields in said:
        if fields[1] == SYSTEM and fields[2] == "GNERR":
            code = fields[3] if len(fields) == 4 else ""
            raise DeviceRefusedError(
                f"the ComDevice refuses with {code}", int(code) if code.isdecimal() else code
            )
    if not said:
        raise WireError(f"{block!r} holds no values")
    return said


def place_of(address: str) -> str:
    """Return pillar and slot of 501xy; slots from 10 on may come as two digits. Empty for none of them."""
    place = address.removeprefix("501")
    if len(place) == 3 and place[1:].isdecimal() and 10 <= int(place[1:]) <= len(SLOTS):
        place = place[0] + SLOTS[int(place[1:]) - 1]
    return place if place in PLACES and place != address else ""


class BccFramer(SeekingFramer):
    """The asking end: it gathers the blocks of a reply, and says what each is to be answered with."""

    longest_bytes = BLOCK_BYTES

    def __init__(self) -> None:
        super().__init__()
        self._owed: list[tuple[float, bytes]] = []
        self._blocks: list[bytes] = []
        self._repeats = 0
        self._damaged = self._went_on = False

    def frame(self, request: Request[object]) -> bytes:
        """Return the frame of a message."""
        return frame_of(request.to_bytes())

    def search(self, data: bytes) -> Span | None:
        """Return the first good block, and take note of damaged ones before it."""
        found = first_frame(data)
        while found is not None and not found.message:
            self._damaged = True
            found = first_frame(data, found.bounds[1])
        return None if found is None else Span(found.bounds, found.message.removeprefix(PLAIN))

    def begins(self, data: bytes) -> int:
        """Return where a frame has begun."""
        return begun(data)

    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether a block can be of the reply: by its bed id, and by what stands first in it."""
        if not isinstance(request, Command):
            return False
        bed_id, _, text = payload.partition(b"/1/1>")
        kind = re.match(rb"[0-9]+,50100,(?:(GNERR),|(GNACK),|(V)[^,\x1e]*$)", text)
        at = kind.lastindex if kind is not None else 0
        if (MEM_GET, request.text, ALIVE, VERSION)[at or 0] != request.text:
            return False
        return request.text == ALIVE or bed_id == request.bed_id.encode()

    def encode(self, request: Request[object]) -> bytes:
        """Return the frame of a question; what came for the one before is forgotten."""
        self._blocks, self._owed, self._repeats = [], [], 0
        return super().encode(request)

    def feed(self, data: bytes) -> bytes | None:
        """Return the blocks of a reply without their last marks, once the last one is there."""
        while data:
            part, mark, data = data.partition(b"\x04")
            awaited, self._damaged = self._awaited, False
            block = super().feed(part + mark)
            if block is None:
                if self._damaged and awaited is not None and self._repeats < _MOST_REPEATS:
                    self._repeats += 1
                    self._owed = [(_ACK_AFTER_S, NAK)]
            elif self._blocks[-1:] == [block] or len(self._blocks) == MOST_BLOCKS:
                self._awaited = awaited  # a second copy: acknowledged already
            else:
                self._blocks.append(block)
                self._owed.append((_ACK_AFTER_S, ACK))
                if block.endswith(LAST):
                    self.discarded_bytes += len(data)
                    return MORE.join(part[:-1] for part in self._blocks)
                self._awaited, self._went_on = awaited, True
        return None

    def take_owed(self) -> Sequence[tuple[float, bytes]]:
        """Return what each block is to be answered with, and after how long."""
        owed, self._owed = self._owed, []
        return owed

    def take_progress(self) -> bool:
        """Return whether a block came since the last call that is not the last one."""
        went_on, self._went_on = self._went_on, False
        return went_on

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how long question and block are; that of a reading is the only long one."""
        longest = BLOCK_BYTES if isinstance(request, ReadRack) else 64
        return len(self.frame(request)) + longest

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:
        """Return the pause between questions."""
        del baud, bits_per_byte
        return _BETWEEN_S


class BccServer(SeekingServer):
    """The ComDevice's end: questions, and what its blocks are answered with."""

    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first good question, ACK or NAK."""
        found, begin = first_frame(data), 0
        answered = re.search(rb"[\x06\x15]", data)
        if answered and (found is None or answered.start() < found.bounds[0]):
            return Question(answered[0]), answered.end()
        while found is not None and not found.message:
            begin = found.bounds[1]
            found = first_frame(data, begin)
        return None if found is None else (Question(found.message), found.bounds[1])

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the frame of a block."""
        del question
        return frame_of(reply)


def judge(frame: bytes) -> tuple[int | None, Permission]:
    """Read an outgoing message; WireError for all but three questions, ACK and NAK."""
    if frame in {ACK, NAK}:
        return None, Permission.LINK
    found = first_frame(frame)
    asked = rb"\x00?[/-9A-z]{1,15}/1/1>(ADMIN:ALIVE|ADMIN:VERSION|MEM:GET)\x03"
    if found is None or found.bounds != (0, len(frame)) or not re.fullmatch(asked, found.message):
        raise WireError(f"{frame!r} is no message that may be sent")
    return 1, Permission.READ


def _example(
    request: Request[object], sent: bytes, reply: str, length_sum: tuple[int, int], meaning: object
) -> DialectExample:
    received = b"\x01%05d\x02SpaceCOM/1/1>%s\x03%05d\x04" % (length_sum[0], reply.encode(), length_sum[1])
    return DialectExample("BCC specification v4.0, examples", request, sent, received, meaning)


_ALIVE: Final = b"\x0100031\x021/1/1>ADMIN:ALIVE\x0300061\x04"
_VERSION: Final = b"\x0100040\x02SpaceCOM/1/1>ADMIN:VERSION\x0300140\x04"
_GET: Final = b"\x0100034\x02SpaceCOM/1/1>MEM:GET\x0300191\x04"
_PLAIN_ALIVE: Final = Alive(1, stuffed=False)
_PLAIN_VERSION: Final = ReadVersion(1, "SpaceCOM", stuffed=False)
EXAMPLES: Final = (
    _example(_PLAIN_ALIVE, _ALIVE, "206,50100,GNACK,0", (44, 109), "SpaceCOM"),
    _example(_PLAIN_ALIVE, _ALIVE, "624,50100,GNACK,0", (44, 113), "SpaceCOM"),
    _example(_PLAIN_VERSION, _VERSION, "207,50100,V3.30", (42, 198), "V3.30"),
    _example(_PLAIN_VERSION, _VERSION, "626,50100,V3.30", (42, 203), "V3.30"),
)
DIALECT: Final = Dialect(
    name="bbraun-bcc",
    framer=BccFramer,
    judge=judge,
    examples=EXAMPLES,
    never_sent=(b"SpaceCOM/1/1>MEM:GETSLOT#13" + LAST,),
    refusals=REFUSALS,
    addresses=range(1, 2),
)
"""Nothing in it controls a pump; what is never sent is the question for one slot, which nobody asks."""
