"""``pumpd trace`` and ``pumpd probe`` with every driver's own simulated pump, in each of its framings."""

import asyncio
import re

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.drivers.registry import find, installed
from pumpd.probe import probe
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.trace import trace
from tests.bench import PAIRS, on_the_bench

EVERY = pytest.mark.parametrize(("name", "framing"), PAIRS, ids=lambda each: getattr(each, "name", each))


async def watched(name, framing, verb, fault=None, **options):
    """Let a verb look at a running pump; return whether it went well, and what was said."""
    said: list[str] = []
    async with on_the_bench(name, framing, fault) as bench:
        for model in bench.models:
            model.press_start()
        await asyncio.sleep(60)
        well = await verb(bench.url, name, said.append, wire=bench.wire, **options)
    return well, "\n".join(said)


@pytest.mark.requirement("ENG-2")
@EVERY
@in_virtual_time
async def test_a_trace_tells_bytes_questions_answers_and_readings(name, framing):
    """Both ways in hex, each question and answer in words, and the flow of each channel."""
    well, said = await watched(name, framing, trace, every_s=5.0, for_s=40)
    assert well, said
    assert re.search(r"^ +\d+\.\d ms > ([0-9a-f]{2} )*[0-9a-f]{2}$", said, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d ms < ([0-9a-f]{2} )*[0-9a-f]{2}$", said, re.MULTILINE)
    asked = re.findall(r"^ +asks +(\S.*)$", said, re.MULTILINE)
    told = re.findall(r"^ +answers +(\S.*)$", said, re.MULTILINE)
    assert len(asked) - 1 <= len(told) <= len(asked)
    assert all(re.match(r"[A-Za-z]", line) for line in asked), "a question is told in words"
    for channel in subject_of(find(name)).channels:
        flows = re.findall(rf"^channel {channel}: status running; flow ([\d.]+) mL/h", said, re.MULTILINE)
        assert flows, said
        assert all(float(flow) == pytest.approx(10, abs=0.06) for flow in flows)


@pytest.mark.requirement("ENG-1")
@EVERY
@in_virtual_time
async def test_a_probe_tells_who_it_is_a_reading_times_and_errors(name, framing):
    """Of each driver: identity, every channel, round trips in milliseconds, and the counters."""
    well, said = await watched(name, framing, probe)
    assert well, said
    card = find(name).card
    assert re.search(rf"^connecting to .* as {re.escape(card.make)}", said, re.MULTILINE)
    rests = re.search(r"^asks in about (\d+) s: ", said, re.MULTILINE)
    slow = framing.name != "modbus-tcp" and card.reply_time_ms >= 500
    assert bool(rests) is slow
    assert re.search(r"^ +\d+\.\d ms > ([0-9a-f]{2} ?)+$", said, re.MULTILINE)
    assert re.search(r"^identity: \S.*, serial number \S.*, firmware \S", said, re.MULTILINE)
    for channel in subject_of(find(name)).channels:
        assert f"channel {channel}:\n  status: running\n" in said
    assert re.search(r"^5 readings, round trip [\d.]+ to [\d.]+ ms, mean [\d.]+ ms$", said, re.MULTILINE)
    counters = re.search(r"asked (\d+), answered (\d+), refused (\d+), timed out 0, late 0, unusable 0", said)
    assert counters is not None
    assert int(counters[1]) == int(counters[2]) + int(counters[3])


@pytest.mark.requirement("ENG-1")
@EVERY
@in_virtual_time
async def test_a_probe_of_a_silent_pump_says_what_to_do(name, framing):
    """Nothing answers: the reason, what to look at, and every question counted."""
    well, said = await watched(name, framing, probe, Fault(FaultKind.SILENCE))
    assert not well
    assert "failed: " in said
    assert "what to do: nothing answers: check that the pump is on" in said
    assert re.search(r"asked \d+, answered 0, refused 0, timed out [1-3]", said)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_narrow_terminal_cuts_no_drivers_name(columns):
    """What is to be typed into a configuration is told whole."""
    said = CliRunner().invoke(app, ["drivers", "list"], env={"COLUMNS": str(columns)}).stdout
    first_words = {line.split()[0] for line in said.splitlines() if line[:1].isalpha()}
    assert first_words >= set(installed())
