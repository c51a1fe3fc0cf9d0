"""A real serial server, ser2net, between pumpd and a simulated pump on a pseudo-terminal: raw and RFC 2217.

A pseudo-terminal carries neither 7 bits nor parity, so the port is asked for as 9600 8N1.
"""

import os
import random

import pytest

from pumpd.drivers.registry import find
from pumpd.errors import TransportError
from pumpd.probe import probe
from pumpd.qa.conformance.rig import simulated
from pumpd.qa.conformance.subject import subject_of
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import PtyLine
from pumpd.transports import com_port
from pumpd.transports.serial_line import SerialSettings
from pumpd.transports.url import parse_url
from tests.transports.loops import Heard
from tests.transports.serial_server import serial_server
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("LINK-8")]

URLS = {
    ("raw", "new-era"): "tcp://127.0.0.1:{port}?baud=9600&address=1",
    ("rfc2217", "new-era"): "rfc2217://127.0.0.1:{port}?baud=9600&address=1",
    ("raw", "reference-pump"): "modbus-rtu://127.0.0.1:{port}/1?baud=9600",
    ("rfc2217", "reference-pump"): "modbus-rtu+rfc2217://127.0.0.1:{port}/1?baud=9600",
}


@pytest.mark.parametrize(("kind", "driver"), URLS)
async def test_a_pump_is_read_through_ser2net(kind, driver, tmp_path):
    """``pumpd probe`` identifies and reads it, whether the server sets its port or has it set by hand."""
    subject = subject_of(find(driver))
    framer = next(f.server_framer for f in subject.framings if f.baud is not None)
    pump = simulated(subject, 1, "SIM-0001")
    served = PtyLine(SimulatedLine([pump], random.Random(1)), tmp_path / "line", framer, SerialSettings(9600))
    await served.plug()
    told: list[str] = []
    try:
        with serial_server(kind, tmp_path, served.where) as server:
            url = URLS[kind, driver].format(port=server.port)
            well = await probe(url, driver, told.append, readings=2)
    finally:
        await served.unplug()
    print(f"{kind}, {driver}: {told[-1]}")
    assert well, told
    assert any("set flow: 10 mL/h" in line for line in told), told


@pytest.mark.parametrize("kind", ["raw", "rfc2217"])
async def test_a_second_client_is_refused_and_told(kind, tmp_path):
    """ser2net says that its port is in use, and so does pumpd; the first client goes on."""
    scheme = "tcp" if kind == "raw" else "rfc2217"
    with serial_server(kind, tmp_path) as server:
        url = parse_url(f"{scheme}://127.0.0.1:{server.port}?baud=9600")
        first, second, heard, refused = url.transport(), url.transport(), Heard(), Heard()
        await first.open(heard)
        try:
            await second.open(refused)
            await until(lambda: refused.errors)
            said = str(refused.errors[0])
        except TransportError as error:
            said = str(error)
        print(said)
        assert "at once" in said
        assert "is another client connected" in said
        assert "saying 'Port already in use'" in said or kind == "rfc2217"  # lost where we spoke first
        first.write(b"\xffask")
        got = b""

        def arrived() -> bool:
            nonlocal got
            try:
                got += os.read(server.device, 100)
            except BlockingIOError:
                return False
            return got == b"\xffask"

        await until(arrived)
        os.write(server.device, b"\xffanswer\r")
        await until(lambda: heard.data == b"\xffanswer\r")
        assert heard.errors == []
        await first.close()
        await second.close()


async def test_rfc2217_drops_what_the_server_kept(tmp_path):
    """A reply to somebody else, left in the server's port, is purged before pumpd reads a byte."""
    with serial_server("rfc2217", tmp_path) as server:
        os.write(server.device, b"a reply to the last client")
        wire, heard = parse_url(f"rfc2217://127.0.0.1:{server.port}?baud=9600").transport(), Heard()
        await wire.open(heard)
        os.write(server.device, b"fresh")
        await until(lambda: heard.data.endswith(b"fresh"))
        assert heard.data == b"fresh"
        await wire.close()


async def test_a_raw_port_is_no_rfc2217(tmp_path, monkeypatch):
    """The raw port of the same server: no port is set, and the words say which URL to write."""
    monkeypatch.setattr(com_port, "SET_UP_TIMEOUT_S", 0.3)
    with serial_server("raw", tmp_path) as server:
        wire = parse_url(f"rfc2217://127.0.0.1:{server.port}?baud=9600").transport()
        with pytest.raises(TransportError, match="speaks RFC 2217 there, else write tcp://"):
            await wire.open(Heard())
