"""One question on its way: from waiting to answered, how often it may be asked, and what is counted of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pumpd.errors import DeviceRefusedError
from pumpd.protocols.wire import Permission, Request
from pumpd.transports.lane import Lane

R = TypeVar("R")

MOST_LATE_TIMEOUTS: Final = 3
"""How late a reply, or a second copy of it, may come, in time-outs of its question."""
MARGIN_S: Final = 0.001
"""A reply at the very end of the horizon is read before the next question goes out."""


@dataclass(slots=True)
class Counters:
    """What happened at one address since the start."""

    asked: int = 0
    """Frames sent, repeated ones included."""
    answered: int = 0
    refused: int = 0
    """Answered with a refusal."""
    unusable: int = 0
    """Answered with something that answers no such question."""
    timed_out: int = 0
    late: int = 0
    """Whole replies that came after their time-out; dropped."""
    discarded_bytes: int = 0
    """Bytes dropped while this address was the last one asked: noise, damage, foreign and late frames."""
    marred: int = 0
    """Questions beside whose answer there was damage, noise, or a frame that was not for them."""
    _marred_at: int = 0
    """How many were asked when one was last marred: each counts once."""
    round_trip_ms: float = 0.0
    """From sending the last answered question to its reply."""
    longest_round_trip_ms: float = 0.0

    def dropped(self, count: int, late: Sequence[object]) -> None:
        """Count bytes that answered nothing; of a reply that only came late they mar no question."""
        self.discarded_bytes += count
        if count and not late:
            self.mar()

    def mar(self) -> None:
        """Count the question that is open, or was open last, as marred."""
        if self._marred_at != self.asked:
            self.marred, self._marred_at = self.marred + 1, self.asked


class Exchange(Generic[R]):
    """One question, from waiting to answered."""

    __slots__ = (
        "address",
        "answer",
        "counters",
        "expires_at",
        "follow",
        "lane",
        "on_sent",
        "permission",
        "request",
        "sent_at",
        "timeout_s",
        "tries_left",
        "wait_s",
    )

    def __init__(
        self,
        request: Request[R],
        timeout_s: float,
        counters: Counters,
        answer: asyncio.Future[R],
        lane: Lane,
    ) -> None:
        self.request = request
        self.address = request.address
        self.permission = request.permission
        self.timeout_s = timeout_s
        self.counters = counters
        self.answer = answer
        self.lane = lane
        self.wait_s = timeout_s + lane.patience_s
        """How long its answer is waited for; within the horizon, so that it is nobody else's."""
        self.tries_left = 2 if self.permission is Permission.READ else 1
        self.sent_at = 0.0
        self.follow: Callable[[R], Exchange[Any] | None] | None = None
        """Makes of the answer what is written in the same turn; None for a question that stands alone."""
        self.on_sent: Callable[[], None] | None = None
        """Called at the moment it has been written."""
        self.expires_at: float | None = None
        """After this it is not sent any more."""

    @property
    def horizon_s(self) -> float:
        """How long after sending it nothing that answers this question comes any more."""
        return (1 + MOST_LATE_TIMEOUTS) * self.timeout_s + MARGIN_S

    @property
    def copy_s(self) -> float:
        """How long after its answer a second copy of that may come."""
        return MOST_LATE_TIMEOUTS * self.timeout_s + MARGIN_S

    def settle(self, payload: bytes) -> bool:
        """Hand over the answer; return whether it was a usable one."""
        try:
            reply = self.request.parse_reply(payload)
        except DeviceRefusedError as error:
            self.counters.refused += 1
            self.fail(error)
            return False
        except Exception as error:  # noqa: BLE001 - a dialect's mistake must not leave its asker waiting
            self.counters.unusable += 1
            self.counters.mar()
            self.fail(error)
            return False
        self.counters.answered += 1
        if not self.answer.done():
            self.answer.set_result(reply)
        return True

    def fail(self, error: Exception) -> None:
        """Hand over why there is no answer."""
        if not self.answer.done():
            self.answer.set_exception(error)
