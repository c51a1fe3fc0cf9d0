"""The connection on a real broker that comes late, freezes, dies and comes back empty."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import socket
import time

import pytest

from pumpd.errors import TransportError
from pumpd.mqtt import BackOff, Broker, Incoming, LastWill, MqttConnection
from pumpd.mqtt_client import MqttClient
from tests.mosquitto import Listener, Mosquitto, free_port, missing, mosquitto, publish, retained
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def connect(port: int, **given) -> MqttConnection:
    return MqttConnection(
        Broker("127.0.0.1", port, keepalive_s=given.pop("keepalive_s", 4)),
        identifier="tested",
        on_message=given.pop("on_message", lambda _: None),
        chance=random.Random(1),
        back_off=BackOff(0.05, 0.1),
        **given,
    )


@contextlib.asynccontextmanager
async def running(connection: MqttConnection, while_up=None):
    async def stay() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(connection.run(while_up or stay), name="tested.connection")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_broker_that_starts_later_is_found_and_subscribed_to_at_every_connect(tmp_path):
    """The start order does not matter, and a broker that came back empty sends us messages again."""
    broker = Mosquitto(tmp_path)
    heard: list[Incoming] = []

    def heard_count(number: int) -> bool:
        return len(heard) == number

    connection = connect(broker.port, on_message=heard.append, subscriptions=[("to/us", 1)])
    try:
        async with running(connection):
            await asyncio.sleep(0.1)
            assert not connection.up
            for number in (1, 2):
                broker.start()
                await until(lambda: connection.up)
                await asyncio.to_thread(publish, broker.port, "to/us", str(number))
                await until(functools.partial(heard_count, number))
                broker.kill()
                await until(lambda: not connection.up)
    finally:
        broker.stop()
    assert heard == [Incoming("to/us", b"1", retained=False), Incoming("to/us", b"2", retained=False)]


async def test_a_receiver_that_fails_does_not_end_the_connection(tmp_path, capsys):
    """The next message still comes; the first failure is logged, all are counted."""
    heard: list[bytes] = []

    def receive(message: Incoming) -> None:
        heard.append(message.payload)
        if message.payload != b"3":
            raise KeyError(message.topic)

    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port, on_message=receive, subscriptions=[("a", 1)])
        async with running(connection):
            await until(lambda: connection.up)
            for number in (1, 2, 3):
                await connection.publish("a", str(number).encode())
            await until(lambda: len(heard) == 3)
            assert connection.up
    assert connection.failed == 2
    assert capsys.readouterr().out.count("[error") == 1


@pytest.mark.requirement("MQTT-5")
async def test_readings_go_out_beside_other_traffic(tmp_path):
    """What was queued in the same turn of the loop does not make a reading be refused."""
    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port)
        async with running(connection):
            await until(lambda: connection.up)
            others = [
                asyncio.create_task(connection.publish("a", bytes(1000)), name=f"tested.{n}")
                for n in range(10)
            ]
            await asyncio.sleep(0)
            assert connection._client is not None
            assert connection._client.busy
            assert await connection.offer("r", b"1")
            await asyncio.gather(*others)


async def test_a_publish_returns_when_the_broker_has_it_and_not_before(tmp_path):
    """QoS 1 waits for the PUBACK through a freeze, and tells how long it has waited."""
    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port)
        async with running(connection):
            await until(lambda: connection.up)
            await connection.publish("a", b"1", retain=True)
            assert retained(broker.port, "#") == {"a": 1}
            broker.freeze()
            waiting = asyncio.create_task(connection.publish("a", b"2", retain=True), name="tested.waiting")
            await until(lambda: connection.unanswered_s > 0.3)
            assert not waiting.done()
            broker.thaw()
            await waiting
            assert connection.unanswered_s == 0
            assert retained(broker.port, "#") == {"a": 2}


@pytest.mark.requirement("MQTT-5")
async def test_readings_are_not_queued_up_behind_a_frozen_broker(tmp_path):
    """While the broker hangs, what is offered with QoS 0 is refused after about a second, not kept."""
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, "r", tmp_path / "heard")
        connection = connect(broker.port)
        async with running(connection):
            await until(lambda: connection.up)
            await asyncio.sleep(0.2)
            assert await connection.offer("r", b"0")
            broker.freeze()
            probe = asyncio.create_task(connection.publish("probe", b""), name="tested.probe")
            await until(lambda: connection.unanswered_s > 1.0)
            taken = [await connection.offer("r", str(n).encode()) for n in range(1, 100)]
            broker.thaw()
            await probe
            assert await connection.offer("r", b"100")
            await until(lambda: any(m["payload"] == "100" for m in listener.heard()))
        listener.stop()
    assert not any(taken)
    assert [m["payload"] for m in listener.heard()] == ["0", "100"]


@pytest.mark.requirement("MQTT-5")
async def test_a_full_socket_refuses_readings_even_before_the_broker_is_known_to_hang(tmp_path):
    """What can not be written at once is refused: the memory behind a broker that hangs is bounded."""
    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port)
        async with running(connection):
            await until(lambda: connection.up)
            broker.freeze()
            payload = bytes(1_000_000)
            taken = 0
            while await connection.offer("r", payload):
                taken += 1
                assert taken < 100
            assert not await connection.offer("r", b"small")
            broker.thaw()


async def test_a_broker_frozen_for_good_is_given_up_and_the_work_is_cancelled(tmp_path):
    """Two keepalives without an answer end the session; a publish that waits ends with it."""
    ended = asyncio.Event()
    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port, keepalive_s=1)

        async def work() -> None:
            broker.freeze()
            try:
                await connection.publish("a", b"1")
            finally:
                ended.set()

        async with running(connection, work):
            await asyncio.wait_for(ended.wait(), 10)
            await until(lambda: not connection.up)
            with pytest.raises(TransportError, match="no connection"):
                await connection.publish("a", b"1")
        broker.thaw()


async def test_the_last_will_is_told_when_we_vanish_and_not_when_we_say_goodbye(tmp_path):
    """Ending by cancellation leaves the last will; returning from the work leaves what we said last."""
    will = LastWill("status", b'"lost"')
    with mosquitto(tmp_path) as broker:
        connection = connect(broker.port, will=will)

        async def goodbye() -> None:
            await connection.publish("status", b'"offline"', retain=True)

        await connection.run(goodbye)
        assert retained(broker.port, "#") == {"status": "offline"}
        async with running(connection):
            await until(lambda: connection.up)
        assert retained(broker.port, "#") == {"status": "lost"}


@pytest.mark.parametrize("wait_s", [0.0, 0.005, 0.3])
async def test_cancelled_while_connecting_nothing_is_left(wait_s):
    """A server that accepts and never answers CONNECT: cancelling leaves no task, thread or socket."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        async with running(connect(port)) as task:
            await asyncio.sleep(wait_s)
            assert not task.done()


@pytest.mark.parametrize("turns", range(6))
async def test_a_subscription_that_is_cancelled_as_the_answer_comes_is_cancelled(tmp_path, turns):
    """Whoever ends us while the broker is heard ends us, in whichever turn of the loop that is."""
    with mosquitto(tmp_path) as broker:
        client = MqttClient(Broker("127.0.0.1", broker.port), "tested", None, lambda: None)
        await client.enter()
        try:
            subscribing = asyncio.create_task(client.subscribe("to/us", 1, 3.0), name="tested.subscribe")
            while client.busy or not client._client._pending_subscribes:  # noqa: ASYNC110
                await asyncio.sleep(0)
            time.sleep(0.05)  # noqa: ASYNC251 - the answer waits in the socket, as behind any work
            for _ in range(turns):
                await asyncio.sleep(0)
            if subscribing.done():
                return
            subscribing.cancel()
            await asyncio.wait({subscribing})
            assert subscribing.cancelled()
        finally:
            await client.leave(goodbye=True)


async def test_a_server_that_never_answers_connect_is_tried_again():
    """No CONNACK within the time-out ends the attempt, closes its socket, and another follows."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        server.setblocking(False)
        loop = asyncio.get_running_loop()
        async with running(connect(port)):
            for _ in range(2):
                async with asyncio.timeout(5):
                    peer, _ = await loop.sock_accept(server)
                    peer.setblocking(False)
                    while await loop.sock_recv(peer, 1000):
                        pass
                    peer.close()


async def test_a_refused_port_is_told_once(caplog, capsys):
    """Many failed attempts give one line, not one each."""
    async with running(connect(free_port())):
        await asyncio.sleep(0.5)
    assert capsys.readouterr().out.count("broker down") == 1


def test_waits_double_up_to_a_bound_and_are_spread():
    """Half of each wait is chance, so that a thousand clients do not come at once."""
    chance = random.Random(1)
    waits = [[BackOff().wait_s(n, chance) for _ in range(100)] for n in (0, 1, 2, 10, 10_000)]
    for whole_s, spread in zip((0.2, 0.4, 0.8, 5.0, 5.0), waits, strict=True):
        assert whole_s / 2 <= min(spread) < max(spread) <= whole_s
        assert max(spread) - min(spread) > whole_s / 4


def test_only_loopback_counts_as_loopback():
    """Names other than localhost are not trusted to be this machine."""
    for host in ("127.0.0.1", "127.3.4.5", "::1", "localhost"):
        assert Broker(host, 1).loopback
    for host in ("10.0.0.1", "broker", "localhost.example", "0.0.0.0", "::"):
        assert not Broker(host, 1).loopback
