"""The node on a real broker: commands over the wire, goodbye in time, and nobody let in from afar."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop

from pumpd.contract.payloads import NodeStatusPayload, TelemetryPayload
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.publisher_state import online
from pumpd.mqtt import Broker
from pumpd.store.journal_inline import InlineJournal
from tests.asking import signed
from tests.mosquitto import Listener, free_port, missing, mosquitto, publish, retained, until_retained
from tests.publisher.node import SIGNER, TRUSTED, Asked, Node, SetClock, running_node, ward_of
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
uvloop.new_event_loop().close()  # libuv opens one pipe for signals in the process, for good
NODE = "pumpd/v1/clinic/node/ward-a"


def command(node: Node, **given: object) -> str:
    """Return an acknowledgement that is good unless ``given`` spoils it."""
    now_ms = node._clock.monotonic_ns() // 1_000_000
    good: dict[str, object] = {
        "id": "c-000001",
        "dashboard": "d1",
        "user": "B. Keller",
        "boot_id": node.ward.boot_id,
        "expires_ms": now_ms + 5000,
        "pump": "PUMP-01",
        "channel": "1",
        "condition": "wrong-device",
        "revision": 1,
    }
    return signed(SIGNER, f"{NODE}/command/acknowledge", good | given)


@pytest.mark.requirement("MQTT-3")
async def test_a_command_over_the_wire_is_answered_on_its_own_topic(tmp_path):
    """Sent twice, it has one effect and two equal answers; retained, it is refused, and not again."""
    with mosquitto(tmp_path) as broker:
        topic = f"{NODE}/command/acknowledge"
        publish(broker.port, topic, signed(SIGNER, topic, {"id": "retained-0"}), "-r")
        listener = Listener(broker.port, f"{NODE}/reply/+", tmp_path / "heard")
        async with running_node(tmp_path, broker.port) as node:
            await until(lambda: len(listener.payloads()) == 1)
            sent = command(node)
            for count in (2, 3):
                await asyncio.to_thread(publish, broker.port, topic, sent)
                await until(lambda count=count: len(listener.payloads()) == count)  # type: ignore[misc]
        listener.stop()
    topics = [m["topic"].rpartition("/")[2] for m in listener.heard()]
    assert topics == ["retained-0", "c-000001", "c-000001"]
    refused, first, second = listener.payloads()
    assert "must not be retained" in refused["reason"]
    assert first == second
    assert first["accepted"]
    assert len(node.asked.done) == 1


@pytest.mark.requirement("MQTT-3")
async def test_another_that_speaks_for_this_node_is_told_and_overruled(tmp_path, capsys):
    """What an earlier run left is not told; a second daemon of the same name is, and our status stands."""

    def said(boot_id: str) -> str:
        return NodeStatusPayload(node="ward-a", boot_id=boot_id, state="online").model_dump_json()

    def ours(found: dict[str, Any]) -> bool:
        return found.get(topic, {}).get("boot_id") == node.ward.boot_id and bool(found[topic]["pumps"])

    topic = f"{NODE}/status"
    with mosquitto(tmp_path) as broker:
        publish(broker.port, topic, said("earlier"), "-r")
        async with running_node(tmp_path, broker.port) as node:
            await until_retained(broker.port, topic, ours)
            for _ in range(2):
                await asyncio.to_thread(publish, broker.port, topic, said("other"), "-r")
                await until_retained(broker.port, topic, ours)
    told = capsys.readouterr().out
    assert told.count("another program speaks for this node") == 1
    assert "its_boot_id=other" in told


@pytest.mark.requirement("MQTT-3", "MQTT-6")
async def test_commands_are_taken_over_loopback_only(capsys):
    """With a broker elsewhere nothing is subscribed to, the log says so once, and the status says why."""
    clock = SetClock()
    ward, journal = ward_of(1, clock), InlineJournal.open(None, clock)
    far = NodePublisher(Broker("10.0.0.1", 1883), ward, journal, Asked(), clock, permission=TRUSTED)
    near = NodePublisher(Broker("127.0.0.1", 1883), ward, journal, Asked(), clock, permission=TRUSTED)
    assert far._connection._subscriptions == ((f"{NODE}/status", 1),)
    assert near._connection._subscriptions == ((f"{NODE}/status", 1), (f"{NODE}/command/+", 1))
    assert capsys.readouterr().out.count("commands refused") == 1
    assert "not on this machine" in far._retained._commands_refused
    assert online(ward, clock, far._retained._commands_refused).commands_refused
    await journal.close()


@pytest.mark.requirement("DAE-3", "MQTT-5")
@pytest.mark.parametrize("state", ["up", "frozen", "absent"])
async def test_closing_takes_a_second_at_most(tmp_path, state):
    """With a broker the last event and ``offline`` go out; a broker that hangs or is away holds nobody up."""
    loop = asyncio.get_running_loop()
    with mosquitto(tmp_path) as broker:
        port = free_port() if state == "absent" else broker.port
        listener = Listener(broker.port, f"{NODE}/event", tmp_path / "heard")
        async with running_node(tmp_path, port) as node:
            if state != "absent":
                await until(lambda: node.publisher.up)
                await asyncio.sleep(0.3)
            if state == "frozen":
                broker.freeze()
            node.alarm()
            await until(lambda: node.ward.journal_seq == 1)
            began_s = loop.time()
            await node.publisher.close()
            assert loop.time() - began_s < 1.1
        broker.thaw()
        if state == "up":
            assert retained(broker.port, f"{NODE}/status")[f"{NODE}/status"]["state"] == "offline"
            assert [p["seq"] for p in listener.payloads()] == [1]
        if state == "frozen":
            await until(lambda: retained(broker.port, f"{NODE}/status")[f"{NODE}/status"]["state"] == "lost")
        listener.stop()


@pytest.mark.requirement("MQTT-2")
async def test_a_node_that_is_killed_is_told_as_lost_by_its_last_will(tmp_path):
    """Cancelled without a goodbye, the broker says ``lost`` with the boot id."""
    with mosquitto(tmp_path) as broker:
        clock = SetClock()
        ward, journal = ward_of(1, clock), InlineJournal.open(None, clock)
        publisher = NodePublisher(
            Broker("127.0.0.1", broker.port), ward, journal, Asked(), clock, permission=TRUSTED
        )
        task = asyncio.create_task(publisher.run(), name="tested.publisher")
        await until(lambda: publisher.up)
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await journal.close()
        status = NodeStatusPayload.model_validate(retained(broker.port, f"{NODE}/status")[f"{NODE}/status"])
    assert (status.state, status.boot_id) == ("lost", "boot")


@pytest.mark.requirement("MQTT-4")
async def test_readings_travel_together_four_times_a_second_and_silence_once(tmp_path):
    """Readings of all pumps share payloads with numbers 1, 2, 3 ...; without readings one a second comes."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, f"{NODE}/telemetry", tmp_path / "heard", qos=0)
        async with running_node(tmp_path, broker.port, 20) as node:
            await until(lambda: node.publisher.up)
            await asyncio.sleep(2.5)
            for _ in range(20):
                for live in node.lives:
                    node.reading(live)
                await asyncio.sleep(0.1)
        listener.stop()
    payloads = [TelemetryPayload.model_validate(p) for p in listener.payloads()]
    assert [p.seq for p in payloads] == list(range(payloads[0].seq, payloads[0].seq + len(payloads)))
    silent = [p for p in payloads if not p.readings]
    full = [p for p in payloads if p.readings]
    assert 2 <= len(silent) <= 4
    assert 7 <= len(full) <= 10
    assert all(len(p.readings) == 20 for p in full)


def test_it_runs_on_uvloop_too(tmp_path):
    """The production loop loses, finds and leaves a broker like the standard one."""

    async def lives() -> None:
        with mosquitto(tmp_path) as broker:
            listener = Listener(broker.port, f"{NODE}/event", tmp_path / "heard")
            async with running_node(tmp_path, broker.port) as node:
                for count in (1, 2, 3):
                    await until(lambda: node.publisher.up)
                    node.alarm()
                    await until(lambda count=count: node.ward.journal_seq == count)  # type: ignore[misc]
                    broker.kill()
                    await until(lambda: not node.publisher.up)
                    broker.start()
                await until(lambda: {p["seq"] for p in listener.payloads()} == {1, 2, 3}, 90)
            listener.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(lives())
