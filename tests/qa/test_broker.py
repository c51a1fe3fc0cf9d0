"""What the broker in memory does when it hangs, and when a client's name is taken."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.errors import TransportError
from pumpd.mqtt import Broker, Incoming, LastWill
from pumpd.mqtt_client import CONNECT_TIMEOUT_S
from pumpd.qa.broker import MemoryBroker, MemorySession, matches
from pumpd.qa.virtual_time import in_virtual_time

WHERE = Broker("127.0.0.1", 1883, keepalive_s=4)


def _session(broker: MemoryBroker, name: str, will: LastWill | None = None) -> MemorySession:
    return broker.session(WHERE, name, will, lambda: None)


@in_virtual_time
async def test_a_hanging_broker_confirms_nothing_until_it_goes_on() -> None:
    """A publish waits, arrives once the broker goes on, and is confirmed then; nothing is lost."""
    broker = MemoryBroker()
    heard: list[str] = []
    broker.heard.append(lambda topic, _payload, _retain: heard.append(topic))
    session = _session(broker, "a")
    await session.enter()
    broker.freeze()
    waiting = asyncio.create_task(session.publish("s/1", b"x", qos=1), name="tested.publish")
    await asyncio.sleep(3)
    assert not waiting.done()
    assert heard == []
    broker.thaw()
    await waiting
    assert heard == ["s/1"]
    await session.leave(goodbye=True)


@in_virtual_time
async def test_a_client_gives_a_hanging_broker_up_after_two_keepalives() -> None:
    """It is lost after 8 s, a new connection is refused in time, and the will is told once it goes on."""
    broker = MemoryBroker()
    session = _session(broker, "a", LastWill("s/will", b"lost"))
    await session.enter()
    broker.freeze()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with pytest.raises(TransportError, match="does not answer"):
        await session.read(lambda _: None)
    assert loop.time() - began_s == pytest.approx(8.0)
    with pytest.raises(TransportError, match="CONNECT"):
        await _session(broker, "a").enter()
    assert loop.time() - began_s == pytest.approx(8.0 + CONNECT_TIMEOUT_S)
    broker.thaw()
    assert broker.retained == {"s/will": b"lost"}


@in_virtual_time
async def test_a_taken_name_ends_the_old_session_and_tells_its_will_first() -> None:
    """Who comes back under the same name finds the will told before its own status."""
    broker = MemoryBroker()
    old, new = _session(broker, "a", LastWill("s/will", b"lost")), _session(broker, "a")
    await old.enter()
    await new.enter()
    heard: list[Incoming] = []
    await new.subscribe("s/#", 1)
    reading = asyncio.create_task(new.read(heard.append), name="tested.read")
    await asyncio.sleep(0.1)
    assert heard == [Incoming("s/will", b"lost", retained=True)]
    with pytest.raises(TransportError, match="took the name"):
        await old.publish("s/1", b"x", qos=1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await new.leave(goodbye=True)


@pytest.mark.parametrize(
    ("topic", "wanted", "is_in"),
    [
        ("a/b/c", "a/+/c", True),
        ("a/b/c", "a/#", True),
        ("a", "a/#", True),
        ("a/b/c", "a/+", False),
        ("a/b", "a/b/c", False),
        ("b/b", "a/b", False),
    ],
)
def test_filters_are_those_of_mqtt(topic: str, wanted: str, is_in: bool) -> None:
    """The wildcards of MQTT 3.1.1, 4.7.1."""
    assert matches(topic, wanted) is is_in
