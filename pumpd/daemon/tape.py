"""What one line says and what is decided about its pumps, gathered for its recording; cheap."""

from __future__ import annotations

import random
from collections.abc import Callable
from struct import pack, unpack

from pumpd.clock import Clock
from pumpd.errors import TransportError
from pumpd.store.recording import OVERHEAD_BYTES, Kind, encode, encode_draw
from pumpd.store.recording_ring import SEGMENTS, Piece, Reel
from pumpd.transports.base import Receiver, Transport

MOST_GATHERED_BYTES = 256 * 1024
"""Between two visits; a line that says more than that is not what it should be."""
PREAMBLE_BYTES = 4096
"""How much of the beginning of a connection is told again at the head of a later segment."""
_US_PER_S = 1_000_000


class Tape:
    """Gathers the records of one line and hands them on as whole pieces."""

    def __init__(self, ring: str, most_bytes: int, clock: Clock, reel: Reel) -> None:
        """``ring`` is the folder's name, ``most_bytes`` what it may hold."""
        self.ring = ring
        self.urgent = False
        """True when something was decided since the last visit: it should be on disk soon."""
        self.line_open = False
        """True while the line is open."""
        self._most_bytes = most_bytes
        self._monotonic_ns = clock.monotonic_ns
        self._clock = clock
        self._reel = reel
        self._gathered = bytearray()
        self._preamble = bytearray()
        self._given_up_bytes = 0
        self._segment_bytes = 0
        self._begun = False
        self._begins_with: Callable[[], bytes] = bytes

    def put(self, kind: Kind, payload: bytes = b"") -> None:
        """Take one record; beyond the bound it is given up, and counted."""
        gathered = self._gathered
        if len(gathered) > MOST_GATHERED_BYTES:
            self._given_up_bytes += OVERHEAD_BYTES + len(payload)
            return
        record = encode(kind, self._monotonic_ns(), payload)
        if len(self._preamble) < PREAMBLE_BYTES:
            self._preamble += record
        gathered += record

    def decided(self, kind: Kind, payload: bytes) -> None:
        """Take one record that should be on disk soon."""
        self.put(kind, payload)
        self.urgent = True

    def opening(self) -> None:
        """The line is being opened: what follows is how the pumps are recognised."""
        self._preamble.clear()
        self.put(Kind.OPENING)

    def begin(self, head: Callable[[], bytes]) -> None:
        """Begin the first segment; ``head`` makes the payload of each segment's first record."""
        self._begins_with = head
        self._begin()

    def visit(self, lost_bytes: int = 0) -> None:
        """Hand on what has gathered; where ``lost_bytes`` were lost on the way, another segment begins."""
        self._given_up_bytes += lost_bytes
        if not lost_bytes:
            self._hand_on()
        if lost_bytes or not self._begun or self._segment_bytes >= self._most_bytes // SEGMENTS:
            self._begin()

    def anew(self) -> None:
        """Begin another segment: its head says who is on the line from here on."""
        if self._begun:
            self._hand_on()
        self._begin()

    def end(self) -> None:
        """Hand on the last of it."""
        self.put(Kind.END)
        self._hand_on()

    def _begin(self) -> None:
        """Put a head in front of what has gathered; later segments tell how the line was opened, too."""
        now_ns = self._monotonic_ns()
        piece = encode(Kind.HEAD, now_ns, self._begins_with()) + self._wall(now_ns)
        if self._segment_bytes:
            piece += encode(Kind.PREAMBLE, now_ns, bytes(self._preamble))
        self._put_piece(piece + self._told_given_up(now_ns) + self._gathered, begins=True)

    def _hand_on(self) -> None:
        if self._begun:
            now_ns = self._monotonic_ns()
            self._put_piece(
                bytes(self._gathered) + self._told_given_up(now_ns) + self._wall(now_ns), begins=False
            )
            return
        self._given_up_bytes += len(self._gathered)
        self._gathered.clear()

    def _put_piece(self, data: bytes, *, begins: bool) -> None:
        self._begun = self._reel.put(Piece(self.ring, data, begins, self._most_bytes))
        self._segment_bytes = len(data) + (0 if begins else self._segment_bytes)
        self._given_up_bytes = 0 if self._begun else self._given_up_bytes + len(self._gathered)
        self._gathered.clear()
        self.urgent = False

    def _told_given_up(self, now_ns: int) -> bytes:
        """Return the record that tells of a gap; nothing when there is none."""
        if not self._given_up_bytes:
            return b""
        return encode(Kind.GIVEN_UP, now_ns, self._given_up_bytes.to_bytes(8, "big"))

    def _wall(self, now_ns: int) -> bytes:
        wall_us = round(self._clock.wall().timestamp() * _US_PER_S)
        return encode(Kind.WALL, now_ns, wall_us.to_bytes(8, "big"))


class RecordedTransport:
    """A transport with all that goes through it put on a tape; implements ``Transport`` and ``Receiver``."""

    def __init__(self, inner: Transport, tape: Tape) -> None:
        self._inner = inner
        self._put = tape.put
        self._tape = tape
        self._receiver: Receiver | None = None

    @property
    def name(self) -> str:
        """The inner one's name."""
        return self._inner.name

    @property
    def baud(self) -> int | None:
        """The inner one's speed."""
        return self._inner.baud

    @property
    def bits_per_byte(self) -> int:
        """As the inner one sends them; a serial line may fall back when it is opened."""
        return self._inner.bits_per_byte

    async def open(self, receiver: Receiver) -> None:
        """Open the inner one, with this one in between."""
        self._receiver = receiver
        self._tape.opening()
        try:
            await self._inner.open(self)
        except TransportError as error:
            self._put(Kind.NOT_OPENED, str(error).encode())
            raise
        self._tape.line_open = True
        self._put(Kind.OPENED)

    def write(self, data: bytes) -> None:
        """Put the bytes on the tape and send them."""
        self._put(Kind.OUT, data)
        try:
            self._inner.write(data)
        except TransportError as error:
            self._put(Kind.NOT_WRITTEN, str(error).encode())
            raise

    async def close(self) -> None:
        """Close the inner one."""
        if self._tape.line_open:
            self._tape.line_open = False
            self._put(Kind.CLOSED)
        await self._inner.close()

    def data_received(self, data: bytes) -> None:
        """Put the bytes on the tape and hand them on."""
        self._put(Kind.IN, data)
        if self._receiver is not None:
            self._receiver.data_received(data)

    def connection_lost(self, error: TransportError) -> None:
        """Put it on the tape and hand it on."""
        self._tape.line_open = False
        self._put(Kind.LOST, str(error).encode())
        if self._receiver is not None:
            self._receiver.connection_lost(error)


class RecordedChance(random.Random):  # noqa: S311 - jitter, not a secret
    """A source of chance whose every draw is put on a tape: the same draws make the same waits."""

    def __init__(self, source: random.Random, tape: Tape, source_index: int) -> None:
        super().__init__(0)
        self._source = source
        self._tape = tape
        self._source_index = source_index

    def random(self) -> float:
        """Return the source's next number in [0, 1)."""
        drawn = self._source.random()
        (bits,) = unpack(">Q", pack(">d", drawn))
        self._tape.put(Kind.CHANCE, encode_draw(self._source_index, "f", bits))
        return drawn

    def getrandbits(self, n_bits: int, /) -> int:
        """Return the source's next ``n_bits`` bits; at most 64 are asked for here."""
        drawn = self._source.getrandbits(n_bits)
        self._tape.put(Kind.CHANCE, encode_draw(self._source_index, "i", drawn & (1 << 64) - 1))
        return drawn
