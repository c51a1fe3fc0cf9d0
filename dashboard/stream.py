"""One WebSocket to each page: the whole picture first, then numbers that collapse, events that never do."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from dashboard.live import Change, Kind
from dashboard.page import Frame, Pages

NUMBERS_EVERY_S = 0.25
"""How often a page is told new numbers: at most four times a second, the newest of each pump."""
BEAT_S = 1.0
"""How often a page hears the server's time."""
SEND_DEADLINE_S = 3.0
"""A page that takes nothing for this long is cut; it comes back and starts from a snapshot."""
BEATS_BEHIND = 8
"""A page that has not answered this many heartbeats is cut, whatever its buffers swallowed."""
CARDS_EVERY_S = 0.1
"""A first change of a card goes at once, more of them within this time go as one."""
URGENT_KEPT = 500
"""Events waiting for one page; more is behind."""
MOST_PAGES = 500
"""More pages than a hospital has screens are somebody's who wants memory or time of this process."""
PAGES_EACH = 20
"""Pages of one sign-in or screen at a time; a person has a few tabs."""
LONGEST_FROM_PAGE = 256
"""Bytes of one frame from a page."""
FRAMES_A_BEAT = 30
"""Frames from a page between two heartbeats: it answers each, and after a pause several at once."""
FROM_PAGES = ("seen",)
"""The keys of what a page says: the heartbeat it saw last. It asks for nothing here."""

_log = structlog.get_logger()


class Socket(Protocol):
    """What is used of a WebSocket."""

    async def send_text(self, data: str) -> None:
        """Send one frame; waits while the page does not take it."""
        ...

    async def receive_text(self) -> str:
        """Return the next frame from the page."""
        ...


class PageGoneError(Exception):
    """The page fell behind or the server stops; ``code`` closes the WebSocket (RFC 6455 7.4.1)."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


def _always() -> None:
    """Let the page look on."""


class PageStream:
    """What one page still has to be told; ``still_looks`` raises PageGoneError when it may look no more."""

    def __init__(self, pages: Pages, still_looks: Callable[[], None] = _always) -> None:
        self._pages = pages
        self._still_looks = still_looks
        self._urgent: deque[Callable[[], Frame]] = deque()
        self._cards: dict[str, None] = {}
        self._site = False
        self._numbers: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._behind = False
        self._closing = False
        self._beats_sent = 0
        self._beats_seen = 0
        self._heard = 0

    def tell(self, change: Change) -> None:
        """Note a change; cheap, and never waits."""
        pages = self._pages
        match change.kind:
            case Kind.NUMBERS:
                self._numbers.update(dict.fromkeys(change.keys))
                return
            case Kind.CARD:
                self._cards.update(dict.fromkeys(change.keys))
            case Kind.NODE:
                self._site = True
            case Kind.EVENT if change.event is not None:
                event = change.event
                self._urgent.append(lambda: pages.event(event))
            case _:
                return
        self._behind = self._behind or len(self._urgent) > URGENT_KEPT
        self._wake.set()

    def close(self) -> None:
        """Ask the page's stream to end."""
        self._closing = True
        self._wake.set()

    async def run(self, socket: Socket) -> None:
        """Serve the page until it goes, falls behind or the server stops (PageGoneError)."""
        listening = asyncio.create_task(self._listen(socket), name="dashboard.page.listen")
        telling = asyncio.create_task(self._speak(socket), name="dashboard.page.speak")
        tasks = {listening, telling}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            ends = [task.exception() for task in tasks if not task.cancelled()]
        for end in ends:
            if end is not None:
                raise end

    async def _listen(self, socket: Socket) -> None:
        while True:
            text = await socket.receive_text()
            self._heard += 1
            if self._heard > FRAMES_A_BEAT:
                raise PageGoneError(1008, "this page says too much")
            try:
                frame = json.loads(text)
                seen = int(frame[FROM_PAGES[0]])
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
            self._beats_seen = max(self._beats_seen, min(seen, self._beats_sent))

    async def _speak(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        await self._send(socket, self._pages.picture())
        beat_at = loop.time()
        numbers_at = loop.time() + NUMBERS_EVERY_S
        cards_at = loop.time()
        while True:
            if self._closing:
                raise PageGoneError(1001, "the dashboard stops")
            if self._behind or self._beats_sent - self._beats_seen > BEATS_BEHIND:
                raise PageGoneError(1013, "this page fell behind")
            while self._urgent:
                await self._send(socket, self._urgent.popleft()())
            now = loop.time()
            if now >= cards_at and (self._cards or self._site):
                cards_at = now + CARDS_EVERY_S
                await self._send_cards(socket)
            if now >= numbers_at:
                numbers_at = now + NUMBERS_EVERY_S
                if self._numbers:
                    keys, self._numbers = self._numbers, {}
                    await self._send(socket, self._pages.numbers(keys))
            if now >= beat_at:
                self._still_looks()
                beat_at = now + BEAT_S
                self._heard = 0
                self._beats_sent += 1
                await self._send(socket, self._pages.beat(self._beats_sent))
            self._wake.clear()
            if self._urgent:
                continue
            until = [beat_at, numbers_at, *([cards_at] if self._cards or self._site else [])]
            try:
                async with asyncio.timeout_at(min(until)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send_cards(self, socket: Socket) -> None:
        """Send the present state of nodes and of every card that changed; their numbers are in it."""
        if self._site:
            self._site = False
            await self._send(socket, self._pages.site_state())
        keys, self._cards = self._cards, {}
        for key in keys:
            self._numbers.pop(key, None)
        if keys:
            await self._send(socket, self._pages.cards(keys))

    @staticmethod
    async def _send(socket: Socket, frame: Frame) -> None:
        try:
            async with asyncio.timeout(SEND_DEADLINE_S):
                await socket.send_text(json.dumps(frame, separators=(",", ":")))
        except TimeoutError:
            raise PageGoneError(1013, "this page does not take what it is sent") from None


class Hub:
    """All pages that are open."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._streams: dict[PageStream, str] = {}
        """Each with whose it is."""
        self._closing = False

    @property
    def open_pages(self) -> int:
        """How many pages are being served."""
        return len(self._streams)

    def tell(self, change: Change) -> None:
        """Pass a change on to every page."""
        for stream in self._streams:
            stream.tell(change)

    async def serve(
        self,
        socket: Socket,
        close: Callable[[int, str], Awaitable[None]],
        still_looks: Callable[[], None] = _always,
        whose: str = "",
    ) -> None:
        """Serve one page to its end; ``close`` is called when the end is the server's choice.

        ``still_looks`` is asked with each heartbeat, and raises PageGoneError when the page may look no more.
        ``whose`` is the sign-in or screen that it belongs to.
        """
        stream = PageStream(self._pages, still_looks)
        if self._closing:
            await close(1001, "the dashboard stops")
            return
        if len(self._streams) >= MOST_PAGES or list(self._streams.values()).count(whose) >= PAGES_EACH:
            await close(1013, "too many pages are open")
            return
        self._streams[stream] = whose
        try:
            await stream.run(socket)
        except PageGoneError as gone:
            _log.info("page cut", reason=gone.reason)
            async with asyncio.timeout(SEND_DEADLINE_S):
                await close(gone.code, gone.reason)
        finally:
            del self._streams[stream]

    def close(self) -> None:
        """End every stream; pages come back by themselves."""
        self._closing = True
        for stream in self._streams:
            stream.close()
