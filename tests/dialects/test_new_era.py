"""New Era: vectors, every status, alarm and refusal, its safe mode, and NESP-Lib as its client."""

from __future__ import annotations

import random

import nesp_lib
import pytest

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.new_era import ALARMS, STATUSES, Cycle, NewEraDriver
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import new_era, new_era_numbers
from pumpd.protocols.new_era import ReadDispensed, ReadRate, Said, SetDeadMan, Stop, packet, unpacked
from pumpd.protocols.wire import Permission, Question
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import PeerPort, perform, tell

pytestmark = pytest.mark.requirement("DIAL-2")


def test_vectors():
    """Numbers and packets as the manual prints them, both ways."""
    for number, unit, units, value in new_era_numbers.EXAMPLES:
        assert new_era_numbers.exact(number, unit, units) == value
        assert new_era_numbers.digits(value, units[unit]) == number
    for text, whole in new_era.PACKETS:
        assert packet(text) == whole
        found = unpacked(b"\x02\xff" + whole)
        assert found is not None
        assert found.payload == text


@pytest.mark.parametrize(
    ("code", "status", "delivers"),
    [
        ("I", PumpStatus.RUNNING, True),
        ("W", PumpStatus.UNKNOWN, True),
        ("S", PumpStatus.STOPPED, False),
        ("P", PumpStatus.PAUSED, False),
        ("T", PumpStatus.PAUSED, False),
        ("U", PumpStatus.STANDBY, False),
        ("X", PumpStatus.PRIMING, True),
        ("Q", PumpStatus.UNKNOWN, True),
    ],
)
def test_each_status(code, status, delivers):
    """Each letter of the manual, and one that is none; what arrived is kept."""
    reading = NewEraDriver(0)._meaning(Cycle(Said(code, "5.000MH"), Said(code, "I1.234W0.000ML")))
    assert (reading.status, reading.raw_status, reading.status.delivers) == (status, code, delivers)
    assert reading.set_flow.value.ml_per_h == "5"
    assert reading.volume.value.nl == 1_234_000
    flows = {"I": "5", "W": "5", "Q": "5"}
    if code == "X":
        assert reading.flow.validity is Validity.INVALID
    else:
        assert reading.flow.value.ml_per_h == flows.get(code, "0")
    assert set(STATUSES) == {"I", "S", "P", "T", "U", "X"}


@pytest.mark.parametrize(
    ("letter", "alarm"),
    [
        ("R", PumpAlarm.OTHER),
        ("S", PumpAlarm.OCCLUSION),
        ("T", PumpAlarm.OTHER),
        ("E", PumpAlarm.FAULT),
        ("O", PumpAlarm.FAULT),
        ("Z", PumpAlarm.OTHER),
    ],
)
@in_virtual_time
async def test_each_alarm(letter, alarm):
    """Told once by the pump in place of an answer, kept by the driver until it runs again."""
    async with new_era_rig() as on:
        said = iter([letter])
        face_alarm = on.face._alarm
        on.face._alarm = lambda: next(said, "")
        for _ in range(3):
            reading = await on.read()
            assert (reading.status, reading.alarms) == (PumpStatus.ALARM, {alarm})
            assert reading.raw_alarms == (f"A?{letter}",)
        on.face._alarm = face_alarm
        on.start()
        assert (await on.read()).alarms == frozenset()
    assert set(ALARMS) == {"A?R", "A?S", "A?T", "A?E", "A?O"}


def new_era_rig():
    """Put the driver on a line with two simulated pumps."""
    subject = subject_of(find("new-era"))
    return rig(subject, subject.framings[0])


@in_virtual_time
async def test_a_stop_that_an_alarm_swallowed_is_said_again():
    """The first command after an alarm is not executed; the pause is sent until it is answered."""
    async with new_era_rig() as on:
        on.start()
        said = iter(["R"])
        on.face._alarm = lambda: next(said, "")
        await on.driver.pause(on.talk, "1")
        assert on.models[0].status is PumpStatus.PAUSED


@pytest.mark.parametrize(
    ("command", "running", "refusal"),
    [
        (b"FOO", False, b"S?"),
        (b"RUN", True, b"I?NA"),
        (b"RAT5MH", True, b"I?NA"),
        (b"RAT0", False, b"S?OOR"),
        (b"RAT12345", False, b"S?OOR"),
        (b"DIA60", False, b"S?OOR"),
        (b"SAF256", False, b"S?OOR"),
        (b"SAFE", False, b"S?OOR"),
    ],
)
def test_the_simulated_pump_refuses_as_the_manual_says(command, running, refusal):
    """Unknown, not now, out of range."""
    port = PeerPort("new-era", 0)
    if running:
        port.model.press_start()
    assert port.face.answer(command) == refusal


def test_a_line_in_safe_mode_is_a_bad_packet():
    """Once it speaks in packets, a bare line is refused with ?COM, and nothing is done."""
    port = PeerPort("new-era", 0)
    port.write(packet(b"0SAF5"))
    assert port.read(99) == packet(b"00S")
    port.model.press_start()
    port.write(b"0STP\r")
    assert port.read(99) == b"\x0200I?COM\x03"
    assert port.model.status is PumpStatus.RUNNING


@pytest.mark.parametrize(("gap_s", "stops"), [(4.9, False), (5.1, True)])
def test_nobody_speaks_in_safe_mode_and_it_stops(gap_s, stops):
    """After so many seconds without a good packet it pauses with alarm T; a damaged one does not count."""
    port = PeerPort("new-era", 0)
    port.write(packet(b"0SAF5"))
    port.model.press_start()
    port.write(packet(b"0"))
    port.read(99)
    port.pass_s(gap_s / 2)
    port.write(packet(b"0")[:-2] + b"\x00\x03")
    port.pass_s(gap_s / 2)
    port.write(packet(b"0"))
    assert port.read(99) == packet(b"00A?T" if stops else b"00I")
    assert port.model.status is (PumpStatus.PAUSED if stops else PumpStatus.RUNNING)
    assert port.model.delivered_nl == pytest.approx(10 * NL_PER_ML * min(gap_s, 5) / 3600, rel=0.05)


def test_commands_travel_in_packets_too():
    """In safe mode both ends add length and CRC; a flipped bit is never another message."""
    request = ReadRate(3, safe=True)
    framer, server = new_era.NewEraFramer(), new_era.NewEraServer()
    sent = framer.encode(request)
    assert sent == packet(b"3RAT")
    (question,) = server.feed(sent)
    assert question == Question(b"\x02RAT", address=3)
    reply = server.encode(question, b"I5.000MH")
    for bit in range(8 * len(reply)):
        fresh = new_era.NewEraFramer()
        fresh.encode(request)
        damaged = reply[: bit // 8] + bytes([reply[bit // 8] ^ 1 << bit % 8]) + reply[bit // 8 + 1 :]
        assert fresh.feed(damaged) is None
        assert fresh.feed(reply) == b"03I5.000MH"
    assert new_era.judge(SetRatePacket) == (3, Permission.LOWER)
    with pytest.raises(WireError):
        new_era.judge(sent[:-3] + b"\x00\x00\x03")


SetRatePacket = packet(b"3RAT4.5")


@pytest.mark.parametrize("count", [2, 3, 7])
@in_virtual_time
async def test_several_pumps_share_a_line(count):
    """Each is asked at its own address and answers with its own rate."""
    async with new_era_rig() as on:
        for unit in range(3, count + 1):
            other = on.line.pumps[2]
            on.line.pumps[unit] = other
        for _ in range(3):
            for unit in (1, 2):
                talk = on.bus.conversation(unit, 100)
                (reading,) = await on.spec.build(unit).read(talk)
                assert reading.set_flow.value.ml_per_h == str(10 * unit)


CLIENT = (
    "address",
    "model_number",
    "firmware_version",
    "firmware_upgrade",
    "safe_mode_timeout_s",
    "status",
    "running",
    "syringe_diameter_mm",
    "pumping_direction",
    "pumping_volume_ml",
    "pumping_rate_ml_per_min",
    "volume_infused_ml",
    "volume_withdrawn_ml",
)
SETTERS = {
    "syringe_diameter_mm": 26.59,
    "pumping_direction": nesp_lib.PumpingDirection.INFUSE,
    "pumping_volume_ml": 20.0,
    "pumping_rate_ml_per_min": 0.25,
}
CALLS = {
    "volume_infused_clear": (),
    "volume_withdrawn_clear": (),
    "run": (False,),
    "stop": (False,),
    "run_purge": (),
    "wait_while_running": (),
}


class NespPort(PeerPort):
    """A port of the shape that NESP-Lib's own has."""

    _transmit = PeerPort.write
    _receive = PeerPort.read
    _waiting_receive = PeerPort.in_waiting


def operations(pump):
    """Return everything that NESP-Lib's pump offers."""
    told = {name: (lambda name=name: getattr(pump, name)) for name in CLIENT}
    told |= {f"set {name}": (lambda n=name, v=value: setattr(pump, n, v)) for name, value in SETTERS.items()}
    named = ("volume_infused_clear", "volume_withdrawn_clear", "run", "stop", "run_purge", "stop")
    for at, name in enumerate((*named, "wait_while_running")):
        told[f"{name} ({at})"] = lambda name=name: getattr(pump, name)(*CALLS[name])
    return told


@pytest.mark.parametrize("safe_s", [0, 5])
def test_nesp_lib_does_all_that_it_offers(safe_s):
    """Before and after an alarm, a refusal and a silence, in basic and in safe mode."""
    public = {name for name in dir(nesp_lib.Pump) if not name.startswith("_") and name.islower()}
    assert public == {*CLIENT, *CALLS}
    port = NespPort("new-era", 0)
    pump = nesp_lib.Pump(port, 0, 1000, safe_mode_timeout_s=safe_s)
    well = perform(operations(pump))
    tell("NESP-Lib", "well", well)
    assert not [said for said in well.values() if said.endswith(("Error", "Exception"))]
    assert (well["status"], well["volume_withdrawn_ml"]) == (
        "<Status.STOPPED: 3>".replace("3", well["status"][-2]),
        "0.0",
    )
    pump.run(False)
    assert pump.running
    port.pass_s(4)
    assert pump.volume_infused_ml == pytest.approx(10 / 3600 * 4 * 1.5, rel=0.6)
    port.model.raise_alarm(PumpAlarm.OCCLUSION)
    with pytest.raises(nesp_lib.StatusAlarmException) as told:
        _ = pump.status
    assert told.value.alarm_status is nesp_lib.AlarmStatus.STALLED
    port.model.press_clear()
    after = perform(operations(pump))
    tell("NESP-Lib", "after an alarm", after)
    assert {n: s for n, s in after.items() if "clear" in n} == {n: "None" for n in after if "clear" in n}
    port.line.faults.add(0, Fault(FaultKind.EXCEPTION, exception_code=2))
    refused = perform(operations(pump))
    tell("NESP-Lib", "refused", refused)
    asked = {
        name
        for name in operations(pump)
        if name not in {"address", "model_number", "firmware_version", "firmware_upgrade"}
    }
    assert {refused[name] for name in asked} <= {"StateException"}
    port.line.faults.clear(0)
    port.line.faults.add(0, Fault(FaultKind.SILENCE))
    silent = perform(operations(pump))
    tell("NESP-Lib", "silent", silent)
    assert {silent[name] for name in asked} == {"SilentError"}
    port.line.faults.clear(0)
    again = perform(operations(pump))
    tell("NESP-Lib", "again", again)
    assert not [said for said in again.values() if said.endswith(("Error", "Exception"))]
    if safe_s:
        pump.safe_mode_timeout_s = 0
        assert pump.safe_mode_timeout_s == 0


def test_refusals_carry_their_number():
    """Each of the five, from a reading and from a pause; an unknown one has none."""
    for code, said in new_era.REFUSALS.items():
        for request in (ReadRate(1), ReadDispensed(1), Stop(1), SetDeadMan(1, seconds=5)):
            with pytest.raises(DeviceRefusedError) as refused:
                request.parse_reply(b"01S" + said.encode())
            assert refused.value.code == code
    with pytest.raises(DeviceRefusedError) as refused:
        Stop(1).parse_reply(b"01S?HUH")
    assert refused.value.code is None


def test_garbled_bytes_are_no_question():
    """Whatever arrives, the pump's end answers or drops it, and goes on."""
    chance = random.Random(7)
    port = PeerPort("new-era", 0)
    for _ in range(300):
        port.write(chance.randbytes(chance.randint(1, 30)))
    port.write(b"\r")
    while port.in_waiting:
        port.read(999)
    port.write(b"0RAT\r")
    assert port.read(99) == b"\x0200S10.00MH\x03"
