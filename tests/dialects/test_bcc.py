"""B. Braun by BCC: vectors, every status, alarm and refusal, blocks and their acknowledgement, stuffing."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.bcc import meaning
from pumpd.drivers.bcc_alarms import ALARMS
from pumpd.errors import WireError
from pumpd.protocols.bcc import ReadRack, ReadVersion, judge
from pumpd.protocols.bcc_frame import (
    ACK,
    EXAMPLES,
    LAST,
    NAK,
    PLAIN,
    STUFFED,
    first_frame,
    frame_of,
    stuffed,
    unstuffed,
)
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import in_virtual_time
from tests.dialects.bcc_rack import RACK, overheard, rack

pytestmark = pytest.mark.requirement("DIAL-2")


def test_vectors():
    """Length and sum of each example of the specification, both ways, plain and stuffed."""
    for message, length, total in EXAMPLES:
        whole = frame_of(PLAIN + message + LAST)
        assert (len(whole), int(whole[1:6]), int(whole[-6:-1])) == (length, length, total)
        for frame, told in ((whole, PLAIN + message), (stuffed(whole), message)):
            found = first_frame(b"\x01\x02noise" + frame)
            assert found is not None
            assert found.message == told + LAST
    assert frame_of(EXAMPLES[0][0] + LAST) == STUFFED
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize(
    ("plain", "travels"),
    [(b"EX", b"EEX"), (b"D", b"EX"), (b"DEde", b"EXEEexee"), (b"Xx", b"Xx"), (b"EEX", b"EEEEX")],
)
def test_stuffing_is_taken_back_in_one_pass(plain, travels):
    """``EEX`` is EX: searching and replacing one pair after the other reads it as ED."""
    assert stuffed(plain) == travels
    assert unstuffed(travels) == plain


EXAMPLE = (
    "GNNEW,688F030006 INRT,0.30 INSOL,Arterenol_4mg/50 INSOLSN,Arteren+U INSOLID,33~4mg/5002 INVOLACT,47.64 "
    "INRMT,65535 INDOCAL,0 INDCON,0 INDCONU,32 INDORT,0 INDORTU,50 INVI,1.4 INTIME,97 INBORT,800.00 "
    "INNR,60009FA0 INP1,4 INP2,35 INSYR,50 INSTBY,0 INSERNUM,40864 INDTNR,6144 DSSTATUS,00051 INBOVAL,0.0 "
    "INBOCNT,0 INM1,0 INM2,0 INM3,1 INM4,_NV INM5,1 INM6,0 INM7,0 INM8,1 INM9,_NV INM10,0 INM11,0 INM12,0 "
    "INA1,0 INA2,0 INA3,0 INA4,0 INA5,0 INA6,_NV INA7,0 INA8,0 INA9,0 INA10,_NV INA11,0 INA12,0 INA13,_NV "
    "INA14,0 INA15,0"
)
"""The pump of the specification's long example; its values and order, its sums were edited."""


def example(**changed: str) -> dict[str, str]:
    """Return the parameters of that pump, some of them changed; "" takes one away."""
    told = dict(text.split(",", 1) for text in EXAMPLE.split()) | changed
    return {name: value for name, value in told.items() if value}


def test_the_long_example():
    """A system block in front, two pumps, values with commas and with a CR at their end."""
    system = "626,50100,FMNOR,1\x1e626,50100,FMSTAT,00051\x1e"
    pump = "\x1e".join(f"626,50111,{text}" for text in EXAMPLE.split())
    other = "626,501110,GNMODEL,686F030006\r\x1e626,501110,INSOL,a,b,c"
    frame = f"SpaceCOM/1/1>{system}{pump}\x17SpaceCOM/1/1>{other}".encode()
    found = ReadRack(1, "SpaceCOM").parse_reply(frame)
    assert set(found) == {"11", "1A"}
    assert found["1A"] == {"GNMODEL": "686F030006", "INSOL": "a,b,c"}
    reading = meaning("11", found["11"])
    assert (reading.status, reading.raw_status) == (PumpStatus.RUNNING, "00051 OPMODE= INM3 INM5 INM8")
    assert (reading.flow.value.ml_per_h, reading.set_flow.value.ml_per_h) == ("0.3", "0.3")
    assert (reading.volume.value.ml, reading.alarms, reading.raw_alarms) == ("1.4", frozenset(), ())
    with pytest.raises(WireError):
        ReadVersion(1).parse_reply(b"SpaceCOM/1/1>626,50100,V,3.30")


@pytest.mark.parametrize(
    ("changed", "status", "flow"),
    [
        ({}, PumpStatus.RUNNING, "0.3"),
        ({"INM3": "0"}, PumpStatus.STOPPED, "0"),
        ({"INM3": "0", "INA3": "1"}, PumpStatus.ALARM, "0"),
        ({"INM3": "0", "INA12": "1"}, PumpStatus.STOPPED, "0"),
        ({"INA3": "1"}, PumpStatus.RUNNING, "0.3"),
        ({"INM2": "1"}, PumpStatus.BOLUS, "800"),
        ({"INM10": "1"}, PumpStatus.KVO, "0.3"),
        ({"INM14": "1"}, PumpStatus.PRIMING, None),
        ({"INM3": "0", "INM6": "1"}, PumpStatus.STANDBY, "0"),
        ({"INM12": "1", "INM13": "1", "INM7": "1", "INM4": "1"}, PumpStatus.RUNNING, "0.3"),
        ({"DSSTATUS": "00050"}, PumpStatus.STOPPED, "0"),
        ({"DSSTATUS": "00052"}, PumpStatus.UNKNOWN, "0.3"),
        ({"INM3": "_NV"}, PumpStatus.UNKNOWN, "0.3"),
        ({"INM3": "_NA"}, PumpStatus.UNKNOWN, "0.3"),
        ({"INM3": ""}, PumpStatus.UNKNOWN, "0.3"),
        ({"INM3": "2"}, PumpStatus.UNKNOWN, "0.3"),
        ({"INM15": "1"}, PumpStatus.UNKNOWN, "0.3"),
        *(({"OPMODE": mode}, PumpStatus.RUNNING, "0.3") for mode in "0123457"),
        *(({"OPMODE": mode}, PumpStatus.UNKNOWN, "0.3") for mode in ("6", "8")),
        *(
            ({"INM3": "", "STATUS1": f"{1 << bit | 3:08X}"}, status, flow)
            for bit, status, flow in [
                (0, PumpStatus.STOPPED, "0"),
                (2, PumpStatus.STANDBY, "0"),
                (3, PumpStatus.UNKNOWN, "0.3"),
                (4, PumpStatus.PRIMING, None),
                (6, PumpStatus.STOPPED, "0"),
                (7, PumpStatus.RUNNING, "0.3"),
                *((bit, PumpStatus.BOLUS, "800") for bit in (10, 11)),
                (13, PumpStatus.KVO, "0.3"),
                *((bit, PumpStatus.STOPPED, "0") for bit in (8, 9, 12, 14, 15, 19, 20, 23)),
                (31, PumpStatus.UNKNOWN, "0.3"),
            ]
        ),
        ({"INM3": "", "STATUS1": "what"}, PumpStatus.UNKNOWN, "0.3"),
    ],
)
def test_each_status(changed, status, flow):
    """Each mode bit, alone and beside pumping; codes without a name are UNKNOWN and never RUNNING."""
    reading = meaning("11", example(**changed))
    assert (reading.status, getattr(reading.flow.value, "ml_per_h", None)) == (status, flow)
    assert all(
        value in reading.raw_status
        for value in changed.values()
        if status is PumpStatus.UNKNOWN and value in {"00052", "6", "8", "what", "2"}
    )


@pytest.mark.parametrize(
    ("name", "text", "validity", "value"),
    [
        ("INVI", "9999.8", Validity.VALID, 9_999_800_000),
        ("INVI", "9999.9", Validity.INVALID, None),
        ("INVI", "_NV", Validity.MISSING, None),
        ("INVI", "_NA", Validity.MISSING, None),
        ("INVI", "0.0", Validity.VALID, 0),
        ("INVI", "1,4", Validity.INVALID, None),
        ("INRT", "1800.00", Validity.VALID, 1_800_000_000),
        ("INRT", "1800.01", Validity.INVALID, None),
        ("INRT", "-1.00", Validity.INVALID, None),
        ("INRT", "_NV", Validity.MISSING, None),
        ("INRT", "12", Validity.VALID, 12_000_000),
    ],
)
def test_each_number_at_its_bounds(name, text, validity, value):
    """No value is not zero; a counter at its end has stopped counting; what can not be is kept as it came."""
    reading = meaning("11", example(**{name: text}))
    found = reading.volume if name == "INVI" else reading.set_flow
    assert found.validity is validity
    assert found.raw == (text if validity is Validity.INVALID else None)
    assert getattr(found.value, "nl", getattr(found.value, "nl_per_h", None)) == value


ALARM = PumpAlarm
MEANT = {
    "INA": [*(ALARM(name) for name in ("battery-depleted", "empty", "occlusion")), ALARM.OTHER, ALARM.OTHER,
            ALARM.OTHER, ALARM.END, ALARM.END, ALARM.FAULT, ALARM.OTHER, ALARM.BATTERY_LOW, ALARM.NEAR_END,
            ALARM.DOOR, ALARM.OTHER, ALARM.AIR, ALARM.END, ALARM.OTHER],
}  # fmt: skip
"""Alarm of INA1, INA2 and so on; 17 has no name."""
WORDS: dict[str, dict[PumpAlarm, tuple[int, ...]]] = {
    "ALARM1": {
        ALARM.FAULT: (1, 3, 4, 15, 16, 18, 31),
        ALARM.BATTERY_DEPLETED: (2, 5, 6, 7),
        ALARM.EMPTY: (9,),
        ALARM.OCCLUSION: (10, 11),
        ALARM.END: (13, 14, 19),
        ALARM.DOOR: (17,),
        ALARM.OCCLUSION_UPSTREAM: (20,),
        ALARM.AIR: (28, 29, 30),
    },
    "ALARM2": {ALARM.DOOR: (30,), ALARM.FAULT: (31,)},
    "PREALARM": {
        ALARM.NEAR_END: (1, 2, 3),
        ALARM.BATTERY_LOW: (4,),
        ALARM.OCCLUSION: (10,),
        ALARM.FAULT: (15,),
    },
}
"""The others of these words are OTHER, named or not."""


@in_virtual_time
async def test_each_alarm():
    """Every bit through the simulated pump; what arrived is kept; a word takes the place of single bits."""
    expected = {f"INA{at}": (f"INA{at}", "1", alarm) for at, alarm in enumerate(MEANT["INA"], 1)}
    for word, alarms in WORDS.items():
        found = {bit: alarm for alarm, bits in alarms.items() for bit in bits}
        for bit in range(32):
            alarm = found.get(bit, ALARM.OTHER)
            expected[f"{word}.{bit}"] = (word, f"{1 << bit:08x}", alarm)
    async with rack("11") as on:
        on.models[0].raise_alarm(PumpAlarm.BATTERY_LOW)
        for raw, (name, value, alarm) in expected.items():
            on.face.forced = {name: value} | (
                {"INA11": "0"} if name.startswith("INA") and raw != "INA11" else {}
            )
            reading = await on.read()
            assert (reading.alarms, reading.raw_alarms) == ({alarm}, (raw,))
        on.face.forced = {"ALARM1": "nonsense"}
        assert (await on.read()).raw_alarms == ("ALARM1=nonsense",)
    assert set(ALARMS) <= set(expected)


@in_virtual_time
async def test_each_pump_of_a_rack_is_a_channel_and_each_block_is_acknowledged():
    """Three blocks, each answered 0.1 s after it came; the next question comes half a second later."""
    async with rack() as on:
        on.start()
        for at, model in enumerate(on.models, 1):
            model.turn_rate(at * 1_000_000)
        sent = overheard(on)
        for _ in range(2):
            read = await on.driver.read(on.talk)
            assert [(r.channel, r.set_flow.value.ml_per_h) for r in read] == [*zip(RACK, "123", strict=True)]
        await asyncio.sleep(1)
        alive, *rest = [data for _, data in sent]
        assert judge(alive) == (1, Permission.READ)
        assert [data if data == ACK else judge(data) for data in rest] == [
            ACK, *([(1, Permission.READ), ACK, ACK, ACK] * 2)
        ]  # fmt: skip
        assert judge(ACK) == judge(NAK) == (None, Permission.LINK)
        times = [at for at, _ in sent]
        assert times[1] - times[0] == pytest.approx(0.105, abs=0.01)
        assert [times[n + 1] - times[n] for n in (2, 3, 4)] == pytest.approx([0.105] * 3, abs=0.01)
        assert times[2] - times[1] >= 0.4
        assert b"ALIVEE" in alive
        assert not any(b"ALIVE" in data for data in rest)


@in_virtual_time
async def test_a_rack_on_a_slow_line_is_read_whole():
    """A time-out is one of each block: at 9600 baud 24 pumps take longer than any one of them may."""
    places = [f"1{slot}" for slot in "123456789ABCDEFGHIJKLMNO"]
    async with rack(*places, baud=9600) as on:
        await on.driver.identify(on.talk)
        sent = overheard(on)
        assert len(await on.driver.read(on.talk)) == 24
        taken_s = asyncio.get_running_loop().time() - sent[0][0]
        assert taken_s > 10 * on.bus.timeout_s(ReadRack(1), 1000) / 3
        assert on.talk.counters.timed_out == 0


@pytest.mark.parametrize("stuffs", [True, False])
@in_virtual_time
async def test_stuffing_is_found_out(stuffs):
    """ALIVE is tried both ways, and what the ComDevice answers to is kept for every question behind it."""
    async with rack("11", stuffs=stuffs) as on:
        sent = overheard(on)
        await on.driver.identify(on.talk)
        await on.read()
        questions = [data for _, data in sent if data not in {ACK, NAK}]
        assert (
            [b"EE" in data for data in questions] == [True] * 4
            if stuffs
            else [True, False, False, False, False]
        )
        bed_id = b"SpaceeCOM/1/1>" if stuffs else b"SpaceCOM/1/1>"
        assert all(bed_id in data for data in questions[-3:])
