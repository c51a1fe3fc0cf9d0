"""What the framed dialects have in common: how a reply is sought in a stream, and a question in another.

A dialect says how its frames look; what is kept, dropped, late or another's is decided here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar

from pumpd.protocols.wire import Permission, Question, Request

R_co = TypeVar("R_co", covariant=True)

_REMEMBERED: Final = 16
_MOST_QUESTION_BYTES: Final = 256


class Span(NamedTuple):
    """A whole, undamaged frame in a stream."""

    bounds: tuple[int, int]
    """Where it begins, and where what follows it does."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ask(Generic[R_co]):
    """A question to one address; a dialect's messages build on it."""

    address: int

    @property
    def permission(self) -> Permission:
        """Most questions only ask."""
        return Permission.READ

    @property
    def refusal_shape(self) -> tuple[object, ...]:
        """Refusals of most dialects say no more than whose they are."""
        return (self.address, "refused")


class SeekingFramer(ABC):
    """The asking end: it looks for whole frames, and among them for the one that answers."""

    tells_replies_apart = False
    longest_bytes: ClassVar[int]
    """Of a reply: so much undecided is kept at most."""

    def __init__(self) -> None:
        self.discarded_bytes = 0
        self._buffer = b""
        self._awaited: Request[object] | None = None
        self._sent = b""
        self._overdue: list[Request[object]] = []
        self._late: list[Request[object]] = []

    @abstractmethod
    def frame(self, request: Request[object]) -> bytes:
        """Return the whole frame of a question."""

    @abstractmethod
    def search(self, data: bytes) -> Span | None:
        """Return the first whole, undamaged frame, whoever sent it."""

    @abstractmethod
    def begins(self, data: bytes) -> int:
        """Return where the first frame may begin whose end is not there yet; ``len(data)`` for nowhere."""

    @abstractmethod
    def answers(self, request: Request[object], payload: bytes) -> bool:
        """Return whether a payload can be the answer to ``request``, good or a refusal."""

    def encode(self, request: Request[object]) -> bytes:
        """Return the frame of a question, and look for its reply."""
        self._keep(b"")
        self._sent = self.frame(request)
        self._awaited = request
        return self._sent

    def feed(self, data: bytes) -> bytes | None:
        """Return the payload of the reply once it is complete."""
        self._buffer += data
        while (found := self.search(self._buffer)) is not None:
            rest, awaited = self._buffer[found.bounds[1] :], self._awaited
            if awaited is not None and self._is_reply(awaited, found):
                self.discarded_bytes += found.bounds[0] + len(rest)
                self._buffer, self._awaited = b"", None
                return found.payload
            for overdue in self._overdue:
                if self.answers(overdue, found.payload):
                    self._overdue.remove(overdue)
                    self._late.append(overdue)
                    break
            self._keep(rest)
        undecided = self._buffer[self.begins(self._buffer) :]
        while len(undecided) > self.longest_bytes:
            undecided = undecided[1:]
            undecided = undecided[self.begins(undecided) :]
        self._keep(undecided)
        return None

    def give_up(self) -> None:
        """Whatever still comes for the question is late."""
        if self._awaited is not None:
            self._overdue = [*self._overdue[1 - _REMEMBERED :], self._awaited]
            self._awaited = None

    def take_late(self) -> Sequence[Request[object]]:
        """Return the questions whose replies came too late since the last call."""
        late, self._late = self._late, []
        return late

    def reset(self) -> None:
        """Forget everything."""
        self._keep(b"")
        self._awaited = None
        self._overdue = []

    def exchange_bytes(self, request: Request[object]) -> int:
        """Return how long question and longest reply are."""
        return len(self.frame(request)) + self.longest_bytes

    def gap_s(self, baud: int | None, bits_per_byte: int) -> float:
        """Return 0: marks part the frames."""
        del baud, bits_per_byte
        return 0.0

    def _is_reply(self, awaited: Request[object], found: Span) -> bool:
        echo = self._buffer[slice(*found.bounds)] == self._sent
        if echo and awaited.permission is Permission.READ:
            return False  # an adapter repeats what we send; a write may be answered by its echo
        return self.answers(awaited, found.payload)

    def _keep(self, rest: bytes) -> None:
        self.discarded_bytes += len(self._buffer) - len(rest)
        self._buffer = rest


class SeekingServer(ABC):
    """The pump's end: it looks for whole questions."""

    def __init__(self) -> None:
        self._buffer = b""

    @abstractmethod
    def take(self, data: bytes) -> tuple[Question, int] | None:
        """Return the first whole, undamaged question and where it ends."""

    @abstractmethod
    def encode(self, question: Question, reply: bytes) -> bytes:
        """Return the whole frame of a reply."""

    def feed(self, data: bytes) -> list[Question]:
        """Return the questions that are complete."""
        self._buffer = (self._buffer + data)[-_MOST_QUESTION_BYTES:]
        questions = []
        while (taken := self.take(self._buffer)) is not None:
            questions.append(taken[0])
            self._buffer = self._buffer[taken[1] :]
        return questions

    def elsewhere(self, question: Question, address: int) -> Question:
        """Return the same question to another pump."""
        return Question(question.payload, question.transaction_id, address)
