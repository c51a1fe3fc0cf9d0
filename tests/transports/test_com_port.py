"""RFC 2217: a serial server that sets its port for us; the codec alone, and against a server of a test."""

import asyncio
import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import TransportError
from pumpd.protocols.com_port import EXAMPLES, ComPort
from pumpd.transports import com_port
from pumpd.transports.com_port import ComPortTransport
from pumpd.transports.serial_line import SerialSettings
from tests.transports.loops import Heard

GRANTED = "ff fa 2c 65 00 00 25 80 ff f0  ff fa 2c 66 07 ff f0  ff fa 2c 67 03 ff f0  ff fa 2c 68 01 ff f0"


def port() -> ComPort:
    """Return a connection that wants 9600 7E1."""
    return ComPort(9600, 7, "E", 1)


def test_the_port_is_asked_for_as_the_url_says():
    """WILL COM-PORT-OPTION, and after the server's DO: speed, bits, parity, stop bits, and a purge."""
    far = port()
    assert far.opening().hex(" ") == "ff fb 00 ff fd 00 ff fb 03 ff fd 03 ff fb 2c"
    data, answer = far.feed(bytes.fromhex("ff fd 2c"))
    assert data == b""
    for words, frame in EXAMPLES:
        assert bytes.fromhex(frame) in (answer if " SB " in words else far.opening()), words
    assert not far.ready
    assert far.feed(bytes.fromhex("ff fd 2c")) == (b"", b"")
    assert far.feed(bytes.fromhex(GRANTED)) == (b"", b"")
    assert (far.ready, far.refused) == (True, "")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("ff fe 2c", "the serial server sets no port for its clients"),
        ("ff fc 00", "does not pass bytes of eight bits"),
        ("ff fa 2c 66 08 ff f0", "bits=7 was asked of the serial server, and it set bits=8"),
        ("ff fa 2c 67 01 ff f0", "parity=E was asked of the serial server, and it set parity=N"),
        ("ff fa 2c 65 00 00 4b 00 ff f0", "baud=9600 was asked of the serial server, and it set baud=19200"),
        ("ff fa 2c 68 03 ff f0", "stop=1 was asked of the serial server, and it set stop=1.5"),
    ],
)
def test_what_the_server_does_not_grant_is_told(said, why):
    """A port that is set otherwise brings noise at best; it is not used."""
    far = port()
    far.opening()
    far.feed(bytes.fromhex(said))
    assert why in far.refused
    assert not far.ready


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_data_travels_whole_between_commands(data, cuts):
    """Any bytes, cut anywhere, with commands in front, behind and between, come out as they went in."""
    command = bytes.fromhex("ff fa 2c 6b 30 ff f0 ff f1")
    sent = command + port().encode(data) + command + port().encode(data[::-1])
    far, got = port(), b""
    bounds = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(bounds):
        got += far.feed(sent[begin:end])[0]
    assert got == data + data[::-1]


@given(st.binary(max_size=300))
def test_garbage_is_bounded_and_never_a_grant(garbage):
    """Whatever comes, no more is kept than one command, and refusals to a peer's offers are given once."""
    far = port()
    far.opening()
    _, first = far.feed(garbage)
    _, again = far.feed(garbage)
    assert len(far._command) <= 64
    assert len(first) <= len(garbage) + 200
    assert len(again) <= len(garbage) + 200


def test_an_unknown_option_is_declined_once():
    """Offers and wishes get one answer; two ends that answer answers would never end."""
    far = port()
    far.opening()
    assert far.feed(bytes.fromhex("ff fb 01 ff fd 18"))[1].hex(" ") == "ff fe 01 ff fc 18"
    assert far.feed(bytes.fromhex("ff fb 01 ff fd 18"))[1] == b""
    assert far.feed(bytes.fromhex("ff fc 01 ff fe 18"))[1] == b""


@contextlib.asynccontextmanager
async def peer(*said: bytes, hang_up: bool = False):
    """Listen on loopback; say each of ``said`` after something was heard, then listen on or hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for words in said:
                await reader.read(1000)
                writer.write(words)
            while not hang_up and await reader.read(1000):
                continue
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.real
async def test_what_a_server_kept_for_its_last_client_is_dropped():
    """Bytes in front of the grant never reach a framer; those behind it do."""
    async with peer(b"old reply\xff\xfd\x2c", b"older" + bytes.fromhex(GRANTED)) as at:
        far, heard = ComPortTransport("server", "127.0.0.1", at, SerialSettings(9600, "E", 7)), Heard()
        await far.open(heard)
        assert heard.data == b""
        far.data_received(b"fresh")
        assert heard.data == b"fresh"
        await far.close()
        assert heard.errors == []


@pytest.mark.real
async def test_a_server_that_will_not_set_its_port_is_told():
    """``DONT COM-PORT-OPTION`` is an error with what to do, and the connection is closed."""
    async with peer(bytes.fromhex("ff fe 2c")) as at:
        far = ComPortTransport("server", "127.0.0.1", at, SerialSettings(9600))
        with pytest.raises(TransportError, match="set it there, and write tcp://"):
            await far.open(Heard())
        with pytest.raises(TransportError, match="not connected"):
            far.write(b"x")


@pytest.mark.real
async def test_a_raw_server_is_told_by_its_silence(monkeypatch):
    """One that speaks no Telnet answers nothing; after the time-out the words name the other URL."""
    monkeypatch.setattr(com_port, "SET_UP_TIMEOUT_S", 0.05)
    async with peer() as at:
        far = ComPortTransport("server", "127.0.0.1", at, SerialSettings(9600))
        with pytest.raises(TransportError, match="speaks RFC 2217 there, else write tcp://"):
            await far.open(Heard())


@pytest.mark.real
async def test_a_connection_that_ends_before_the_port_is_set_is_told():
    """A server whose one client is another says so, and closes."""
    async with peer(b"Port already in use\r\n", hang_up=True) as at:
        far = ComPortTransport("server", "127.0.0.1", at, SerialSettings(9600))
        with pytest.raises(TransportError, match="at once, saying 'Port already in use'; is another client"):
            await far.open(Heard())
