"""Alarms on a real Mosquitto that freezes, dies and comes back empty, with an outside witness."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest

from pumpd.clock import SystemClock
from pumpd.contract.age import Transit
from pumpd.contract.payloads import SnapshotPayload, TelemetryPayload
from pumpd.store.journal_inline import InlineJournal
from tests import proof
from tests.mosquitto import Listener, Mosquitto, missing, mosquitto, publish, retained, until_retained
from tests.publisher.node import Node, running_node
from tests.waiting import until
from tests.witness import hold_against_journal

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
PREFIX = "pumpd/v1/clinic"
EVENTS = f"{PREFIX}/node/ward-a/event"


async def alarms_for(node: Node, seconds: float, every_s: float = 0.05) -> None:
    """Change alarms for a while."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while loop.time() < end_s:
        node.alarm()
        await asyncio.sleep(every_s)


def heard_all(listener: Listener, node: Node) -> bool:
    """Return whether every sequence number so far was heard."""
    numbers = {p["seq"] for p in listener.payloads()}
    return numbers >= set(range(1, node.ward.journal_seq + 1))


@pytest.mark.requirement("MQTT-1", "INV-4")
async def test_no_alarm_is_lost_when_the_broker_freezes(tmp_path):
    """SIGSTOP for less and for longer than the keepalive, with alarms all the while: none lost."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, EVENTS, tmp_path / "heard")
        async with running_node(tmp_path, broker.port) as node:
            await until(lambda: node.publisher.up)
            await alarms_for(node, 0.5)
            for frozen_s in (1.0, 10.0):
                broker.freeze()
                await alarms_for(node, frozen_s)
                broker.thaw()
                await until(lambda: node.publisher.up)
                await alarms_for(node, 0.5)
            await until(lambda: heard_all(listener, node), 90)
        listener.stop()
    hold_against_journal(listener, tmp_path)


@pytest.mark.requirement("MQTT-1", "INV-4")
@pytest.mark.timeout(300)
async def test_no_alarm_is_lost_when_the_broker_is_killed_and_comes_back_empty(tmp_path):
    """kill -9 during alarms, back without memory: none lost, none invented, some told to be resent."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, EVENTS, tmp_path / "heard")
        async with running_node(tmp_path, broker.port) as node:
            await until(lambda: node.publisher.up)
            for _ in range(proof.count("broker killed and restarted empty during alarms", 3, 30)):
                await alarms_for(node, 0.4, 0.01)
                broker.kill()
                await alarms_for(node, 0.3, 0.01)
                broker.start()
                await alarms_for(node, 0.8, 0.01)
                await until(lambda: node.publisher.up)
            await until(lambda: heard_all(listener, node), 90)
        listener.stop()
    heard = hold_against_journal(listener, tmp_path)
    assert any(event.resent for event in heard)


@pytest.mark.requirement("MQTT-1", "INV-4")
async def test_frozen_then_killed_nothing_is_lost(tmp_path):
    """A broker that hung took what it never handed on: that is sent again to the one that follows."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, EVENTS, tmp_path / "heard")
        async with running_node(tmp_path, broker.port) as node:
            await until(lambda: node.publisher.up)
            await alarms_for(node, 0.3)
            broker.freeze()
            await alarms_for(node, 1.0)
            broker.kill()
            await alarms_for(node, 0.3)
            broker.start()
            await alarms_for(node, 0.5)
            await until(lambda: heard_all(listener, node), 90)
        listener.stop()
    hold_against_journal(listener, tmp_path)


@pytest.mark.requirement("MQTT-1", "DAE-3")
async def test_the_broker_may_start_after_the_daemon(tmp_path):
    """Alarms of the time before the first broker are told once there is one, and state with them."""
    broker = Mosquitto(tmp_path)
    try:
        async with running_node(tmp_path, broker.port) as node:
            await alarms_for(node, 0.5)
            broker.start()
            listener = Listener(broker.port, EVENTS, tmp_path / "heard")
            await until(lambda: heard_all(listener, node), 90)
            await until_retained(broker.port, f"{PREFIX}/pump/+/+/snapshot", lambda kept: len(kept) == 3)
        listener.stop()
    finally:
        broker.stop()
    hold_against_journal(listener, tmp_path)


@pytest.mark.requirement("MQTT-1")
async def test_what_an_earlier_run_could_not_send_is_sent_by_the_next(tmp_path):
    """Without any broker a run ends; the next run finds its events in the outbox and sends them."""
    broker = Mosquitto(tmp_path)
    async with running_node(tmp_path, broker.port) as node:
        await alarms_for(node, 0.3)
        await until(lambda: node.ward.journal_seq >= 3)
    try:
        broker.start()
        listener = Listener(broker.port, EVENTS, tmp_path / "heard")
        async with running_node(tmp_path, broker.port):
            await until(lambda: {p["seq"] for p in listener.payloads()} >= {1, 2, 3})
        listener.stop()
    finally:
        broker.stop()
    hold_against_journal(listener, tmp_path)


@pytest.mark.requirement("MQTT-1", "INV-4")
async def test_an_event_the_disk_does_not_take_is_told_marked_and_again_once_it_does(tmp_path):
    """Within about a second it is heard unjournalled, and under the same id with its number afterwards."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, EVENTS, tmp_path / "heard")
        clock = SystemClock()
        journal = InlineJournal.open(None, clock)
        async with running_node(tmp_path, broker.port, journal=journal) as node:
            await until(lambda: node.publisher.up)
            journal.fault = "disk full"
            began_s = asyncio.get_running_loop().time()
            node.alarm(node.lives[0])
            topic = f"{PREFIX}/pump/PUMP-01/1/alarm/wrong-device"
            await until(listener.payloads)
            assert asyncio.get_running_loop().time() - began_s < 3
            await until_retained(
                broker.port, topic, lambda kept: kept and not kept[topic]["alarm"]["journalled"]
            )
            journal.fault = ""
            await until_retained(broker.port, topic, lambda kept: kept[topic]["alarm"]["journalled"])
            await until(lambda: heard_all(listener, node))
        listener.stop()
    about_pump = [e for e in listener.payloads() if e["pump"] == "PUMP-01"]
    assert len({e["id"] for e in about_pump}) == 1
    assert [(e["journalled"], e["seq"] is None) for e in about_pump][:2] == [(False, True), (True, False)]


@pytest.mark.requirement("MQTT-2")
async def test_retained_topics_follow_the_present_state_also_on_an_empty_broker(tmp_path):
    """Snapshots, alarm topics and status stand there after an empty restart, as they are now."""
    with mosquitto(tmp_path) as broker:
        async with running_node(tmp_path, broker.port) as node:
            first, second, _ = node.lives
            node.alarm(first)
            topic = f"{PREFIX}/pump/PUMP-01/1/alarm/wrong-device"
            await until_retained(broker.port, f"{PREFIX}/pump/#", lambda kept: topic in kept)
            broker.kill()
            await until(lambda: not node.publisher.up)
            node.alarm(first)
            node.acknowledge(first)
            node.alarm(second)
            broker.start()
            kept = await until_retained(broker.port, f"{PREFIX}/#", lambda kept: len(kept) == 5)
            assert topic not in kept
            assert kept[f"{PREFIX}/pump/PUMP-02/1/alarm/wrong-device"]["alarm"]["signal"] == "on"
            assert kept[f"{PREFIX}/node/ward-a/status"]["state"] == "online"
            picture = SnapshotPayload.model_validate(kept[f"{PREFIX}/pump/PUMP-02/1/snapshot"])
            assert [a.condition for a in picture.alarms] == ["wrong-device"]
            assert SnapshotPayload.model_validate(kept[f"{PREFIX}/pump/PUMP-01/1/snapshot"]).alarms == []
        assert retained(broker.port, f"{PREFIX}/#")[f"{PREFIX}/node/ward-a/status"]["state"] == "offline"


@pytest.mark.requirement("MQTT-2")
async def test_retained_topics_of_removed_pumps_are_emptied_and_those_of_other_nodes_are_not(tmp_path):
    """What this node left behind in an earlier life goes; another node's pumps and strangers stay."""
    pumps = f"{PREFIX}/pump"
    with mosquitto(tmp_path) as broker:
        async with running_node(tmp_path, broker.port, 4) as node:
            node.alarm(node.lives[3])
            await until_retained(broker.port, f"{pumps}/#", lambda kept: len(kept) == 5)
        others = {f"{pumps}/OTHER/1/snapshot": {"node": "ward-b"}, f"{pumps}/ODD/1/snapshot": [1]}
        for topic, payload in others.items():
            publish(broker.port, topic, json.dumps(payload), "-r")
        publish(broker.port, f"{pumps}/PUMP-01/1/alarm/kvo", json.dumps({"node": "ward-a"}), "-r")
        async with running_node(tmp_path, broker.port, 2):
            wanted = {f"{pumps}/PUMP-0{n}/1/snapshot" for n in (1, 2)} | set(others)
            await until_retained(broker.port, f"{pumps}/#", lambda kept: set(kept) == wanted)


@pytest.mark.requirement("INV-3", "MQTT-5")
async def test_readings_delayed_by_a_frozen_broker_are_never_shown_as_live(tmp_path):
    """What a frozen broker hands on late carries its delay in its age; what comes after it is young."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, f"{PREFIX}/node/+/telemetry", tmp_path / "heard", qos=0)
        async with running_node(tmp_path, broker.port, 1) as node:
            await until(lambda: node.publisher.up)

            async def readings(seconds: float) -> None:
                loop = asyncio.get_running_loop()
                end_s = loop.time() + seconds
                while loop.time() < end_s:
                    node.reading(node.lives[0])
                    await asyncio.sleep(0.05)

            await readings(1.5)
            broker.freeze()
            await readings(3.5)
            broker.thaw()
            await readings(1.5)
        listener.stop()
    transit = Transit()
    seen: list[tuple[int, int]] = []
    for message in listener.heard():
        payload = TelemetryPayload.model_validate_json(message["payload"])
        # mosquitto_sub stamps with the time of day: another clock than the sender's, as in real life.
        arrived = datetime.fromisoformat(message["tst"].replace("Z+0000", "+00:00"))
        arrived_ms = int(arrived.timestamp() * 1000)
        delay_ms = transit.observe(payload.sent_ms, arrived_ms)
        for reading in payload.readings:
            seen.append((delay_ms, transit.age_ms(reading.age_ms, payload.sent_ms, arrived_ms)))
    late = [age_ms for delay_ms, age_ms in seen if delay_ms > 500]
    assert max(late) > 2500, "the freeze delayed something, and it shows"
    assert all(age_ms >= delay_ms for delay_ms, age_ms in seen)
    assert len(late) <= 10, "readings are not queued up behind a broker that hangs"
    assert seen[-1][1] < 1000
