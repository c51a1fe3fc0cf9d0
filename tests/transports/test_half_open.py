"""A peer that is gone without a word: it acknowledges nothing, and no end of the connection comes."""

import ctypes
import socket
import struct
import sys

import pytest

from pumpd.transports import tcp
from pumpd.transports.tcp import TcpTransport
from tests.transports.loops import Heard
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


@pytest.mark.parametrize("asks", [True, False], ids=["by what is sent", "by keep-alive alone"])
async def test_a_connection_that_is_half_open_is_ended(asks, monkeypatch):
    """Unacknowledged bytes, or unanswered probes where nothing is sent, end it with words; shortened here."""
    monkeypatch.setattr(tcp, "_DEAD_PEER_MS", 500)
    monkeypatch.setattr(tcp, "_KEEP_ALIVE", (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 1)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire, heard = TcpTransport("here", "127.0.0.1", server.getsockname()[1], None), Heard()
        await wire.open(heard)
        peer, _ = server.accept()
        with peer:
            cut_the_cable(peer)
            if asks:
                wire.write(b"a question")
            await until(lambda: heard.errors)
        [told] = heard.errors
        assert str(told) == "here: the device has gone without a word; check its power and the network"
        await wire.close()
