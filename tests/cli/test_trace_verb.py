"""``pumpd trace``: bytes, what they mean, and a file of the same lines."""

import asyncio
import random
import re

import pytest
from typer.testing import CliRunner

from pumpd import trace as traced
from pumpd.cli import app
from pumpd.cli_words import free_place, tell
from pumpd.drivers.registry import find
from pumpd.errors import ConfigError, TransportError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.qa.conformance.rig import over_pty, rig, simulated
from pumpd.qa.conformance.subject import MODBUS, subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import MemoryLine
from pumpd.transports.memory import MemoryWire
from tests import proof


async def traced_for(for_s: float, *faults: tuple[float, Fault], unplug_after_s: float | None = None):
    """Trace a simulated pump; each fault begins so many seconds from now."""
    wire, loop = MemoryWire(baud=19200), asyncio.get_running_loop()
    pump = simulated(subject_of(find("reference-pump")), 1, "SIM-0001")
    line = SimulatedLine([pump], random.Random(proof.SEED))
    served = MemoryLine(line, wire, RtuServerFramer)
    await served.plug()
    for after_s, fault in faults:
        loop.call_later(after_s, line.faults.add, None, fault)
    if unplug_after_s is not None:
        loop.call_later(unplug_after_s, wire.unplug)
    said: list[str] = []
    try:
        url = "modbus-rtu://memory:4001/1?baud=19200"
        lasted = await traced.trace(url, "reference-pump", said.append, for_s=for_s, wire=wire.asking)
    finally:
        await served.unplug()
    return lasted, "\n".join(said)


@pytest.mark.requirement("ENG-2")
@in_virtual_time
async def test_every_byte_stands_beside_what_it_means():
    """Question and answer in hex and in words, and the reading once a second."""
    lasted, said = await traced_for(3.5)
    assert lasted
    assert said.count("asks     unit 1: read input registers 0 to 13") == 3
    assert "answers  words 0001" in said
    assert said.count("channel 1: status stopped; flow 0 mL/h; set flow 10 mL/h") == 3
    assert re.search(r"^ +\d+\.\d ms > 01 04 00 00 00 0e", said, re.MULTILINE)


@pytest.mark.requirement("ENG-2")
@in_virtual_time
async def test_a_pump_that_falls_silent_is_traced_on_and_asked_anew_who_it_is():
    """Silence is told and does not end a trace; whoever answers next says who it is."""
    lasted, said = await traced_for(
        30, (2, Fault(FaultKind.SILENCE, until_s=asyncio.get_running_loop().time() + 7))
    )
    assert lasted
    assert "no answer LinkTimeoutError" in said
    assert said.count("identity: pumpd project REF-1") == 2


@pytest.mark.requirement("ENG-2")
@in_virtual_time
async def test_a_line_that_goes_ends_the_trace_with_advice():
    """An adapter that is pulled out: no trace can go on."""
    lasted, said = await traced_for(30, unplug_after_s=2)
    assert not lasted
    assert "what to do: " in said


@pytest.mark.requirement("ENG-2")
@pytest.mark.real
def test_the_file_holds_the_same_lines_and_is_never_written_over(tmp_path):
    """Over a pseudo-terminal, by the command line; a second run with the same file touches nothing."""
    file = tmp_path / "trace.txt"

    async def served():
        async with rig(subject_of(find("reference-pump")), MODBUS[1], over=over_pty(tmp_path / "port")) as on:
            await on.bus.link.close(TransportError("the line is for the trace"))
            arguments = ["trace", on.url, "--driver", "reference-pump", "--for", "1.2", "--to", str(file)]
            loop = asyncio.get_running_loop()
            first = await loop.run_in_executor(None, CliRunner().invoke, app, arguments)
            return first, await loop.run_in_executor(None, CliRunner().invoke, app, arguments)

    first, second = asyncio.run(served())
    assert first.exit_code == 0, first.output
    assert file.read_text().splitlines() == first.output.splitlines()
    assert "channel 1: status stopped" in first.output
    assert isinstance(second.exception, ConfigError)
    assert "is there already" in second.exception.problems[0].what


@pytest.mark.requirement("ENG-2")
@pytest.mark.parametrize(
    "refused",
    [
        ("http://x", "--driver", "new-era"),
        ("tcp://127.0.0.1:1", "--driver", "no-such-pump"),
        ("tcp://127.0.0.1:1", "--driver", "bbraun-bcc", "--listen"),
    ],
)
def test_what_is_refused_leaves_no_file(tmp_path, refused):
    """The same name is free when the command line is mended."""
    ran = CliRunner().invoke(app, ["trace", *refused, "--to", str(tmp_path / "trace.txt")])
    assert isinstance(ran.exception, ConfigError)
    assert ran.output == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("ENG-2")
def test_a_folder_that_nobody_may_write_to_is_told_before_the_work(tmp_path, monkeypatch):
    """Root may write anywhere, so the answer of the system is what is taken away here."""
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ConfigError) as refused:
        free_place(tmp_path / "trial.json", "--to")
    assert refused.value.problems[0].what == f"this user may not write to {tmp_path}"


@pytest.mark.requirement("ENG-2")
def test_a_pumps_words_move_no_cursor_and_forge_no_line(capsys):
    """What came is shown, escaped."""
    tell("identity: \x1b[2J\x07 \r\nchannel 1: well, \u202e\u00b5")
    assert capsys.readouterr().out == ("identity: \\x1b[2J\\x07 \\r\\nchannel 1: well, \\u202e\u00b5\n")
