"""What stock pymodbus does with an RTU line, beside what ours does: the reason why framing and line are ours.

If an upgrade of pymodbus makes one of these fail, the decision record wants to be read again.
"""

import asyncio
import contextlib

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from pumpd.errors import LinkTimeoutError, WireError
from pumpd.protocols.framing_mbap import frame_of as mbap_frame
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer, frame_of
from pumpd.protocols.modbus import ReadRegisters
from pumpd.qa.virtual_time import in_virtual_time
from tests.transports.lines import line

QUESTION = ReadRegisters(1, 3, 0, 3)
GOOD = frame_of(bytes.fromhex("01 03 06 022B 0000 0064"))
FOREIGN = frame_of(bytes.fromhex("02 03 06 0001 0002 0003"))
DAMAGED = bytes((*GOOD[:4], GOOD[4] ^ 1, *GOOD[5:]))


def stock(stream):
    """Feed ``stream`` to pymodbus' client framer as its client does; return what it finds in the end."""
    framer, kept = FramerRTU(DecodePDU(is_server=False)), b""
    for byte in (stream[n : n + 1] for n in range(len(stream))):
        kept += byte
        used, pdu = framer.handleFrame(kept, 1, 0)
        kept = kept[used:]
        if pdu is not None:
            return tuple(pdu.registers)
    return None


def stock_at_once(stream):
    """The same with the whole stream in one piece."""
    _, pdu = FramerRTU(DecodePDU(is_server=False)).handleFrame(stream, 1, 0)
    return None if pdu is None else tuple(pdu.registers)


def ours(stream):
    framer = RtuFramer()
    framer.encode(QUESTION)
    payload = framer.feed(stream)
    return None if payload is None else QUESTION.parse_reply(payload)


def test_both_read_a_good_reply():
    """The comparison is fair: a plain reply is read by both."""
    assert stock(GOOD) == stock_at_once(GOOD) == ours(GOOD) == (555, 0, 100)


@pytest.mark.requirement("LINK-3")
@pytest.mark.parametrize("in_front", [FOREIGN, DAMAGED], ids=["foreign", "damaged"])
def test_stock_loses_the_good_reply_behind_another_frame(in_front):
    """A foreign or damaged frame in the same piece swallows the good one behind it; ours finds it."""
    assert stock_at_once(in_front + GOOD) is None
    assert ours(in_front + GOOD) == (555, 0, 100)


@pytest.mark.requirement("LINK-3")
def test_stock_waits_for_255_bytes_after_three_bytes_of_noise():
    """Three bytes that look like the head of a long frame keep stock waiting; ours goes on looking."""
    noise = bytes.fromhex("01 03 FF")
    assert stock(noise + GOOD) is None
    assert stock_at_once(noise + GOOD) is None
    assert ours(noise + GOOD) == (555, 0, 100)


@pytest.mark.requirement("LINK-4")
def test_stock_takes_another_function_and_fewer_registers_as_success():
    """Over Modbus TCP the answer to another function, or of one register, is a success to stock."""
    framer = FramerSocket(DecodePDU(is_server=False))
    for payload in ("01 04 06 0001 0002 0003", "01 03 02 0001"):
        _, pdu = framer.handleFrame(mbap_frame(5, bytes.fromhex(payload)), 1, 5)
        assert pdu is not None
        assert not pdu.isError()
        with pytest.raises(WireError):
            QUESTION.parse_reply(bytes.fromhex(payload))


class LateDevice(asyncio.Protocol):
    """Keeps the reply to each question until the next one comes: every reply is late, none is lost."""

    def __init__(self):
        self.framer, self.kept = RtuServerFramer(), None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        for question in self.framer.feed(data):
            if self.kept is not None:
                self.transport.write(self.kept)
            address = question.payload[2:4]
            self.kept = frame_of(bytes((1, 3, 2)) + address)


@contextlib.asynccontextmanager
async def late_device():
    server = await asyncio.get_running_loop().create_server(LateDevice, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.real
@pytest.mark.requirement("INV-2", "LINK-2")
async def test_stock_credits_a_late_reply_to_the_next_question():
    """Register 8 is asked and answered with the value of register 7, as if nothing were wrong."""
    async with late_device() as port:
        client = AsyncModbusTcpClient(
            "127.0.0.1", port=port, framer=FramerType.RTU, timeout=0.1, retries=0, reconnect_delay=0
        )
        await client.connect()
        with contextlib.suppress(Exception):
            await client.read_holding_registers(7, count=1, device_id=1)
        wrong = await client.read_holding_registers(8, count=1, device_id=1)
        client.close()
        assert wrong.registers == [7]


@pytest.mark.requirement("INV-2", "LINK-2")
@in_virtual_time
async def test_ours_credits_a_late_reply_to_no_question():
    """The same two questions to a device whose replies are one and a half time-outs late: no value at all."""
    async with line("modbus-rtu") as on:
        pump = on.bus.conversation(1, 100)
        on.wire.answering.on_the_way = lambda data: [(2.5 * on.bus.timeout_s(QUESTION, 100), data)]
        for register in (7, 8, 9):
            with pytest.raises(LinkTimeoutError):
                await pump.ask(ReadRegisters(1, 3, register, 1))
        assert pump.counters.answered == 0
