"""Events on their way to the broker: in journal order, once or more, marked sent only when it has them.

The journal is the memory. What is here in memory is only what came since; whenever something may be missing
(a new connection, a gap in the numbers, too much waiting) the journal is asked for all that is unsent.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

import structlog

from pumpd.clock import Clock
from pumpd.contract.payloads import EventPayload
from pumpd.errors import StoreError
from pumpd.store.base import Journal, OutboxLine

LOOK_BACK_S = 120.0
"""What the broker had confirmed so shortly before it was lost is sent again: it may have died with it."""
FARTHEST_BACK_S = 600.0
"""A broker that keeps failing is looked back over this far, so that what is sent again stays bounded."""
AGAIN_AFTER_S = 5.0
"""Subscribers reconnect later than we do: what was sent meanwhile is sent once more after this long."""
ASK_AGAIN_AFTER_S = 1.0
"""While the journal can not be read, how often it is asked."""
WINDOW = 16
"""Events on their way to the broker at a time; on one connection they stay in order."""
WAITING_LINES = 5_000
"""Lines kept in memory while the broker takes none; beyond that they wait in the journal alone."""
UNSENT_ONLY_MS = 2**62
"""A time no line was committed after: only what is unsent comes back."""

Publish = Callable[[bytes], Awaitable[None]]
"""Publishes one event with QoS 1 and returns when the broker has it."""

_log = structlog.get_logger("pumpd.outbox")


def _event(line: OutboxLine, *, resent: bool) -> bytes | None:
    try:
        payload = json.loads(line.payload)
        payload.update(seq=line.seq, journalled=True, resent=resent)
    except (ValueError, AttributeError) as error:
        _log.error("journal line unreadable, passed over", seq=line.seq, reason=str(error))
        return None
    # A pump may have sent bytes that are no text; they must not stop the events behind them.
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class OutboxPublisher:
    """Sends one node's events; ``run`` lives as long as one connection, the rest outlives them."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        restored = journal.restored
        self._journal = journal
        self._clock = clock
        self._lines: deque[OutboxLine] = deque()
        self._early: dict[str, EventPayload] = {}
        self._early_told: dict[str, EventPayload] = {}
        # What the journal has not confirmed in time, by event id: nobody told yet, and told already.
        self._wake = asyncio.Event()
        self.confirmed_seq = restored.unsent[0].seq - 1 if restored.unsent else restored.last_seq
        """Every line up to this one is known to have reached a broker."""
        self._lost_ns = clock.monotonic_ns()
        self._settled = False
        """This connection has lasted long enough for subscribers to have come back."""
        self._behind = True
        self._unreadable = False
        self.given_up_count = 0
        """Events that nobody will be told of, since neither journal nor broker took them for so long."""

    @property
    def idle(self) -> bool:
        """True when nothing waits to be sent."""
        return not (self._lines or self._early or self._behind)

    def journalled(self, lines: Sequence[OutboxLine]) -> None:
        """Send these when the broker takes them; they are on disk, in journal order."""
        for line in lines:
            self._early.pop(line.event_id, None)
            self._early_told.pop(line.event_id, None)
        if self._behind:
            return  # the journal will be asked, and has them
        if len(self._lines) + len(lines) > WAITING_LINES:
            self._lines.clear()
            self._behind = True
        else:
            self._lines.extend(lines)
        self._wake.set()

    def unjournalled(self, event: EventPayload) -> None:
        """Send this event although it is not on disk."""
        self._early[event.id] = event
        if len(self._early) > WAITING_LINES:
            # Neither disk nor broker for thousands of events: what stands is told by the retained topics.
            lost = self._early.pop(next(iter(self._early)))
            if not self.given_up_count:
                _log.error("events given up: neither journal nor broker takes them", first=lost.id)
            self.given_up_count += 1
        self._wake.set()

    def lost(self) -> None:
        """Take note that the connection has ended; one that was too short to count is looked back over."""
        now_ns = self._clock.monotonic_ns()
        farthest_ns = now_ns - int(FARTHEST_BACK_S * 1_000_000_000)
        self._lost_ns = now_ns if self._settled else max(self._lost_ns, farthest_ns)
        self._settled = False
        self._behind = True
        self._lines.clear()
        resent = {key: e.model_copy(update={"resent": True}) for key, e in self._early_told.items()}
        self._early, self._early_told = resent | self._early, {}

    async def run(self, publish: Publish) -> None:
        """Send over a connection that has just been made, until cancelled."""
        loop = asyncio.get_running_loop()
        since_ms = self._since_ms()
        everything_at_s = [loop.time(), loop.time() + AGAIN_AFTER_S]
        not_before_s = 0.0
        while True:
            self._wake.clear()
            now_s = loop.time()
            if self._early:
                await self._send_early(publish)
            elif now_s >= not_before_s and everything_at_s and everything_at_s[0] <= now_s:
                if await self._send_from_journal(publish, since_ms):
                    everything_at_s.pop(0)
                    self._settled = not everything_at_s
                else:
                    not_before_s = now_s + ASK_AGAIN_AFTER_S
            elif now_s >= not_before_s and self._behind:
                if not await self._send_from_journal(publish, UNSENT_ONLY_MS):
                    not_before_s = now_s + ASK_AGAIN_AFTER_S
            elif self._lines:
                await self._send_waiting(publish)
            else:
                due_s = [max(at_s, not_before_s) for at_s in everything_at_s[:1]]
                due_s += [not_before_s] if self._behind else []
                await self._woken(min(due_s, default=None))

    async def _woken(self, until_s: float | None) -> None:
        try:
            async with asyncio.timeout_at(until_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _since_ms(self) -> int:
        ago_ms = (self._clock.monotonic_ns() - self._lost_ns) // 1_000_000 + int(LOOK_BACK_S * 1000)
        return int(self._clock.wall().timestamp() * 1000) - ago_ms

    async def _send_early(self, publish: Publish) -> None:
        events = list(islice(self._early.values(), WINDOW))
        await asyncio.gather(*(publish(event.model_dump_json().encode()) for event in events))
        for event in events:
            if self._early.pop(event.id, None) is not None:
                self._early_told[event.id] = event
        while len(self._early_told) > WAITING_LINES:
            del self._early_told[next(iter(self._early_told))]

    async def _send_waiting(self, publish: Publish) -> None:
        while self._lines and self._lines[0].seq <= self.confirmed_seq:
            self._lines.popleft()
        if not self._lines:
            return
        if self._lines[0].seq > self.confirmed_seq + 1:
            # Lines in between were refused by the journal at first and are on disk by now.
            if not await self._send_from_journal(publish, UNSENT_ONLY_MS):
                return
            if self._lines and self._lines[0].seq > self.confirmed_seq + 1:
                self.confirmed_seq = self._lines[0].seq - 1  # the journal has nothing there
            return
        await self._send(publish, list(islice(self._lines, WINDOW)))

    async def _send_from_journal(self, publish: Publish, since_ms: int) -> bool:
        """Send what was committed since then once more, and all that is unsent; False if unreadable."""
        self._behind = False  # from here on lines that come are kept here as well
        try:
            lines = await self._journal.recent(since_ms)
        except StoreError as error:
            self._behind = True
            self._lines.clear()
            if not self._unreadable:
                _log.error("journal unreadable, its events wait", reason=str(error))
            self._unreadable = True
            return False
        if self._unreadable:
            _log.info("journal readable")
        self._unreadable = False
        for start in range(0, len(lines), WINDOW):
            await self._send(publish, lines[start : start + WINDOW])
        return True

    async def _send(self, publish: Publish, lines: Sequence[OutboxLine]) -> None:
        if not lines:
            return
        known = self.confirmed_seq
        events = [_event(line, resent=line.seq <= known) for line in lines]
        await asyncio.gather(*(publish(event) for event in events if event is not None))
        if lines[-1].seq > known:
            self.confirmed_seq = lines[-1].seq
            self._journal.mark_sent(self.confirmed_seq)
