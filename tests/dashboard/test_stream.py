"""What one page is told: the picture first, numbers collapsed, events never, and cut when it falls behind."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dashboard.live import Change, Kind, LiveWard
from dashboard.page import ConfiguredPump, Pages
from dashboard.stream import BEATS_BEHIND, SEND_DEADLINE_S, URGENT_KEPT, Hub
from pumpd.contract.payloads import EventPayload
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from tests.dashboard import canned
from tests.dashboard.canned import BOOT, NODE, SITE

KEY = "PUMP-01/1"


class FakePage:
    """A browser page: takes frames, answers heartbeats, and can stop doing either."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.answers: asyncio.Queue[str] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()
        self.answering = True
        self.closed: tuple[int, str] | None = None

    async def send_text(self, data: str) -> None:
        await self.takes.wait()
        frame = json.loads(data)
        self.frames.append(frame)
        if frame["t"] == "beat" and self.answering:
            self.answers.put_nowait(json.dumps({"seen": frame["n"]}))

    async def receive_text(self) -> str:
        return await self.answers.get()

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def end(self) -> tuple[int, str] | None:
        return self.closed

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["t"] == kind]


class Serving:
    """A hub with one pump, on virtual time."""

    def __init__(self) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.ward = LiveWard(SITE)
        self.ward.broker(up=True, now_ms=self.now_ms())
        pumps = (
            ConfiguredPump("PUMP-01", "1", "w", "", "demo"),
            ConfiguredPump("PUMP-02", "2", "w", "", "real"),
        )
        self.pages = Pages(self.ward, self.clock, SITE, "0.1.0", pumps)
        self.hub = Hub(self.pages)
        self.take("pump/PUMP-01/1/snapshot", canned.snapshot(sent_ms=self.now_ms()))
        self.seq = 1

    def now_ms(self) -> int:
        return self.clock.monotonic_ns() // 1_000_000

    def take(self, topic: str, payload: Any) -> Change:
        change = self.ward.receive(
            f"{self.ward.topics.prefix}/{topic}",
            payload.model_dump_json().encode(),
            retained=False,
            now_ms=self.now_ms(),
        )
        self.hub.tell(change)
        return change

    def read(self, flow: str) -> None:
        self.seq += 1
        body = canned.telemetry(canned.reading(seq=self.seq, flow_ml_h=flow), sent_ms=self.now_ms())
        self.take(f"node/{NODE}/telemetry", body)

    def event(self, number: int) -> None:
        body = EventPayload(
            id=f"e-{number}",
            node=NODE,
            boot_id=BOOT,
            seq=number,
            journalled=True,
            at=canned.AT,
            kind="alarm",
            event="raise",
        )
        self.take(f"node/{NODE}/event", body)

    def open(self, whose: str = "") -> tuple[FakePage, asyncio.Task[None]]:
        page = FakePage()
        serving = self.hub.serve(page, page.close, whose=whose)
        return page, asyncio.create_task(serving, name="test.page")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@in_virtual_time
@pytest.mark.requirement("DASH-3", "DASH-6", "INV-5")
async def test_the_first_frame_is_the_whole_picture():
    """It holds every pump that was heard of, and those of the configuration that never were."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.1)
    picture = page.frames[0]
    assert picture["t"] == "picture"
    assert {card["key"]: card["not_live"] for card in picture["pumps"]} == {KEY: "", "PUMP-02/1": "never"}
    assert picture["pumps"][1]["provenance"] == "real"
    await _end(task)


@in_virtual_time
@pytest.mark.requirement("DASH-6")
async def test_numbers_collapse_to_the_newest_four_times_a_second():
    """A hundred readings in a second are at most five frames, and the last of them is the newest."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0)
    for number in range(100):
        serving.read(str(number))
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    numbers = page.of("numbers")
    assert 3 <= len(numbers) <= 6
    assert numbers[-1]["pumps"][0]["reading"]["flow_ml_h"] == "99"
    await _end(task)


@in_virtual_time
@pytest.mark.requirement("DASH-6", "INV-4")
async def test_no_alarm_event_is_ever_collapsed():
    """Three hundred transitions in one turn of the loop arrive one by one, in order."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.1)
    for number in range(300):
        serving.event(number)
    await asyncio.sleep(0.1)
    assert [frame["event"]["id"] for frame in page.of("event")] == [f"e-{n}" for n in range(300)]
    await _end(task)


@in_virtual_time
@pytest.mark.requirement("DASH-6")
async def test_a_page_that_takes_nothing_is_cut():
    """Its socket is full: after the deadline it is closed and the hub forgets it."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.1)
    page.takes.clear()
    serving.event(1)
    await asyncio.sleep(SEND_DEADLINE_S + 0.5)
    assert page.closed is not None
    assert page.closed[0] == 1013
    assert serving.hub.open_pages == 0
    await task


@in_virtual_time
@pytest.mark.requirement("DASH-6")
async def test_a_page_whose_buffers_swallow_everything_is_cut_too():
    """A frozen tab takes frames into buffers but answers no heartbeat."""
    serving = Serving()
    page, task = serving.open()
    page.answering = False
    await asyncio.sleep(BEATS_BEHIND - 0.5)
    assert page.end() is None
    await asyncio.sleep(3)
    assert page.end() == (1013, "this page fell behind")
    await task


@in_virtual_time
@pytest.mark.requirement("DASH-6")
async def test_more_events_than_are_kept_cut_the_page_and_it_starts_from_a_snapshot():
    """Rather than drop one event, the page is cut; the next one begins with the whole picture."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.1)
    for number in range(URGENT_KEPT + 1):
        serving.event(number)
    await task
    assert page.closed == (1013, "this page fell behind")
    again, task = serving.open()
    await asyncio.sleep(0.1)
    assert again.frames[0]["t"] == "picture"
    assert again.frames[0]["events"][-1]["id"] == f"e-{URGENT_KEPT}"
    await _end(task)


@in_virtual_time
@pytest.mark.requirement("INV-3", "DASH-2")
async def test_a_heartbeat_comes_every_second_and_a_lost_broker_at_once():
    """The page tells its own link by the beats, and is told of the broker without being asked."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(5.5)
    assert [frame["n"] for frame in page.of("beat")] == [1, 2, 3, 4, 5, 6]
    serving.ward.broker(up=False, now_ms=serving.now_ms())
    serving.hub.tell(Change(Kind.NODE))
    await asyncio.sleep(0.01)
    frame = page.frames[-1]
    assert (frame["t"], frame["broker_up"], frame["not_live"]) == ("site", False, {KEY: "broker"})
    await _end(task)


@in_virtual_time
async def test_one_slow_page_does_not_hold_up_another():
    """While one page takes nothing the other hears every event."""
    serving = Serving()
    slow, slow_task = serving.open()
    quick, quick_task = serving.open()
    await asyncio.sleep(0.1)
    slow.takes.clear()
    for number in range(20):
        serving.event(number)
        await asyncio.sleep(0.05)
    assert len(quick.of("event")) == 20
    await _end(slow_task)
    await _end(quick_task)


@in_virtual_time
async def test_stopping_closes_every_page():
    """The server says that it goes; pages come back by themselves."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.1)
    serving.hub.close()
    await task
    assert page.closed == (1001, "the dashboard stops")
    late, task = serving.open()
    await task
    assert late.closed == (1001, "the dashboard stops")
