"""What a probe tells when the pump does not answer well."""

import random

import pytest

from pumpd.drivers.registry import find
from pumpd.errors import ConfigError
from pumpd.probe import probe
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.qa.conformance.rig import simulated
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import MemoryLine
from pumpd.transports.memory import MemoryWire
from tests import proof


async def probed(framing: str, *faults: Fault, plugged: bool = True) -> tuple[bool, str]:
    """Probe a simulated pump at the far end of a memory wire."""
    wire = MemoryWire()
    pump = simulated(subject_of(find("reference-pump")), 1, "SIM-0001")
    line = SimulatedLine([pump], random.Random(proof.SEED))
    served = MemoryLine(line, wire, MbapServerFramer if framing == "modbus-tcp" else RtuServerFramer)
    await served.plug()
    if not plugged:
        await served.unplug()
    for fault in faults:
        line.faults.add(None, fault)
    said: list[str] = []
    try:
        well = await probe(f"{framing}://memory:4001/1", "reference-pump", said.append, wire=wire.asking)
    finally:
        await served.unplug()
    return well, "\n".join(said)


@pytest.mark.parametrize("framing", ["modbus-tcp", "modbus-rtu"])
@in_virtual_time
async def test_a_good_pump_is_told_whole(framing):
    """Bytes both ways, identity, every value, round trips and counters."""
    well, said = await probed(framing)
    assert well
    for part in (
        " > ",
        " < ",
        "SIM-0001",
        "SIMULATED",
        "set flow: 10 mL/h",
        "5 readings",
        "asked 6, answered 6",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("framing", "fault", "words"),
    [
        ("modbus-rtu", Fault(FaultKind.SILENCE), "nothing answers"),
        ("modbus-tcp", Fault(FaultKind.SILENCE), "nothing answers"),
        ("modbus-rtu", Fault(FaultKind.DAMAGE), "bytes came, but no reply"),
        ("modbus-tcp", Fault(FaultKind.EXCEPTION, exception_code=2), "has no such registers"),
        ("modbus-rtu", Fault(FaultKind.EXCEPTION, exception_code=4), "says no: look at its display"),
    ],
)
@in_virtual_time
async def test_what_to_do_follows_from_what_was_seen(framing, fault, words):
    """Silence, damage and refusals each lead to advice of their own."""
    well, said = await probed(framing, fault)
    assert not well
    assert "failed: " in said
    assert words in said.partition("what to do: ")[2]


@in_virtual_time
async def test_a_line_that_is_not_there_is_advised_on():
    """No connection: the advice is about the line, not about the pump."""
    well, said = await probed("modbus-tcp", plugged=False)
    assert not well
    assert "check address and port" in said


@pytest.mark.parametrize(
    ("url", "driver", "allowed"),
    [
        ("tcp://127.0.0.1", "new-era", "serial:///dev/PORT?baud=9600 or tcp://HOST:PORT"),
        ("http://127.0.0.1", "alaris", "serial:///dev/PORT?baud=9600 or tcp://HOST:PORT"),
        (
            "http://127.0.0.1",
            "vindum-vp",
            "modbus-tcp://HOST:PORT/UNIT or modbus-rtu:///dev/PORT/UNIT?baud=9600",
        ),
    ],
)
@in_virtual_time
async def test_a_wrong_url_is_told_with_what_this_driver_takes(url, driver, allowed):
    """A pump with a protocol of its own is at no Modbus URL."""
    with pytest.raises(ConfigError) as refused:
        await probe(url, driver, lambda _: None)
    assert refused.value.problems[0].allowed == allowed


@in_virtual_time
async def test_who_is_called_by_an_address_is_not_advised_on_a_unit():
    """Units are of Modbus."""
    said: list[str] = []
    wire = MemoryWire("line").asking
    assert not await probe("tcp://127.0.0.1:1?address=7", "new-era", said.append, wire=wire)
    assert any(line.endswith("and that its address is 7") for line in said)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("modbus-tcp://127.0.0.1:502", "reference-pump"),
        ("modbus-tcp://127.0.0.1:502/0", "reference-pump"),
        ("tcp://127.0.0.1:4001", "reference-pump"),
        ("modbus-tcp://127.0.0.1:502/1", "no-such-pump"),
    ],
)
@in_virtual_time
async def test_a_wrong_command_line_is_a_configuration_error(url, driver):
    """A URL without a unit, broadcast, a framed dialect and an unknown driver never reach a wire."""
    with pytest.raises(ConfigError) as refused:
        await probe(url, driver, lambda _: None)
    assert refused.value.problems[0].remedy
