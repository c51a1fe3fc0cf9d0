"""A peer that is gone without a word: it acknowledges nothing, and no end of the connection comes."""

import asyncio
import ctypes
import socket
import struct
import sys

import pytest

from pumpd.transports import tcp
from pumpd.transports.com_port import ComPortTransport
from pumpd.transports.serial_line import SerialSettings
from pumpd.transports.tcp import TcpTransport
from tests.transports.loops import Heard
from tests.transports.test_com_port import GRANTED
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.requirement("LINK-8"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs a socket filter of Linux"),
]

_SO_ATTACH_FILTER = 26
_RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
"""BPF_RET | BPF_K, 0: keep no byte of any segment (linux/bpf_common.h)."""


def cut_the_cable(peer: socket.socket) -> None:
    """Let the peer's kernel drop every segment that comes, as if the way were cut."""
    program = ctypes.create_string_buffer(_RETURN_NOTHING)
    peer.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


async def accepted(server: socket.socket, first_words: bytes) -> socket.socket:
    """Return the connection of whoever connects, once the words are said to it."""
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(server)
    await loop.sock_sendall(peer, first_words)
    return peer


def raw(port: int) -> TcpTransport:
    """Return a serial line behind a raw serial server."""
    return TcpTransport("here", "127.0.0.1", port, None)


def set_by_us(port: int) -> ComPortTransport:
    """Return a serial port that is set over RFC 2217."""
    return ComPortTransport("here", "127.0.0.1", port, SerialSettings(9600, "E", 7, 1))


@pytest.mark.parametrize(
    ("made", "first_words"), [(raw, b""), (set_by_us, bytes.fromhex("ff fd 2c" + GRANTED))]
)
@pytest.mark.parametrize("asks", [True, False], ids=["by what is sent", "by keep-alive alone"])
async def test_a_connection_that_is_half_open_is_ended(made, first_words, asks, monkeypatch):
    """Unacknowledged bytes, or unanswered probes where nothing is sent, end it with words; shortened here."""
    monkeypatch.setattr(tcp, "_DEAD_PEER_MS", 500)
    monkeypatch.setattr(tcp, "_KEEP_ALIVE", (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 1)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        wire, heard = made(server.getsockname()[1]), Heard()
        _, peer = await asyncio.gather(wire.open(heard), accepted(server, first_words))
        with peer:
            cut_the_cable(peer)
            if asks:
                wire.write(b"a question")
            await until(lambda: heard.errors)
        [told] = heard.errors
        assert str(told) == "here: the device has gone without a word; check its power and the network"
        await wire.close()
