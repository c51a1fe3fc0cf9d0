"""TCP on loopback, on the standard loop and on uvloop."""

import asyncio
import random
import socket

import pytest

from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.modbus import ReadRegisters
from pumpd.transports.bus import bus_for
from pumpd.transports.tcp import TcpTransport
from pumpd.transports.url import parse_url
from tests.transports.devices import answer
from tests.transports.loops import LOOPS, Heard, run

pytestmark = pytest.mark.real


class Connected(asyncio.Queue[asyncio.Transport]):
    """The connections a device has, as they are made."""

    async def latest(self):
        """Wait for a connection and return the last one made."""
        transport = await self.get()
        while not self.empty():
            transport = self.get_nowait()
        return transport


class Peer(asyncio.Protocol):
    """A device that answers with the serving side's codec; ``connected`` are the connections it has."""

    def __init__(self, connected):
        self.connected = connected
        self.framer = MbapServerFramer()

    def connection_made(self, transport):
        self.transport = transport
        self.connected.put_nowait(transport)

    def data_received(self, data):
        for question in self.framer.feed(data):
            self.transport.write(self.framer.encode(question, answer(question.payload)))


async def serving(connected):
    server = await asyncio.get_running_loop().create_server(lambda: Peer(connected), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@LOOPS
def test_a_pump_is_asked_over_tcp(new_loop):
    """A whole bus on a real socket, lost and found again."""

    async def main():
        connected = Connected()
        server, port = await serving(connected)
        bus = bus_for(
            parse_url(f"modbus-tcp://127.0.0.1:{port}/9"),
            latency_ms=1000,
            seeded=random.Random(1),
            on_blocked=lambda *_: None,
        )
        running = asyncio.create_task(bus.run(), name="bus under test")
        pump = bus.conversation(9, 1000)
        for _ in range(2):
            await bus.until_up()
            assert await pump.ask(ReadRegisters(9, 3, 5, 3)) == (905, 906, 907)
            (await connected.latest()).abort()
            # A bus tells when it is up, and by an error when it is down. On a busy machine it may be up again
            # before anybody looks: then there is another connection.
            while bus.up and connected.empty():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        await server.wait_closed()

    run(new_loop, main)


@LOOPS
def test_a_connection_is_set_up_for_short_questions(new_loop):
    """No delay, keep-alive, and a dead peer is noticed in 10 s."""

    async def main():
        server, port = await serving(Connected())
        transport = TcpTransport("here", "127.0.0.1", port, None)
        await transport.open(Heard())
        assert transport._socket is not None
        wire = transport._socket.get_extra_info("socket")
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        await transport.close()
        server.close()
        await server.wait_closed()

    run(new_loop, main)


@LOOPS
def test_losing_is_told_once_and_closing_never(new_loop):
    """The peer's end is told with the reason, our own is not, and both leave nothing open."""

    async def main():
        connected = Connected()
        server, port = await serving(connected)
        transport = TcpTransport("here", "127.0.0.1", port, None)
        heard = Heard()
        await transport.open(heard)
        await transport.close()
        await transport.close()
        assert heard.errors == []
        await transport.open(heard)
        (await connected.latest()).close()
        await heard.happened.wait()
        [told] = heard.errors
        assert str(told).startswith("here: the device closed the connection")
        with pytest.raises(TransportError, match="not connected"):
            transport.write(b"x")
        await transport.close()
        server.close()
        await server.wait_closed()

    run(new_loop, main)


@LOOPS
def test_a_port_where_nobody_listens_is_told(new_loop):
    """TransportError says what to check, and a later attempt may succeed."""

    async def main():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            transport = TcpTransport("here", "127.0.0.1", taken.getsockname()[1], None)
            with pytest.raises(TransportError, match="check that the device is on"):
                await transport.open(Heard())

    run(new_loop, main)


@LOOPS
def test_a_peer_that_reads_nothing_costs_bounded_memory(new_loop):
    """When the kernel takes no more, writing fails instead of growing."""

    async def main():
        connected = Connected()
        server, port = await serving(connected)
        transport = TcpTransport("here", "127.0.0.1", port, None)
        await transport.open(Heard())
        peer = await connected.latest()
        peer.pause_reading()
        refused = ""
        for _ in range(1000):
            try:
                transport.write(bytes(65536))
            except TransportError as error:
                refused = str(error)
                break
            await asyncio.sleep(0)
        assert refused == "here: the device takes no more bytes"
        await transport.close()
        peer.abort()
        server.close()
        await server.wait_closed()

    run(new_loop, main)
