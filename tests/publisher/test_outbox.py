"""Events from the journal's outbox to a broker that may forget, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pumpd.contract.payloads import EventPayload
from pumpd.daemon.outbox_publisher import WAITING_LINES, OutboxPublisher
from pumpd.errors import StoreError
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from pumpd.store.base import NewLine, OutboxLine
from pumpd.store.journal_inline import InlineJournal
from tests import proof

pytestmark = pytest.mark.requirement("MQTT-1")


class Wire:
    """A broker and one subscriber that may reconnect later than we do."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.subscribed = True
        self.open = asyncio.Event()
        self.open.set()
        self.hands_on = True
        """False: the broker confirms what it gets, and dies before it hands it on."""
        self._in_order = asyncio.Lock()

    async def publish(self, payload: bytes) -> None:
        async with self._in_order:
            await self.open.wait()
            await asyncio.sleep(0.001)
            if self.subscribed and self.hands_on:
                self.heard.append(json.loads(payload))


class Scene:
    """A journal, an outbox and the wire between them and the world."""

    def __init__(self) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.journal = InlineJournal.open(None, self.clock)
        self.marked: list[int] = []
        mark = self.journal.mark_sent

        def marked(seq: int) -> None:
            self.marked.append(seq)
            mark(seq)

        self.journal.mark_sent = marked  # type: ignore[method-assign]
        self.outbox = OutboxPublisher(self.journal, self.clock)
        self.wire = Wire()
        self.count = 0

    def event(self) -> EventPayload:
        self.count += 1
        return EventPayload(
            id=f"boot-{self.count}",
            node="ward-a",
            boot_id="boot",
            seq=None,
            journalled=False,
            at=self.clock.wall(),
            kind="alarm",
            event="raise",
        )

    async def happen(self, count: int = 1, *, tell: bool = True) -> list[OutboxLine]:
        """Journal events and, if ``tell``, hand them to the outbox as the daemon does."""
        events = [self.event() for _ in range(count)]
        new = [NewLine(e.id, e.at, e.kind, None, None, e.model_dump_json()) for e in events]
        numbers = await self.journal.append(new, [])
        lines = [OutboxLine(n, e.id, e.model_dump_json(), 0) for n, e in zip(numbers, events, strict=True)]
        if tell:
            self.outbox.journalled(lines)
        return lines

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run(self.wire.publish), name="tested.outbox")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.outbox.lost()

    def heard(self) -> list[tuple[int | None, bool]]:
        """Return (sequence, resent) of what the subscriber heard."""
        return [(said["seq"], said["resent"]) for said in self.wire.heard]


@in_virtual_time
async def test_events_go_out_in_order_and_are_marked_when_the_broker_has_them():
    """Nothing is marked sent while the broker has not confirmed it."""
    scene = Scene()
    async with scene.connected():
        await asyncio.sleep(10)
        scene.wire.open.clear()
        await scene.happen(40)
        await asyncio.sleep(1)
        assert scene.marked == []
        scene.wire.open.set()
        await asyncio.sleep(1)
    assert scene.heard() == [(n, False) for n in range(1, 41)]
    assert scene.marked[-1] == 40
    assert scene.marked == sorted(scene.marked)
    await scene.journal.close()


@in_virtual_time
async def test_after_a_loss_the_last_two_minutes_are_sent_again_and_once_more():
    """What was confirmed long before is left alone; the rest comes again marked, and again 5 s later."""
    scene = Scene()
    async with scene.connected():
        await scene.happen(3)
        await asyncio.sleep(130)
        await scene.happen(2)
        await asyncio.sleep(1)
    await scene.happen(1)
    await asyncio.sleep(600)
    scene.wire.heard.clear()
    async with scene.connected():
        await asyncio.sleep(1)
        assert scene.heard() == [(4, True), (5, True), (6, False)]
        await scene.happen(1)
        await asyncio.sleep(1)
        assert scene.heard()[3:] == [(7, False)]
        await asyncio.sleep(100)
        assert scene.heard()[4:] == [(4, True), (5, True), (6, True), (7, True)]
    await scene.journal.close()


@in_virtual_time
async def test_a_broker_that_keeps_failing_is_not_looked_back_over_without_end():
    """Over connections too short to count the look-back grows by ten minutes at most."""
    scene = Scene()
    for _ in range(30):
        await scene.happen(1)
        await asyncio.sleep(58)
        scene.wire.heard.clear()
        async with scene.connected():
            await asyncio.sleep(2)
    assert [seq for seq, _ in scene.heard()] == list(range(18, 31))
    await scene.journal.close()


@in_virtual_time
async def test_a_clock_that_stepped_back_loses_no_unsent_event():
    """What is unsent goes out whatever the time of day says of it."""
    scene = Scene()
    await scene.happen(2)
    scene.clock.wall_step -= scene.clock.wall() - scene.clock.start.replace(year=2025)
    await scene.happen(1)
    async with scene.connected():
        await asyncio.sleep(1)
    assert [seq for seq, _ in scene.heard()] == [1, 2, 3]
    await scene.journal.close()


@in_virtual_time
async def test_what_the_journal_does_not_confirm_goes_out_and_comes_again_under_its_id():
    """First marked as not journalled, then with its number; over a lost broker it is told once more."""
    scene = Scene()
    event = scene.event()
    async with scene.connected():
        scene.outbox.unjournalled(event)
        await asyncio.sleep(1)
    async with scene.connected():
        await asyncio.sleep(1)
        line = NewLine(event.id, event.at, event.kind, None, None, event.model_dump_json())
        (seq,) = await scene.journal.append([line], [])
        scene.outbox.journalled([OutboxLine(seq, event.id, event.model_dump_json(), 0)])
        await asyncio.sleep(1)
    said = [(e["id"], e["journalled"], e["seq"], e["resent"]) for e in scene.wire.heard]
    assert said == [("boot-1", False, None, False), ("boot-1", False, None, True), ("boot-1", True, 1, False)]
    await scene.journal.close()


@in_virtual_time
async def test_a_gap_in_the_numbers_is_filled_from_the_journal_first():
    """Lines the journal refused at first are on disk by now and have no other herald."""
    scene = Scene()
    async with scene.connected():
        await asyncio.sleep(10)
        await scene.happen(2, tell=False)
        await scene.happen(1)
        await asyncio.sleep(1)
    assert [seq for seq, _ in scene.heard()] == [1, 2, 3]
    await scene.journal.close()


@in_virtual_time
async def test_an_unreadable_journal_is_asked_again_and_does_not_stop_the_rest(capsys):
    """While the journal can not be read, unjournalled events still go out; then everything follows."""
    scene = Scene()
    await scene.happen(2)
    recent, asked = scene.journal.recent, []

    def failing(since_ms: int):
        asked.append(since_ms)
        raise StoreError("bad sector")

    scene.journal.recent = failing  # type: ignore[method-assign]
    async with scene.connected():
        await asyncio.sleep(2.5)
        scene.outbox.unjournalled(scene.event())
        await asyncio.sleep(1)
        assert [e["id"] for e in scene.wire.heard] == ["boot-3"]
        assert 3 <= len(asked) <= 5
        scene.journal.recent = recent  # type: ignore[method-assign]
        await asyncio.sleep(1.2)
        assert [seq for seq, _ in scene.heard()] == [None, 1, 2]
    assert capsys.readouterr().out.count("journal unreadable") == 1
    await scene.journal.close()


@in_virtual_time
async def test_memory_is_bounded_behind_a_broker_that_hangs():
    """What there is no room for waits in the journal, and goes out in order all the same."""
    scene = Scene()
    async with scene.connected():
        await asyncio.sleep(10)
        scene.wire.open.clear()
        for _ in range(3):
            await scene.happen(WAITING_LINES // 2)
            assert len(scene.outbox._lines) <= WAITING_LINES
        scene.wire.open.set()
        await asyncio.sleep(60)
    assert [seq for seq, _ in scene.heard()] == list(range(1, scene.count + 1))
    assert scene.outbox.confirmed_seq == scene.count
    await scene.journal.close()


@in_virtual_time
async def test_with_neither_disk_nor_broker_memory_is_bounded_and_the_loss_is_told(capsys):
    """The newest events are kept, the oldest given up, counted and logged once."""
    scene = Scene()
    for _ in range(WAITING_LINES + 10):
        scene.outbox.unjournalled(scene.event())
    assert scene.outbox.given_up_count == 10
    assert capsys.readouterr().out.count("events given up") == 1
    for _ in range(2):
        scene.wire.heard.clear()
        async with scene.connected():
            await asyncio.sleep(60)
        assert [e["id"] for e in scene.wire.heard] == [f"boot-{n}" for n in range(11, WAITING_LINES + 11)]
    await scene.journal.close()


@in_virtual_time
async def test_a_line_that_is_no_event_does_not_stop_those_behind_it(capsys):
    """Bytes that are no JSON are told to an engineer and passed over; odd letters are replaced."""
    scene = Scene()
    for payload in ("not json", '{"id":"odd","raw":"\\udc80"}'):
        await scene.journal.append(
            [NewLine(payload[:8], scene.clock.wall(), "alarm", None, None, payload)], []
        )
    await scene.happen(1)
    async with scene.connected():
        await asyncio.sleep(1)
    assert [(e["id"], e["seq"]) for e in scene.wire.heard] == [("odd", 2), ("boot-1", 3)]
    assert "passed over" in capsys.readouterr().out
    await scene.journal.close()


async def _lives_of_a_broker(chance: random.Random) -> tuple[Scene, list[int]]:
    """Play lives of a broker that dies at any moment, with what it had not handed on."""
    scene = Scene()
    for _ in range(chance.randint(2, 5)):
        scene.wire.subscribed = False
        async with scene.connected():
            back_s = chance.uniform(0, 4.5)
            for _ in range(chance.randint(1, 12)):
                await scene.happen(chance.randint(1, 3), tell=chance.random() < 0.9)
                pause_s = chance.choice([0, 0.001, 0.3, 2.0])
                back_s -= pause_s
                scene.wire.subscribed = scene.wire.subscribed or back_s <= 0
                await asyncio.sleep(pause_s)
            scene.wire.hands_on = False
            await scene.happen(1)
            await asyncio.sleep(chance.uniform(0, 0.01))
        scene.wire.hands_on = True
        for _ in range(chance.randint(0, 3)):
            await scene.happen(1)
        await asyncio.sleep(chance.uniform(0, 100))
    scene.wire.subscribed = False
    async with scene.connected():
        await asyncio.sleep(chance.uniform(0, 4.5))
        scene.wire.subscribed = True
        await asyncio.sleep(20)
    await scene.journal.close()
    return scene, [said["seq"] for said in scene.wire.heard]


@pytest.mark.requirement("INV-4")
@pytest.mark.timeout(1800)
def test_a_subscriber_that_returns_within_five_seconds_misses_nothing():
    """Over seeded lives of a broker that forgets, every event is heard, under its own number, none else."""
    for seed in range(proof.count("seeded lives of a forgetful broker", 60, 5_000)):
        chance = random.Random(proof.SEED + seed)
        scene, heard = in_virtual_time(_lives_of_a_broker)(chance)
        assert set(heard) == set(range(1, scene.count + 1)), f"seed {proof.SEED + seed}"
        assert all(said["id"] == f"boot-{said['seq']}" for said in scene.wire.heard)
        assert scene.marked == sorted(scene.marked)
