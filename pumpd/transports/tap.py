"""Listening beside another master: what it asks and what the pump answers, without a byte of our own.

There is no way to write here. A question of a driver waits until the other master puts the same, byte for
byte; what follows up to the next question is its answer. So a tap is as good as the other master: one that
asks on before a late reply has come credits it wrongly, and so does whoever listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import LinkTimeoutError, TransportError
from pumpd.protocols.wire import Framer, Request, ServerFramer

R = TypeVar("R")
_REMEMBERED_BYTES: Final = 1024


@dataclass(slots=True)
class _Awaited:
    """A question that somebody else is to put."""

    request: Request[object]
    answer: asyncio.Future[bytes]
    framer: Framer
    frame: bytes
    following: ServerFramer | None = None
    """Looks for the next question; None until this one was put."""
    since: bytes = b""
    """What came since it was put, as much as its frame is long."""
    ending: bool = False
    """Another question was found. One byte is waited for: what looks so may be a reply without its last byte.

    A CRC that ends in 0 makes the bytes before it whole, too.
    """


class Tap:
    """A receiver that answers a driver's questions; implements ``drivers.base.Conversation``."""

    def __init__(
        self,
        framer: Callable[[], Framer],
        questions: Callable[[], ServerFramer],
        patience_s: float,
    ) -> None:
        """Listen to a protocol; a question that is not put and answered within ``patience_s`` timed out."""
        self._framer = framer
        self._questions = questions
        self._patience_s = patience_s
        self._buffer = bytearray()
        self._awaited: _Awaited | None = None
        self._lost: TransportError | None = None

    async def ask(self, request: Request[R]) -> R:
        """Return the answer that the other master gets; LinkTimeoutError, WireError, DeviceRefusedError."""
        if self._lost is not None:
            raise self._lost
        framer = self._framer()
        answer = asyncio.get_running_loop().create_future()
        self._awaited = _Awaited(request, answer, framer, framer.encode(request))
        self._look()
        try:
            async with asyncio.timeout(self._patience_s):
                payload = await answer
        except TimeoutError:
            raise LinkTimeoutError(
                f"address {request.address}: no other master put {type(request).__name__} and was answered "
                f"within {self._patience_s:g} s"
            ) from None
        finally:
            self._awaited = None
        return request.parse_reply(payload)

    def data_received(self, data: bytes) -> None:
        """Take what anybody said."""
        self._buffer += data
        del self._buffer[:-_REMEMBERED_BYTES]
        self._look()

    def connection_lost(self, error: TransportError) -> None:
        """Learn that the wire is gone."""
        self._lost = error
        if self._awaited is not None and not self._awaited.answer.done():
            self._awaited.answer.set_exception(error)

    def _look(self) -> None:
        awaited, buffer = self._awaited, self._buffer
        if awaited is None or awaited.answer.done():
            return
        while buffer:
            if awaited.following is None:
                at = buffer.find(awaited.frame)
                if at < 0:
                    return
                del buffer[: at + len(awaited.frame)]
                awaited.framer = self._framer()
                awaited.framer.encode(awaited.request)
                awaited.following, awaited.since = self._questions(), b""
            elif self._answered(awaited, awaited.following):
                return

    def _answered(self, awaited: _Awaited, following: ServerFramer) -> bool:
        """Take one byte behind the question; return whether it completes the answer."""
        one = bytes(self._buffer[:1])
        payload = awaited.framer.feed(one)
        if payload is None and awaited.ending:
            awaited.following, awaited.ending = None, False  # this question stays without an answer
            return False
        del self._buffer[:1]
        if payload is not None:
            awaited.answer.set_result(payload)
            return True
        awaited.since = (awaited.since + one)[-len(awaited.frame) :]
        awaited.ending = bool(following.feed(one)) and awaited.since != awaited.frame
        return False
