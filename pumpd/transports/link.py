"""One conversation on one wire: one question at a time, and no answer credited to the wrong one.

A reply may come late, or come twice, up to three time-outs after its own. Where replies do not name their
question, nothing is asked before then that such a reply could be mistaken for: see ``docs/decisions``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, TypeVar

from pumpd.errors import LinkTimeoutError, TransportError
from pumpd.protocols.wire import BlockwiseFramer, Framer, Permission, Request
from pumpd.transports.acknowledging import acknowledging
from pumpd.transports.base import Transport
from pumpd.transports.clearance import Clearance
from pumpd.transports.echo import Echo
from pumpd.transports.exchange import Counters, Exchange
from pumpd.transports.fairness import Fairness
from pumpd.transports.lane import Lane
from pumpd.transports.outgoing import OutgoingFilter
from pumpd.transports.turn import WRITE_WITHIN_S, Turn, too_late

R = TypeVar("R")


class Link:
    """Asks questions on one transport. It is the transport's ``Receiver``; the bus opens and closes it."""

    def __init__(
        self, transport: Transport, framer: Framer, outgoing: OutgoingFilter, latency_ms: int
    ) -> None:
        """Make it, closed. ``latency_ms`` is what the way to the pump and back adds to every reply."""
        self.counters: dict[int | None, Counters] = {}
        self.on_pause_written: Callable[[int | None], None] | None = None
        """Told the address at the moment a pause has been written."""
        self._transport = transport
        self._framer = framer
        self._acknowledge = acknowledging(framer, outgoing, transport)
        self._blockwise = framer if isinstance(framer, BlockwiseFramer) else None
        self._outgoing = outgoing
        self._latency_s = latency_ms / 1000
        self._up = False
        self._clearance = Clearance(framer)
        self.echo = Echo(transport.name)
        self.fairness = Fairness()
        self._lanes: dict[int | None, Lane] = {}
        self._lost: asyncio.Future[TransportError] | None = None
        self._waiting: list[Exchange[Any]] = []
        self._current: Exchange[Any] | None = None
        self._latest = Counters()
        self._silent_until = 0.0
        self._gap_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def up(self) -> bool:
        """True while the wire is open."""
        return self._up

    def counters_of(self, address: int | None) -> Counters:
        """Return the counters of one address, made on first use."""
        counters = self.counters.get(address)
        if counters is None:
            counters = self.counters[address] = Counters()
        return counters

    def lane_of(self, address: int | None) -> Lane:
        """Return the claim of one address, made on first use."""
        lane = self._lanes.get(address)
        if lane is None:
            lane = self._lanes[address] = Lane()
        return lane

    def timeout_s(self, request: Request[object], reply_time_ms: int) -> float:
        """Return how long to wait for a reply: its bytes and ours on the wire, the pump's time, the way."""
        transport = self._transport
        baud = transport.baud
        wire_s = self._framer.exchange_bytes(request) * transport.bits_per_byte / baud if baud else 0.0
        return wire_s + reply_time_ms / 1000 + self._latency_s

    async def open(self) -> asyncio.Future[TransportError]:
        """Open the wire; return what tells when and why it was lost. TransportError when it can not be."""
        loop = asyncio.get_running_loop()
        self._lost = lost = loop.create_future()
        await self._transport.open(self)
        self._framer.reset()
        self.echo.opened()
        self._gap_s = self._framer.gap_s(self._transport.baud, self._transport.bits_per_byte)
        self._silent_until = loop.time()
        self._clearance.opened(self._silent_until)
        self._up = not lost.done()
        return lost

    async def close(self, reason: TransportError) -> None:
        """Close the wire; whoever waits gets ``reason``."""
        self._end(reason)
        await self._transport.close()

    async def ask(self, request: Request[R], *, reply_time_ms: int) -> R:
        """Return the reply to ``request``; ``reply_time_ms`` is the longest the pump takes to begin it.

        TransportError while the line is down, LinkTimeoutError after silence, WireError, DeviceRefusedError,
        or ForbiddenFrameError. Only a read is asked a second time, and only after silence.
        """
        permission = getattr(request, "permission", None)
        if not isinstance(permission, Permission):
            self._outgoing.refuse(None, b"", f"{type(request).__name__} has no permission to be sent")
        if permission is Permission.LOWER:
            self._outgoing.refuse(
                request.address, b"", "a rate is written only in the turn of a fresh reading"
            )
        exchange = self._exchange(request, reply_time_ms)
        self._enter(exchange)
        return await exchange.answer

    async def lower(
        self,
        reading: Request[R],
        decide: Callable[[R], Request[None] | None],
        on_written: Callable[[], None],
        *,
        reply_time_ms: int,
    ) -> bool:
        """Ask ``reading`` and, in the same turn, send what ``decide`` makes of its reply; True if any.

        The contract is that of ``drivers.base.TurnTaking``.
        """
        exchange = self._exchange(reading, reply_time_ms)
        turn = Turn(exchange, decide, lambda request: self._exchange(request, reply_time_ms), on_written)
        self._enter(exchange)
        return await turn.taken()

    def _exchange(self, request: Request[R], reply_time_ms: int) -> Exchange[R]:
        if not self._up:
            raise TransportError(f"{self._transport.name}: the line is down")
        answer = asyncio.get_running_loop().create_future()
        timeout_s = self.timeout_s(request, reply_time_ms)
        address = request.address
        return Exchange(request, timeout_s, self.counters_of(address), answer, self.lane_of(address))

    def _enter(self, exchange: Exchange[Any]) -> None:
        loop = asyncio.get_running_loop()
        self.fairness.entered(exchange, loop.time())
        self._waiting.append(exchange)
        if self._current is None:
            self._advance(loop)

    def look_again(self) -> None:
        """Look anew who goes next: somebody's turn has changed."""
        if self._current is None and self._up and self._waiting:
            self._advance(asyncio.get_running_loop())

    def data_received(self, data: bytes) -> None:
        """Take bytes; what answers no open question is dropped and counted."""
        framer, current = self._framer, self._current
        discarded = framer.discarded_bytes
        loop = asyncio.get_running_loop()
        now = loop.time()
        payload = framer.feed(self.echo.without(data))
        self._latest.dropped(framer.discarded_bytes - discarded, late := framer.take_late())
        for request in late:
            self._clearance.late(request, now)
        self._silent_until = now + self._gap_s
        self._acknowledge()
        if payload is None or current is None:
            if current is not None and self._blockwise is not None and self._blockwise.take_progress():
                self._await_reply(current, loop, now)
            return
        self._current = None
        self._stop_timer()
        counters = current.counters
        counters.round_trip_ms = (now - current.sent_at) * 1000
        counters.longest_round_trip_ms = max(counters.longest_round_trip_ms, counters.round_trip_ms)
        self.fairness.answered(current)
        self._clearance.answered(current, now)
        if now - current.sent_at > current.timeout_s:
            current.lane.on_slow()
        if not current.settle(payload):
            self._clearance.unusable(current, now)
        elif current.follow is not None and not current.answer.cancelled():
            self._follow_up(current.follow(current.answer.result()))
        if self._waiting:
            self._advance(loop)

    def connection_lost(self, error: TransportError) -> None:
        """Learn that the wire is gone; whoever waits gets ``error``."""
        self._end(error)

    def _follow_up(self, writing: Exchange[Any] | None) -> None:
        """Put what belongs to the same turn in front of everything."""
        if writing is not None and self._may_go_at(writing) <= self._silent_until:
            writing.expires_at = self._silent_until + WRITE_WITHIN_S
            self._waiting.insert(0, writing)
        elif writing is not None:
            writing.fail(too_late(self._transport.name, writing))

    def _advance(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send the next question that may go, in the order of ``Fairness``."""
        fair = self.fairness
        while self._current is None and self._up and self._waiting:
            now = loop.time()
            chosen, ready_at = None, math.inf
            for exchange in self._waiting:
                at = max(self._may_go_at(exchange), fair.not_before(exchange))
                if at > now:
                    ready_at = min(ready_at, at)
                elif chosen is None or fair.rank(exchange) < fair.rank(chosen):
                    chosen = exchange
            if chosen is None:
                self._stop_timer()
                self._timer = loop.call_at(ready_at, self._wake)
                return
            self._waiting.remove(chosen)
            if not chosen.answer.done():
                self._send(chosen, loop, now)

    def _may_go_at(self, exchange: Exchange[Any]) -> float:
        return max(self._silent_until if self._gap_s else 0.0, self._clearance.at(exchange))

    def _send(self, exchange: Exchange[Any], loop: asyncio.AbstractEventLoop, now: float) -> None:
        if exchange.expires_at is not None and now > exchange.expires_at:
            exchange.fail(too_late(self._transport.name, exchange))
            return
        try:
            frame = self._framer.encode(exchange.request)
            self._outgoing.check(frame, exchange.permission)
            self._transport.write(frame)
            self.echo.sent(frame, exchange.permission)
        except Exception as error:  # noqa: BLE001 - whatever it was, its asker must be told
            self._framer.reset()
            exchange.fail(error)
            return
        exchange.counters.asked += 1
        self._latest = exchange.counters
        self._current = exchange
        self._await_reply(exchange, loop, now)
        self.fairness.sent(exchange, now)
        if exchange.permission is Permission.PAUSE and self.on_pause_written is not None:
            self.on_pause_written(exchange.address)
        if exchange.on_sent is not None:
            exchange.on_sent()

    def _await_reply(self, exchange: Exchange[Any], loop: asyncio.AbstractEventLoop, now: float) -> None:
        """Wait for a reply, or for its next block, from now on; horizons begin now, too."""
        exchange.sent_at = now
        self._clearance.sent(exchange, now)
        self._stop_timer()
        self._timer = loop.call_at(now + exchange.wait_s, self._silence)

    def _wake(self) -> None:
        self._timer = None
        self._advance(asyncio.get_running_loop())

    def _silence(self) -> None:
        """No reply came in time: quarantine, and ask once more if it was a read."""
        self._timer = None
        current, self._current = self._current, None
        assert current is not None, "the timer runs only while a question is open"
        self._framer.give_up()
        current.counters.timed_out += 1
        self._clearance.silent(current)
        self.fairness.unanswered(current, asyncio.get_running_loop().time())
        current.tries_left -= 1
        if current.tries_left:
            self._waiting.append(current)
        else:
            current.fail(
                LinkTimeoutError(
                    f"{self._transport.name}, address {current.address}: no answer to "
                    f"{type(current.request).__name__} within {current.wait_s * 1000:.0f} ms; "
                    "check power, cable, address and baud rate"
                )
            )
        self._advance(asyncio.get_running_loop())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, error: TransportError) -> None:
        self._up = False
        self._stop_timer()
        self._framer.reset()
        waiting, self._waiting = self._waiting, []
        if self._current is not None:
            waiting.append(self._current)
            self._current = None
        for exchange in waiting:
            exchange.fail(error)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(error)
