"""One turn of a line: a fresh reading and, on its heels, the rate written because of it (invariant 1).

Between the value that a pump reported and a rate written for it a hand may turn the pump further down, and
the write would be a raise. So nothing comes between, nothing unanswered is about, and it is never repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from pumpd.errors import TransportError
from pumpd.protocols.wire import Permission, Request
from pumpd.transports.exchange import Exchange

R = TypeVar("R")

WRITE_WITHIN_S: Final = 0.02
"""From the reading's last byte to the write, beside the silence between two frames."""


class Turn(Generic[R]):
    """The two exchanges of one turn."""

    def __init__(
        self,
        reading: Exchange[R],
        decide: Callable[[R], Request[None] | None],
        prepare: Callable[[Request[None]], Exchange[None]],
        on_written: Callable[[], None],
    ) -> None:
        """``decide`` names the write, or None; ``prepare`` makes an exchange of it."""
        self._reading = reading
        self._decide = decide
        self._prepare = prepare
        self._on_written = on_written
        self._writing: Exchange[None] | None = None
        self._problem: Exception | None = None
        reading.tries_left = 1
        reading.wait_s = reading.timeout_s  # what a slow reply tells is too old to be written after
        reading.follow = self._follow

    async def taken(self) -> bool:
        """Wait for both answers; return whether something was written. Raises what went wrong."""
        try:
            await self._reading.answer
            if self._problem is not None:
                raise self._problem
            if self._writing is None:
                return False
            await self._writing.answer
            return True
        finally:
            for exchange in (self._reading, self._writing):
                if exchange is not None:
                    exchange.answer.cancel()  # nobody waits any more: what has not gone out never does

    def _follow(self, reply: R) -> Exchange[Any] | None:
        try:
            request = self._decide(reply)
            if request is None:
                return None
            self._writing = self._prepare(request)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, and the line goes on
            self._problem = error
            return None
        if request.permission is not Permission.LOWER:
            self._writing.fail(TypeError(f"{type(request).__name__} is no LOWER: not for a turn"))
            return None
        self._writing.on_sent = self._on_written
        return self._writing


def too_late(name: str, exchange: Exchange[Any]) -> TransportError:
    """Return why a write that did not go out in its turn never does."""
    return TransportError(
        f"{name}, address {exchange.address}: the line was not free right after the reading; nothing written"
    )
