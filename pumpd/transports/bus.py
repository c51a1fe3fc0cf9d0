"""Several pumps on one line: they share one link, and the line is kept open for all of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import structlog

from pumpd.errors import TransportError
from pumpd.protocols import framing_mbap, framing_rtu
from pumpd.protocols.wire import Dialect, Framer, Request
from pumpd.transports.base import Transport
from pumpd.transports.exchange import Counters
from pumpd.transports.link import Link
from pumpd.transports.outgoing import Control, DialectFilter, OutgoingFilter
from pumpd.transports.url import Framing, PumpUrl

R = TypeVar("R")

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0
"""Between two attempts to open a line: whoever is back is seen again soon, and an attempt costs little."""
_LASTED_S: Final = 10.0
"""A line that held this long was well: the next attempts begin with short pauses again."""

log = structlog.get_logger(__name__)


def _nobody_asks() -> None:
    pass


class LineConversation:
    """What one driver may do with its line; implements ``drivers.base.Conversation``."""

    def __init__(self, link: Link, unit: int, reply_time_ms: int) -> None:
        self._link = link
        self._lane = link.lane_of(unit)
        self._unit = unit
        self._reply_time_ms = reply_time_ms
        self.on_pause_written: Callable[[], None] = _nobody_asks
        """Called at the moment a pause to this pump has been written."""

    def when_slow(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when an answer took longer than usual, within what the pump may take."""
        self._lane.on_slow = tell

    @property
    def counters(self) -> Counters:
        """What happened at this address so far."""
        return self._link.counters_of(self._unit)

    @contextmanager
    def urgently(self) -> Iterator[None]:
        """Let whatever waits for this pump go ahead of every poll, whether it answered lately or not."""
        self._lane.n_restraints += 1
        self._link.look_again()
        try:
            yield
        finally:
            self._lane.n_restraints -= 1

    async def ask(self, request: Request[R]) -> R:
        """Return the reply; ValueError when the question is for another pump."""
        if request.address != self._unit:
            raise ValueError(f"a conversation with unit {self._unit} can not ask unit {request.address}")
        return await self._link.ask(request, reply_time_ms=self._reply_time_ms)

    async def lower(
        self,
        reading: Request[R],
        decide: Callable[[R], Request[None] | None],
        on_written: Callable[[], None],
    ) -> bool:
        """Ask and write in one turn of the line, as ``Link.lower``; ValueError for another's question."""
        if reading.address != self._unit:
            raise ValueError(f"a conversation with unit {self._unit} can not ask unit {reading.address}")
        return await self._link.lower(reading, decide, on_written, reply_time_ms=self._reply_time_ms)


class Bus:
    """One line and everyone on it. ``run`` keeps it open; who asks while it is down gets TransportError."""

    def __init__(
        self, transport: Transport, link: Link, outgoing: OutgoingFilter, seeded: random.Random
    ) -> None:
        """Make it, closed; ``seeded`` spreads the attempts of many lines to open."""
        self._transport = transport
        self.link = link
        self._outgoing = outgoing
        self._random = seeded
        self._came_up = asyncio.Event()
        self._openings = 0
        self.attempts = 0
        """How often it was tried to open the line."""
        self._conversations: dict[int | None, LineConversation] = {}
        link.on_pause_written = self._pause_written
        link.fairness.on_pace = self._tell_pace

    @property
    def name(self) -> str:
        """The line's name in messages."""
        return self._transport.name

    @property
    def up(self) -> bool:
        """True while the line is open."""
        return self.link.up

    @property
    def opening(self) -> int:
        """Which opening of the line this is, 1, 2, 3 ...; 0 while it is not open."""
        return self._openings if self.link.up else 0

    async def until_up(self) -> None:
        """Wait until the line is open."""
        await self._came_up.wait()
        while not self.up:  # lost again, and ``run`` has not heard of it yet
            await asyncio.sleep(0)
            await self._came_up.wait()

    def conversation(
        self,
        unit: int,
        reply_time_ms: int,
        controls: Iterable[Control] = (),
        *,
        slow_reply_ms: int = 0,
        interval_s: float = 1.0,
        n_questions: int = 1,
    ) -> LineConversation:
        """Return the conversation with one pump, which may be sent reads and the declared ``controls``.

        A reading of ``n_questions`` every ``interval_s`` is its claim to the line. Its replies begin within
        ``reply_time_ms``, or else within ``slow_reply_ms``, if it may be slow; both as its card says.
        """
        self._outgoing.declare(unit, controls)
        lane = self.link.lane_of(unit)
        lane.interval_s, lane.n_questions = interval_s, n_questions
        lane.patience_s = max(0, slow_reply_ms - reply_time_ms) / 1000
        conversation = self._conversations[unit] = LineConversation(self.link, unit, reply_time_ms)
        return conversation

    def timeout_s(self, request: Request[object], reply_time_ms: int) -> float:
        """Return how long the line waits for a reply; a shape of RTU is asked again after four of them."""
        return self.link.timeout_s(request, reply_time_ms)

    def _tell_up(self) -> None:
        log.info("line up", line=self.name)

    def _tell_pace(self, behind: bool, longest_wait_s: float) -> None:  # noqa: FBT001 - a callback's shape
        if behind:
            log.warning(
                "line too slow for what is asked of it: all its pumps are read less often",
                line=self.name,
                longest_wait_s=round(longest_wait_s, 1),
            )
        else:
            log.info("line keeps up again", line=self.name)

    def _pause_written(self, address: int | None) -> None:
        conversation = self._conversations.get(address)
        if conversation is not None:
            conversation.on_pause_written()

    async def run(self) -> None:
        """Keep the line open until cancelled; wait longer the longer it can not be, log once each way.

        One that breaks again and again as soon as it opens, as at a serial server that has its one client, is
        not told up before it has held.
        """
        loop = asyncio.get_running_loop()
        pause_s, told_down, short = FIRST_PAUSE_S, False, 0
        try:
            while True:
                self.attempts += 1
                try:
                    lost = await self.link.open()
                except TransportError as error:
                    reason = error
                else:
                    opened_at, told_up = loop.time(), short < 2
                    self._openings += 1
                    self._came_up.set()
                    telling = None if told_up else loop.call_later(_LASTED_S, self._tell_up)
                    if told_up:
                        self._tell_up()
                    try:
                        reason = await lost
                    finally:
                        if telling is not None:
                            telling.cancel()
                    self._came_up.clear()
                    lasted = loop.time() - opened_at >= _LASTED_S
                    if lasted:
                        pause_s = FIRST_PAUSE_S
                    short = 0 if lasted else short + 1
                    told_down = told_down and not (told_up or lasted)
                await self.link.close(reason)
                if not told_down:
                    log.warning("line down", line=self.name, reason=str(reason))
                    told_down = True
                await asyncio.sleep(pause_s * self._random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            self._came_up.clear()
            await self.link.close(TransportError(f"{self.name}: the line was closed"))


def bus_for(
    url: PumpUrl,
    *,
    latency_ms: int,
    seeded: random.Random,
    on_blocked: Callable[[int | None, bytes, str], None],
    transport: Transport | None = None,
    dialect: Dialect | None = None,
) -> Bus:
    """Return the bus of a line, closed; ``transport`` stands in for the URL's own.

    ValueError when the URL is not Modbus and no ``dialect`` says how its messages are framed.
    """
    if url.framing is Framing.MODBUS_TCP:
        framer: Framer = framing_mbap.MbapFramer(seeded.randrange(0x10000))
        outgoing = OutgoingFilter(framing_mbap.payload_of, on_blocked)
    elif url.framing is Framing.MODBUS_RTU:
        framer = framing_rtu.RtuFramer()
        outgoing = OutgoingFilter(framing_rtu.payload_of, on_blocked)
    elif dialect is not None:
        framer, outgoing = dialect.framer(), DialectFilter(dialect, on_blocked)
    else:
        raise ValueError(f"{url.url}: a framed dialect, not Modbus")
    wire = transport or url.transport()
    return Bus(wire, Link(wire, framer, outgoing, latency_ms), outgoing, seeded)
