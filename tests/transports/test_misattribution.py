"""No value is credited to the wrong question, over seeded exchanges with a hostile device."""

import asyncio
import random
from collections import Counter
from dataclasses import asdict, replace

import pytest

from pumpd.errors import DeviceRefusedError, TransportError, WireError
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import run_virtual
from pumpd.transports import exchange
from pumpd.transports.bus import bus_for
from pumpd.transports.memory import MemoryWire
from pumpd.transports.outgoing import ControlPoint
from pumpd.transports.url import parse_url
from tests import proof
from tests.transports.devices import SERVER_FRAMERS
from tests.transports.hostile import CHANCES, Chances, HostileDevice, serial_in
from tests.transports.lines import URLS

REPLY_TIME_MS, LATENCY_MS = 80, 20
HEALTHY_SHARE = 0.75
"""27 of 100 requests get no good reply in time, so 7 of 100 reads get none twice; as many are refused."""
UNDAMAGED = replace(CHANCES, damaged_in_front=0, damaged_only=0)
"""Modbus TCP has no check of its own: what TCP delivers is undamaged."""
STOP = ControlPoint(5, 0, 0xFF00, 0xFF00, Permission.PAUSE)


def _question(unit, seeded, shapes):
    """Return one of ``shapes`` questions, mostly of the same two lengths so that replies can be confused."""
    match seeded.randrange(shapes):
        case 0 | 1:
            return ReadRegisters(unit, 3, seeded.randrange(100), 6)
        case 2:
            return ReadRegisters(unit, 3, seeded.randrange(100), seeded.choice((2, 6, 12)))
        case 3:
            return ReadRegisters(unit, 4, seeded.randrange(100), 6)
        case 4:
            return ReadBits(unit, seeded.choice((1, 2)), seeded.randrange(100), seeded.choice((32, 96)))
    return WriteCoil(unit, 0, on=True, permission=Permission.PAUSE)


async def _asker(unit, bus, device, count, seeded, shapes, found):
    """Ask ``count`` questions one after the other and judge every answer by the device's own record."""
    pump = bus.conversation(unit, REPLY_TIME_MS, [STOP])
    for _ in range(count):
        question = _question(unit, seeded, shapes)
        try:
            reply = await pump.ask(question)
        except DeviceRefusedError:
            found["misattributed" if device.last[unit] not in device.refused else "refused"] += 1
        except WireError:
            found["no answer"] += 1
        except TransportError:
            found["line lost"] += 1
            await bus.until_up()
        else:
            last = device.last[unit]
            wrong = last not in device.answered if reply is None else serial_in(reply) != last
            found["misattributed" if wrong else "answered"] += 1
        if seeded.random() < 0.3:
            await asyncio.sleep(seeded.uniform(0, 0.5))


async def _unplug_now_and_then(wire, bus, seeded):
    """Take the wire away in the middle of things, and give it back before the late replies are over."""
    while True:
        await bus.until_up()
        await asyncio.sleep(seeded.uniform(1, 5))
        wire.unplug()
        await asyncio.sleep(seeded.uniform(0, 0.2))
        wire.plug()


async def _exchanges(framing, units, count, shapes, chances, unplugged=False):
    seeded = random.Random(f"{proof.SEED} {framing} {units} {shapes}")
    wire = MemoryWire()
    device = HostileDevice(
        wire.answering, SERVER_FRAMERS[framing](), (REPLY_TIME_MS + LATENCY_MS) / 1000, seeded, chances
    )
    await wire.answering.open(device)
    bus = bus_for(
        parse_url(URLS[framing]),
        latency_ms=LATENCY_MS,
        seeded=seeded,
        on_blocked=lambda *_: pytest.fail("nothing here is forbidden"),
        transport=wire.asking,
    )
    running = asyncio.create_task(bus.run(), name="bus under test")
    await bus.until_up()
    unplugging = asyncio.create_task(
        _unplug_now_and_then(wire, bus, seeded) if unplugged else asyncio.sleep(0), name="unplugging"
    )
    found: Counter[str] = Counter()
    async with asyncio.TaskGroup() as askers:
        for unit in range(1, units + 1):
            askers.create_task(
                _asker(unit, bus, device, count // units, seeded, shapes, found), name=f"{unit}"
            )
    for task in (unplugging, running):
        task.cancel()
    await asyncio.gather(unplugging, running, return_exceptions=True)
    counters = [bus.conversation(unit, REPLY_TIME_MS).counters for unit in range(1, units + 1)]
    found["late"] = sum(c.late for c in counters)
    return found, device.did


LINES = pytest.mark.parametrize(
    ("framing", "units", "shapes", "small", "full"),
    [
        ("modbus-rtu", 4, 7, 1200, 40_000),
        ("modbus-rtu", 1, 1, 600, 20_000),
        ("modbus-rtu", 1, 7, 600, 20_000),
        ("modbus-tcp", 4, 7, 600, 20_000),
    ],
    ids=["rtu-four-units", "rtu-one-unit-same-question", "rtu-one-unit", "tcp-four-units"],
)


@pytest.mark.requirement("INV-2", "LINK-2", "LINK-3")
@pytest.mark.timeout(600)
@LINES
def test_no_value_is_credited_to_the_wrong_question(framing, units, shapes, small, full):
    """Late by 0 to 3 time-outs, twice, foreign, damaged: 0 misattributed, and most are still answered."""
    chances = UNDAMAGED if framing == "modbus-tcp" else CHANCES
    count = proof.count(f"hostile exchanges, {framing}, {units} units, {shapes} shapes", small, full)
    found, did = run_virtual(_exchanges(framing, units, count, shapes, chances))
    assert found["misattributed"] == 0
    assert sum(found[k] for k in ("answered", "refused", "no answer")) == count // units * units
    assert all(did[kind] for kind, often in asdict(chances).items() if often), "every fault happened"
    assert found["answered"] / count > HEALTHY_SHARE, found
    assert found["late"] > 0


@pytest.mark.requirement("INV-2", "LINK-2")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("framing", ["modbus-rtu", "modbus-tcp"])
def test_no_value_is_credited_to_a_question_from_before_the_line_was_lost(framing):
    """The same with a line that is unplugged and plugged in again while replies are still on their way."""
    chances = UNDAMAGED if framing == "modbus-tcp" else CHANCES
    count = proof.count(f"hostile exchanges, {framing}, unplugged now and then", 300, 10_000)
    found, _ = run_virtual(_exchanges(framing, 1, count, 1, chances, unplugged=True))
    assert found["misattributed"] == 0
    assert found["line lost"] > count / 200
    assert found["answered"] / count > HEALTHY_SHARE - 0.1, found


def test_the_harness_finds_misattributed_values_where_the_horizon_is_missing(monkeypatch):
    """Without horizon, late and second replies are credited to newer questions: the judge can say no."""
    monkeypatch.setattr(exchange, "MOST_LATE_TIMEOUTS", -1)
    found, _ = run_virtual(_exchanges("modbus-rtu", 1, 600, 1, CHANCES))
    assert found["misattributed"] > 30, found


def test_a_line_without_faults_answers_everything():
    """The discipline itself costs no answer."""
    quiet = Chances(**dict.fromkeys(asdict(CHANCES), 0))
    for framing in ("modbus-rtu", "modbus-tcp"):
        found, _ = run_virtual(_exchanges(framing, 4, 200, 7, quiet))
        assert found == {"answered": 200, "late": 0}
