"""The wire of virtual time keeps the same contract as a socket and a port, and has faults built in."""

import asyncio

import pytest

from pumpd.errors import TransportError
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.memory import MemoryWire
from tests.transports.loops import Heard


async def opened(baud=None):
    wire, ours, theirs = MemoryWire(baud=baud), Heard(), Heard()
    await wire.asking.open(ours)
    await wire.answering.open(theirs)
    return wire, ours, theirs


@in_virtual_time
async def test_bytes_go_both_ways():
    """What is written at one end arrives at the other."""
    wire, ours, theirs = await opened()
    wire.asking.write(b"question")
    wire.answering.write(b"answer")
    await asyncio.sleep(0)
    assert (theirs.data, ours.data) == (b"question", b"answer")


@in_virtual_time
async def test_a_wire_that_is_not_open_takes_no_bytes():
    """Before opening and after closing, writing is a TransportError; closing is told to nobody."""
    wire, ours, _ = await opened()
    await wire.asking.close()
    await wire.asking.close()
    with pytest.raises(TransportError, match="not open"):
        wire.asking.write(b"x")
    assert ours.errors == []


@in_virtual_time
async def test_unplugging_is_told_once_and_plugging_in_allows_opening():
    """The asking end is told, can not be opened meanwhile, and what was on its way is gone."""
    wire, ours, _ = await opened()
    wire.answering.on_the_way = lambda data: [(1.0, data)]
    wire.answering.write(b"on its way")
    wire.unplug()
    wire.unplug()
    assert [str(error) for error in ours.errors] == ["memory: the wire was unplugged"]
    with pytest.raises(TransportError, match="unplugged"):
        await wire.asking.open(ours)
    await asyncio.sleep(2)
    wire.plug()
    await wire.asking.open(ours)
    assert ours.data == b""


@in_virtual_time
async def test_faults_do_to_bytes_what_they_say():
    """Late, twice and damaged, each at its time."""
    wire, ours, _ = await opened()
    wire.answering.on_the_way = lambda data: [(0.5, data), (2.0, data.upper())]
    wire.answering.write(b"a")
    await asyncio.sleep(1)
    assert ours.data == b"a"
    await asyncio.sleep(1.5)
    assert ours.data == b"aA"


@in_virtual_time
async def test_a_slow_wire_takes_its_time():
    """96 bytes at 9600 baud take 100 ms, and those written behind wait for them."""
    wire, _, theirs = await opened(baud=9600)
    loop = asyncio.get_running_loop()
    wire.asking.write(bytes(96))
    wire.asking.write(bytes(96))
    await theirs.happened.wait()
    assert loop.time() == pytest.approx(0.1)
    assert len(theirs.data) == 96
    await asyncio.sleep(0.1)
    assert len(theirs.data) == 192


@in_virtual_time
async def test_a_wire_with_parity_takes_longer():
    """8E1 has 11 bits: 960 bytes at 9600 baud take 1.1 s."""
    wire, theirs = MemoryWire(baud=9600, bits_per_byte=11), Heard()
    await wire.answering.open(theirs)
    await wire.asking.open(Heard())
    wire.asking.write(bytes(960))
    await theirs.happened.wait()
    assert asyncio.get_running_loop().time() == pytest.approx(1.1)
