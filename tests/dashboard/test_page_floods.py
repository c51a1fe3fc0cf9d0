"""Whoever is let in and turns hostile: floods of frames, huge frames, sockets without number."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets import Origin
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from dashboard.stream import FRAMES_A_BEAT, LONGEST_FROM_PAGE, MOST_PAGES, PAGES_EACH
from pumpd.qa.virtual_time import in_virtual_time
from tests.dashboard.people import COOKIE
from tests.dashboard.served import Served, served
from tests.dashboard.test_stream import Serving, _end

pytestmark = pytest.mark.requirement("DASH-6", "HTTPS-1")
TOO_MANY = (1013, "too many pages are open")


@asynccontextmanager
async def hub() -> AsyncIterator[Serving]:
    """Yield a hub, and end whatever pages are left of it."""
    before = asyncio.all_tasks()
    try:
        yield Serving()
    finally:
        for task in asyncio.all_tasks() - before:
            await _end(task)


@in_virtual_time
async def test_a_page_that_says_too_much_is_cut() -> None:
    """It answers each beat, also several at once after a pause; one frame more than that ends it."""
    async with hub() as serving:
        page, _ = serving.open()
        await asyncio.sleep(0.5)
        for _ in range(3):
            for _ in range(FRAMES_A_BEAT - 1):
                page.answers.put_nowait('{"seen":1}')
            await asyncio.sleep(1)
        assert page.end() is None
        for _ in range(FRAMES_A_BEAT + 1):
            page.answers.put_nowait("nonsense")
        await asyncio.sleep(0.01)
        assert page.closed == (1008, "this page says too much")
        assert serving.hub.open_pages == 0


@in_virtual_time
async def test_one_sign_in_has_so_many_pages_and_no_more() -> None:
    """The next one is refused, others' pages are not; one that goes makes room."""
    async with hub() as serving:
        opened = [serving.open("eve") for _ in range(PAGES_EACH)]
        await asyncio.sleep(0.1)
        refused, _ = serving.open("eve")
        anns, _ = serving.open("ann")
        await asyncio.sleep(0.1)
        assert refused.closed == TOO_MANY
        assert refused.frames == []
        assert anns.of("picture")
        await _end(opened.pop()[1])
        again, _ = serving.open("eve")
        await asyncio.sleep(0.1)
        assert again.of("picture")


@in_virtual_time
async def test_there_are_so_many_pages_and_no_more() -> None:
    """However many sign-ins somebody makes."""
    async with hub() as serving:
        for number in range(MOST_PAGES):
            serving.open(f"eve {number}")
        late, _ = serving.open("ann")
        await asyncio.sleep(0.1)
        assert serving.hub.open_pages == MOST_PAGES
        assert late.closed == TOO_MANY


def _page(made: Served) -> ClientConnection:
    place = made.url.removeprefix("http://")
    return connect(
        f"ws://{place}/stream", origin=Origin(made.url), additional_headers=COOKIE, open_timeout=10
    )


def _closed(page: Connection) -> int:
    """Return with which code the server closes it."""
    try:
        while True:
            page.recv(timeout=10)
    except ConnectionClosed as end:
        return 0 if end.rcvd is None else end.rcvd.code


@pytest.mark.real
def test_a_hostile_page_is_cut_while_others_are_served(tmp_path: Path) -> None:
    """A frame too long, frames without end, sockets without number, all over real sockets."""
    with served(tmp_path, None, broker=False) as made, _page(made) as good:
        with _page(made) as loud:
            loud.send("x" * (LONGEST_FROM_PAGE + 1))
            assert _closed(loud) == 1009
        with _page(made) as fast:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(100_000):
                    fast.send('{"seen":1}')
            assert _closed(fast) == 1008
        many = [_page(made) for _ in range(PAGES_EACH + 5)]
        assert [_closed(page) for page in many[PAGES_EACH - 1 :]] == [1013] * 6
        made.until("/healthz", lambda answer: answer["pages"] == PAGES_EACH)
        for page in many:
            page.close()
        made.until("/healthz", lambda answer: answer["pages"] == 1)
        assert good.recv(timeout=10)
