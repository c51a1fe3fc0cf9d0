"""What pumpd needs of a broker, held against Mosquitto, the embedded one and the one in memory alike."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from pumpd.broker import embedded_broker
from pumpd.mqtt import BackOff, Broker, Incoming, LastWill, MqttConnection
from pumpd.qa.broker import MemoryBroker
from tests.mosquitto import Mosquitto, free_port, missing
from tests.publisher.node import running_node
from tests.waiting import until

pytestmark = pytest.mark.real
Serve = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(
    params=[
        "amqtt",
        "memory",
        pytest.param("mosquitto", marks=pytest.mark.skipif(bool(missing()), reason=missing())),
    ]
)
def serve(request, tmp_path, port, monkeypatch) -> Serve:
    """Serves a broker that is empty each time, on the same port."""
    if request.param == "amqtt":
        return lambda: embedded_broker(port)
    if request.param == "memory":
        return _in_memory(monkeypatch)

    @contextlib.asynccontextmanager
    async def real() -> AsyncIterator[None]:
        broker = Mosquitto(tmp_path, port)
        await asyncio.to_thread(broker.start)
        try:
            yield
        finally:
            broker.stop()

    return real


def _in_memory(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Let every connection of a test go to a broker in memory."""
    broker = MemoryBroker(up=False)
    connection = functools.partial(MqttConnection, session=broker.session)
    monkeypatch.setattr(sys.modules[__name__], "MqttConnection", connection)
    monkeypatch.setattr("pumpd.daemon.publisher.MqttConnection", connection_in(broker))

    @contextlib.asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        broker.retained.clear()
        broker.come_up()
        try:
            yield
        finally:
            broker.go_down()

    return serving


def connection_in(broker: MemoryBroker) -> Callable[..., MqttConnection]:
    """Return what makes a node's connection to ``broker``, whichever session the node asks for."""

    def connect(*where, session, **options):
        return MqttConnection(*where, session=broker.session, **options)

    return connect


class Client:
    """A connection and what it heard."""

    def __init__(self, port: int, name: str, *topics: str, will: LastWill | None = None) -> None:
        self.heard: list[Incoming] = []
        self.connection = MqttConnection(
            Broker("127.0.0.1", port),
            identifier=name,
            on_message=self.heard.append,
            subscriptions=[(topic, 1) for topic in topics],
            will=will,
            back_off=BackOff(0.05, 0.1),
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[MqttConnection]:
        async def stay() -> None:
            await asyncio.Event().wait()

        task = asyncio.create_task(self.connection.run(stay), name="tested.client")
        try:
            await until(lambda: self.connection.up)
            yield self.connection
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_retained_messages_are_kept_replaced_and_emptied(serve, port):
    """A late subscriber hears the newest of each topic, and nothing of one that was emptied."""
    async with serve(), Client(port, "a").running() as publisher:
        for topic, payload in (("s/1", b"old"), ("s/1", b"new"), ("s/2", b"x"), ("s/2", b"")):
            await publisher.publish(topic, payload, retain=True)
        late = Client(port, "late", "s/#")
        async with late.running() as connection:
            await until(lambda: late.heard)
            await connection.publish("s/end", b"")
            await until(lambda: late.heard[-1].topic == "s/end")
    assert late.heard[:-1] == [Incoming("s/1", b"new", retained=True)]


async def test_a_live_message_is_not_marked_retained(serve, port):
    """Who is subscribed when it happens hears it as live, also on a retained topic."""
    listener = Client(port, "b", "s/1")
    async with serve(), listener.running(), Client(port, "a").running() as publisher:
        await publisher.publish("s/1", b"now", retain=True)
        await until(lambda: listener.heard)
    assert listener.heard == [Incoming("s/1", b"now", retained=False)]


async def test_the_last_will_is_told_retained(serve, port):
    """A client that vanishes is told of, also to who comes later."""
    async with serve():
        async with Client(port, "a", will=LastWill("s/will", b"lost")).running():
            pass
        late = Client(port, "late", "s/#")
        async with late.running():
            await until(lambda: late.heard)
    assert late.heard == [Incoming("s/will", b"lost", retained=True)]


async def test_order_is_kept_and_everything_is_confirmed(serve, port):
    """Two hundred messages with QoS 1, sixteen at a time, arrive complete and in order."""
    listener = Client(port, "b", "e")
    async with serve(), listener.running(), Client(port, "a").running() as publisher:
        await asyncio.gather(*(publisher.publish("e", str(n).encode()) for n in range(200)))
        await until(lambda: len(listener.heard) == 200)
    assert [int(m.payload) for m in listener.heard] == list(range(200))


async def test_clients_come_back_to_a_broker_that_was_restarted_empty(serve, port):
    """Both ends reconnect and resubscribe by themselves."""
    listener, publisher = Client(port, "b", "e"), Client(port, "a")
    async with contextlib.AsyncExitStack() as stack:
        async with serve():
            await stack.enter_async_context(listener.running())
            await stack.enter_async_context(publisher.running())
            await publisher.connection.publish("e", b"1", retain=True)
            await until(lambda: len(listener.heard) == 1)
        await until(lambda: not (listener.connection.up or publisher.connection.up))
        async with serve():
            await until(lambda: listener.connection.up and publisher.connection.up)
            await publisher.connection.publish("e", b"2")
            await until(lambda: len(listener.heard) == 2)
    assert [m.payload for m in listener.heard] == [b"1", b"2"]


@pytest.mark.requirement("MQTT-1", "MQTT-2")
async def test_a_node_loses_nothing_on_either_broker(serve, port, tmp_path):
    """Alarms over an empty restart: every event is heard by its number, retained topics are as they are."""
    listener = Client(port, "witness", "pumpd/v1/clinic/node/+/event")
    late = Client(port, "late", "pumpd/v1/clinic/#")

    def numbers() -> set[int]:
        told = (json.loads(m.payload) for m in listener.heard)
        return {
            event["seq"] for event in told if "seq" in event
        }  # told before a slow disk had it, without one

    def stands() -> set[str]:
        last = {m.topic.removeprefix("pumpd/v1/clinic/"): m.payload for m in late.heard}
        return {t for t, payload in last.items() if payload and t.startswith(("pump/", "node/ward-a/status"))}

    wanted = {f"pump/PUMP-0{n}/1/snapshot" for n in (1, 2, 3)} | {"node/ward-a/status"}
    wanted |= {f"pump/PUMP-0{n}/1/alarm/wrong-device" for n in (2, 3)}
    async with contextlib.AsyncExitStack() as stack:
        async with serve():
            await stack.enter_async_context(listener.running())
            node = await stack.enter_async_context(running_node(tmp_path, port))
            await until(lambda: node.publisher.up)
            for live in node.lives:
                node.alarm(live)
            await until(lambda: numbers() == {1, 2, 3})
        # Whoever is not there yet when the node tells what it kept does not hear it.
        await until(lambda: not (node.publisher.up or listener.connection.up))
        node.alarm(node.lives[0])
        node.acknowledge(node.lives[0])
        async with serve():
            await until(lambda: numbers() == {1, 2, 3, 4, 5})
            await stack.enter_async_context(late.running())
            await until(lambda: stands() == wanted)
            await stack.aclose()


async def test_a_taken_port_is_told(port):
    """The embedded broker does not pretend to serve where somebody else does."""
    async with embedded_broker(port):
        with pytest.raises(OSError, match="address already in use"):
            async with embedded_broker(port):
                pass


async def test_nobody_stays_connected_to_an_embedded_broker_that_is_gone(port):
    """Not even who never said a word: who is not told does not go to the next broker."""
    async with embedded_broker(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with Client(port, "a").running():
            pass
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_an_embedded_broker_that_does_not_end_is_given_up(port, monkeypatch):
    """amqtt can wait for ever for a reader; nothing of it is left."""

    async def never(_):
        await asyncio.Event().wait()

    monkeypatch.setattr("amqtt.broker.Broker.shutdown", never)
    monkeypatch.setattr("pumpd.broker.TOLD_AGAIN_EVERY_S", 0.02)
    async with asyncio.timeout(10):
        async with embedded_broker(port), Client(port, "a").running():
            pass


@pytest.mark.e2e
def test_the_broker_as_a_program_ends_on_a_signal(port):
    """It prints one line once it listens, ends with status 0, and says nothing else."""
    program = subprocess.Popen(
        [sys.executable, "-m", "pumpd.broker", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    first = program.stdout.readline()
    program.terminate()
    rest, _ = program.communicate(timeout=10)
    assert (first, rest, program.returncode) == (f"broker listens on 127.0.0.1:{port}\n", "", 0)
