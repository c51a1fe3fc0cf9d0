"""What travels on a wire, for both ends: requests that know their reply, and framers that find it.

Pure: bytes in, values out. A dialect is a module of frozen requests plus a framer; ``Link`` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar, runtime_checkable

R_co = TypeVar("R_co", covariant=True)


class Permission(Enum):
    """What a message a driver can send may do (invariant 1); there is no member for a start or a raise."""

    READ = "read"
    """Asks, changes nothing; may be asked again after silence."""
    LINK = "link"
    """Keeps a session up."""
    PAUSE = "pause"
    """Stops delivery."""
    LOWER = "lower"
    """Writes a rate below the one just read."""


@runtime_checkable
class Request(Protocol[R_co]):
    """A question to one device: a frozen value that writes itself and reads its own reply.

    A message that could start or speed up a pump is *not* a Request: it has no ``permission``, so
    ``Link.ask`` does not accept it (mypy, and at run time).
    """

    @property
    def permission(self) -> Permission:
        """What this message may do."""
        ...

    @property
    def address(self) -> int | None:
        """The device address that its reply carries; None where replies carry none."""
        ...

    @property
    def shape(self) -> tuple[object, ...]:
        """What tells its replies from others on the wire (Modbus RTU: unit, function, byte count).

        Two requests whose replies could be confused have equal shapes.
        """
        ...

    @property
    def refusal_shape(self) -> tuple[object, ...]:
        """What tells a refusal of it from others; equal for two requests whose refusals could be confused."""
        ...

    def to_bytes(self) -> bytes:
        """Return the message without its framing."""
        ...

    def parse_reply(self, frame: bytes) -> R_co:
        """Return the meaning of a whole, checked frame.

        WireError when it is no answer to this request; DeviceRefusedError when the device said no.
        """
        ...


class Framer(Protocol):
    """Finds the reply to one request in a stream of bytes, and writes requests; one per connection.

    Incremental and bounded: it keeps at most one longest frame of undecided bytes and counts what it drops.
    """

    @property
    def tells_replies_apart(self) -> bool:
        """True where every reply names the question it answers, so that a late one can not be mistaken."""
        ...

    @property
    def discarded_bytes(self) -> int:
        """How many bytes were dropped so far because they belonged to no awaited reply."""
        ...

    def encode(self, request: Request[object]) -> bytes:
        """Return the whole frame to send, and from now on look for the reply to ``request``."""
        ...

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes from the wire; return the reply's payload for ``parse_reply`` when it is complete.

        A foreign or damaged frame, or noise, in front of a good reply does not cost the good one.
        """
        ...

    def give_up(self) -> None:
        """The reply did not come in time: whatever still comes for it is late, and dropped."""
        ...

    def take_late(self) -> Sequence[Request[object]]:
        """Return the requests whose replies came after ``give_up`` and were dropped since the last call."""
        ...

    def reset(self) -> None:
        """Forget the awaited request and every undecided byte, counting them as discarded."""
        ...

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how many bytes ``request`` and its longest reply are on the wire, for the time-out."""
        ...

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:
        """Return how long the wire must be silent before the next frame, in seconds."""
        ...


@runtime_checkable
class AcknowledgingFramer(Framer, Protocol):
    """A framer of a protocol in which what arrives must be acknowledged, and the pump speaks up unasked."""

    def take_owed(self) -> Sequence[tuple[float, bytes]]:
        """Return (seconds from now, bytes) that are owed since the last call: each at most LINK."""
        ...


@runtime_checkable
class BlockwiseFramer(Framer, Protocol):
    """A framer of a protocol in which a reply comes in blocks, each of them waited for."""

    def take_progress(self) -> bool:
        """Return whether a block of the awaited reply, not its last, came since the last call."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the serving side finds it: the payload, and what its reply must repeat."""

    payload: bytes
    transaction_id: int = 0
    address: int | None = 1
    """Who is asked; 1 where a dialect has no addresses, None for what its pumps are plugged into."""


class ServerFramer(Protocol):
    """Finds requests in a stream of bytes and frames the replies: the device's end, for a simulator."""

    def feed(self, data: bytes) -> list[Question]:
        """Take bytes from the wire; return the requests that are complete, in order."""
        ...

    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the whole frame that answers ``question`` with the payload ``reply``."""
        ...

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question as another master asks it of ``address``."""
        ...


@dataclass(frozen=True, slots=True)
class DialectExample:
    """One exchange as the vendor's document prints it."""

    source: str
    """Document and page."""
    request: Request[object]
    sent: bytes
    """The whole frame of the request."""
    received: bytes
    """The whole frame of the reply."""
    meaning: object
    """What ``request.parse_reply`` makes of it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A pump's own protocol with its own framing: what the asking end has to know of it."""

    name: str
    framer: Callable[[], Framer]
    judge: Callable[[bytes], tuple[int | None, Permission]]
    """Read a whole outgoing frame: whom it asks, and what it may do. WireError for all that is never sent.

    It reads the bytes alone, and shares no code with what wrote them. An acknowledgement asks nobody: None.
    """
    examples: tuple[DialectExample, ...]
    never_sent: tuple[bytes, ...]
    """Payloads that the pump understands and no driver sends, such as its start."""
    refusals: tuple[int, ...]
    """Every code with which the protocol refuses."""
    addresses: range = range(1, 100)
    """Those its pumps can have; the first is that of a URL that names none. Only one: replies carry none."""
    baud: int = 9600
    """The speed that its documents give."""
    questions: Callable[[], ServerFramer] | None = None
    """Finds another master's questions on the line; None where who only listens can not follow it."""

    @property
    def addressed(self) -> bool:
        """True where several pumps can share a line, since each reply says whose it is."""
        return len(self.addresses) > 1
