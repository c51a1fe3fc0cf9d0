"""Retained topics follow the present state, in virtual time, over connections that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from pumpd.contract.payloads import AlarmPayload, NodeStatusPayload, SnapshotPayload
from pumpd.core.evaluate import evaluate_pump
from pumpd.core.state import Acknowledge, Now, WrongDevice
from pumpd.daemon.publisher_retained import REFRESH_ROUND_S, REFRESH_WITHIN_S, Channel, RetainedTopics
from pumpd.daemon.publisher_telemetry import TelemetryWriter
from pumpd.daemon.seams import LivePump, Told
from pumpd.mqtt import Incoming
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from tests import proof
from tests.publisher.node import telemetry, ward_of

pytestmark = pytest.mark.requirement("MQTT-2")
PUMPS = "pumpd/v1/clinic/pump"


class Scene:
    """A ward, its retained topics, and a broker that keeps them."""

    def __init__(self, count: int = 3) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.ward = ward_of(count, self.clock)
        self.lives = list(self.ward.pumps.values())
        self.topics = RetainedTopics(self.ward, TelemetryWriter(self.ward), self.clock, "")
        self.kept: dict[str, bytes] = {}
        self.published: list[tuple[float, str]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def publish(self, topic: str, payload: bytes) -> None:
        await asyncio.sleep(0.001)
        await self.open.wait()
        self.published.append((asyncio.get_running_loop().time(), topic))
        if payload:
            self.kept[topic] = payload
        else:
            self.kept.pop(topic, None)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        found = [Incoming(topic, payload, retained=True) for topic, payload in self.kept.items()]
        task = asyncio.create_task(self.topics.run(self.publish), name="tested.retained")
        await asyncio.sleep(0)
        for message in found:
            self.topics.found(message)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def take(self, live: LivePump, given: WrongDevice | Acknowledge) -> None:
        """Let something happen to a pump, and tell of it as the daemon does."""
        now = Now(self.clock.monotonic_ns(), self.clock.wall())
        live.state, _ = evaluate_pump(live.state, given, now)
        live.told = Told(live.state.alarms)
        self.topics.changed(live)

    def toggle(self, live: LivePump) -> None:
        wrong = not live.state.wrong_device
        self.take(live, WrongDevice("SN-2" if wrong else "", "SN-1" if wrong else ""))

    def stands(self) -> dict[str, str]:
        """Return what the broker keeps of pumps: topic below the pumps -> signals, worst first."""
        found = {}
        for topic, payload in self.kept.items():
            if topic.endswith("/snapshot"):
                found[topic.removeprefix(PUMPS)] = ",".join(
                    alarm.signal for alarm in SnapshotPayload.model_validate_json(payload).alarms
                )
            elif topic.startswith(PUMPS):
                found[topic.removeprefix(PUMPS)] = AlarmPayload.model_validate_json(payload).alarm.signal
        return found

    def wanted(self) -> dict[str, str]:
        """Return what should stand there."""
        found = {}
        for live in self.lives:
            signals = [alarm.signal.value for alarm in live.told.alarms.values()]
            found[f"/{live.pump}/{live.channel}/snapshot"] = ",".join(signals)
            for condition, alarm in live.told.alarms.items():
                found[f"/{live.pump}/{live.channel}/alarm/{condition.value}"] = alarm.signal.value
        return found


@in_virtual_time
async def test_alarm_topics_come_and_go_with_their_alarms():
    """Raised, acknowledged, over: the topic stands, changes and is emptied; the snapshot says the same."""
    scene = Scene(1)
    (live,) = scene.lives
    async with scene.connected():
        await asyncio.sleep(1)
        assert scene.stands() == {"/PUMP-01/1/snapshot": ""}
        scene.toggle(live)
        await asyncio.sleep(0.1)
        assert scene.stands()["/PUMP-01/1/alarm/wrong-device"] == "on"
        (alarm,) = live.told.alarms.values()
        scene.take(live, Acknowledge(alarm.condition, alarm.revision, "B. Keller"))
        await asyncio.sleep(0.1)
        assert scene.stands() == {
            "/PUMP-01/1/snapshot": "acknowledged",
            "/PUMP-01/1/alarm/wrong-device": "acknowledged",
        }
        scene.toggle(live)
        await asyncio.sleep(0.1)
        assert scene.stands() == {"/PUMP-01/1/snapshot": ""}


@in_virtual_time
async def test_an_alarm_that_ended_while_the_broker_was_away_is_emptied():
    """What the broker kept from before goes, although this connection never published it."""
    scene = Scene(1)
    (live,) = scene.lives
    scene.toggle(live)
    async with scene.connected():
        await asyncio.sleep(1)
    (alarm,) = live.told.alarms.values()
    scene.take(live, Acknowledge(alarm.condition, alarm.revision, "B. Keller"))
    scene.toggle(live)
    assert scene.stands() != scene.wanted()
    async with scene.connected():
        await asyncio.sleep(1)
    assert scene.stands() == scene.wanted() == {"/PUMP-01/1/snapshot": ""}


@in_virtual_time
async def test_refreshes_are_spread_and_none_is_late():
    """Three thousand snapshots come anew within 30 s each, evenly; a single pump's every second."""
    for count in (1, 12, 3000):
        scene = Scene(count)
        async with scene.connected():
            await asyncio.sleep(40)
            scene.published.clear()
            began_s = asyncio.get_running_loop().time()
            await asyncio.sleep(65)
        times: dict[str, list[float]] = {}
        for at_s, topic in scene.published:
            times.setdefault(topic, [began_s]).append(at_s)
        assert len(times) == count + 1, "each snapshot, and the node's status"
        gaps_s = [later - sooner for each in times.values() for sooner, later in itertools.pairwise(each)]
        assert max(gaps_s) <= REFRESH_WITHIN_S
        in_tenths = Counter(int(10 * (at_s - began_s)) for at_s, _ in scene.published)
        assert max(in_tenths.values()) <= 0.1 * max(1, count / REFRESH_ROUND_S) + 2


@in_virtual_time
async def test_a_broker_that_hangs_gets_the_newest_state_and_none_in_between():
    """A hundred changes behind a broker that hangs become one; memory does not grow."""
    scene = Scene(1)
    (live,) = scene.lives
    async with scene.connected():
        await asyncio.sleep(0.5)
        scene.open.clear()
        for _ in range(101):
            scene.toggle(live)
            await asyncio.sleep(0.01)
        scene.published.clear()
        scene.open.set()
        await asyncio.sleep(0.5)
        assert len(scene.published) <= 6
        assert scene.stands() == scene.wanted()


@in_virtual_time
async def test_an_alarm_does_not_wait_for_a_thousand_first_snapshots():
    """While a broker is being filled, what changes comes first."""
    scene = Scene(1000)
    async with scene.connected():
        await asyncio.sleep(0.1)
        scene.toggle(scene.lives[999])
        await asyncio.sleep(0.05)
        assert "/PUMP-1000/1/alarm/wrong-device" in scene.stands()
        assert len(scene.kept) < 500


@in_virtual_time
async def test_the_snapshot_is_the_whole_picture():
    """Set-up, reading, programme and link are in it; the reading has its age at sending."""
    scene = Scene(1)
    (live,) = scene.lives
    live.sequence = 7
    reading = telemetry(live, 7, scene.clock.monotonic_ns(), "10.5", "3.25")
    now = Now(scene.clock.monotonic_ns(), scene.clock.wall())
    live.state, _ = evaluate_pump(live.state, reading, now)
    await asyncio.sleep(2)
    async with scene.connected():
        await asyncio.sleep(0.5)
    picture = SnapshotPayload.model_validate_json(scene.kept[f"{PUMPS}/PUMP-01/1/snapshot"])
    assert picture.reading is not None
    assert picture.programme is not None
    assert picture.limits is not None
    assert (picture.seq, picture.reading.seq, picture.reading.flow_ml_h) == (7, 7, "10.5")
    assert picture.reading.dose == "0.3"
    assert 2000 <= picture.reading.age_ms <= 2010
    assert (picture.programme.dose_max, picture.programme.dose_unit) == ("0.5", "mg/kg/h")
    assert (picture.limits.ceiling_ml_h, picture.bed, picture.provenance) == ("60", "1", "demo")
    status = NodeStatusPayload.model_validate_json(scene.kept["pumpd/v1/clinic/node/ward-a/status"])
    assert (status.state, status.pumps, status.library_signed_for) == ("online", ["PUMP-01/1"], ["demo"])


async def _comings_and_goings(chance: random.Random) -> None:
    scene = Scene(3)
    strangers = {f"{PUMPS}/OTHER/1/snapshot": b'{"node":"ward-b"}', f"{PUMPS}/ODD/1/alarm/x": b"\xff"}
    for _ in range(chance.randint(1, 4)):
        match chance.randint(0, 2):
            case 0:
                scene.kept.clear()
            case 1:
                scene.kept[f"{PUMPS}/GONE/1/snapshot"] = json.dumps({"node": "ward-a"}).encode()
        async with scene.connected():
            for _ in range(chance.randint(0, 20)):
                scene.toggle(chance.choice(scene.lives))
                await asyncio.sleep(chance.choice([0, 0, 0.001, 0.002, 0.5]))
        for _ in range(chance.randint(0, 3)):
            live = chance.choice(scene.lives)
            scene.toggle(live)
            for alarm in list(live.told.alarms.values()):
                with contextlib.suppress(ValueError):
                    scene.take(live, Acknowledge(alarm.condition, alarm.revision, "B. Keller"))
    scene.kept.update(strangers)
    async with scene.connected():
        await asyncio.sleep(5)
    assert {topic: scene.kept.pop(topic) for topic in strangers} == strangers
    assert scene.stands() == scene.wanted()
    assert scene.topics.idle


@pytest.mark.timeout(600)
def test_whatever_happened_the_broker_ends_up_with_the_present_state():
    """Over seeded comings and goings of brokers, alarms and removed pumps; strangers' topics stay."""
    for seed in range(proof.count("seeded comings and goings of retained topics", 60, 3_000)):
        in_virtual_time(_comings_and_goings)(random.Random(proof.SEED + seed))


class Unlisted(dict[Channel, LivePump]):
    """Pumps that are looked up one by one; going through all of them is an error."""

    def __iter__(self) -> Iterator[Channel]:
        raise AssertionError("all pumps were gone through")

    items = values = keys = __iter__  # type: ignore[assignment]


@pytest.mark.requirement("MQTT-2")
@in_virtual_time
async def test_what_a_broker_keeps_is_looked_up_and_not_compared_with_every_pump():
    """After a restart thousands of topics come at once: a ward's size does not multiply with their number."""
    scene = Scene(3)
    scene.toggle(scene.lives[1])
    scene.ward.pumps = Unlisted(scene.ward.pumps)
    kept = json.dumps({"node": "ward-a"}).encode()
    for topic in (
        f"{PUMPS}/PUMP-01/1/snapshot",
        f"{PUMPS}/PUMP-02/1/alarm/wrong-device",
        f"{PUMPS}/PUMP-02/1/alarm/link-lost",
        f"{PUMPS}/GONE/1/snapshot",
    ):
        scene.topics.found(Incoming(topic, kept, retained=True))
    assert list(scene.topics._abandoned) == [
        f"{PUMPS}/PUMP-02/1/alarm/link-lost",
        f"{PUMPS}/GONE/1/snapshot",
    ]
