"""Zyno MIVA and Nimbus: the maker's frames, every word and event, and its log."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from pyZynoUnifiedDrivers.miva import module_miva
from pyZynoUnifiedDrivers.miva.module_utils import crc_checksum

from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.registry import find
from pumpd.drivers.zyno import Cycle, meaning
from pumpd.drivers.zyno_log import ALARMS, BATTERY_BITS, MOST, PARTS, TELLING, WELL_BITS, EventLog
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import zyno
from pumpd.protocols.wire import Permission
from pumpd.protocols.zyno import FORMS, RING, Event, Quiet, Read, ReadEvent, Stop
from pumpd.protocols.zyno_frame import EXAMPLES, first_frame, frame_of, summed, xored
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time

pytestmark = pytest.mark.requirement("DIAL-2")
WELL = Cycle("CONT", "TRUE", "10.50", "ML/HR", "0", "00000000", "000004D2", "0000000000000000")


@pytest.mark.parametrize("name", ["zyno-miva", "zyno-nimbus-h"])
def test_what_the_check_misses_stands_on_the_card(name):
    """Of one flipped bit nothing; of two between the marks of its examples' replies, that share."""
    spec = find(name)
    assert spec.dialect is not None
    missed = Counter[int]()
    tried = Counter[int]()
    for example in spec.dialect.examples:
        whole, bits = example.received, range(8, 8 * len(example.received) - 8)
        for flips in (1, 2):
            for at in combinations(bits, flips):
                damaged = int.from_bytes(whole) ^ sum(1 << bit for bit in at)
                found = first_frame(damaged.to_bytes(len(whole)), summed if name == "zyno-miva" else xored)
                missed[flips] += found is not None
                tried[flips] += 1
    assert missed[1] == 0
    print(f"{name}: {missed[2]} of {tried[2]} pairs of flipped bits are missed")
    assert f"misses {100 * missed[2] / tried[2]:.1f} %" in spec.card.integrity


def zyno_rig(name="zyno-miva"):
    """Put the driver on a line with a simulated pump."""
    subject = subject_of(find(name))
    return rig(subject, subject.framings[0])


def test_vectors():
    """The maker's own frames, its own check over every text that is ever sent, and the other pumps' check."""
    for text, frame in EXAMPLES:
        assert frame_of(text.encode(), summed) == frame == bytes(module_miva.build_message(text))
    for text in (*FORMS, "RE0000A8FF", "W00", "WT02"):
        assert f"{summed(text.encode()):02X}" == crc_checksum(text).upper()
        assert f"{xored(text.encode()):02X}" == crc_checksum(text, "^").upper()


@pytest.mark.parametrize("check", [summed, xored])
def test_one_digit_parts_a_stop_from_a_run(check):
    """Every WT but the stop is held back, and so is a stop with any one bit turned."""
    frame = frame_of(b"WT02", check)
    assert zyno.judge(frame, check) == (1, Permission.PAUSE)
    held = [frame_of(b"WT%02d" % n, check) for n in range(100) if n != 2]
    held += [frame[: n // 8] + bytes([frame[n // 8] ^ 1 << n % 8]) + frame[n // 8 + 1 :] for n in range(56)]
    for wrong in held:
        with pytest.raises(WireError):
            zyno.judge(wrong, check)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({}, PumpStatus.RUNNING),
        ({"running": "FALSE"}, PumpStatus.STOPPED),
        ({"bolus": "1"}, PumpStatus.BOLUS),
        ({"running": "FALSE", "bolus": "1"}, PumpStatus.BOLUS),
        ({"mode": "INTM"}, PumpStatus.UNKNOWN),
        ({"mode": "INTM", "running": "FALSE"}, PumpStatus.STOPPED),
        ({"running": "WHAT"}, PumpStatus.UNKNOWN),
        ({"bolus": "2"}, PumpStatus.UNKNOWN),
    ],
)
def test_each_word(words, status):
    """Running, bolus and mode; what nobody has named is UNKNOWN, and what arrived is kept."""
    cycle = WELL._replace(bolus_rate="00004E20", **words)
    reading = meaning(cycle, EventLog(1))
    assert (reading.status, reading.raw_status) == (status, f"{cycle.mode} {cycle.running} {cycle.bolus}")
    assert reading.volume.value.nl == 12_340_000
    assert reading.flow.value.ml_per_h == (
        "200" if status is PumpStatus.BOLUS else "10.5" if status.delivers else "0"
    )


def test_a_rate_in_another_unit_is_no_number():
    """Milligrams an hour are not millilitres."""
    flow = meaning(WELL._replace(unit="MG/HR"), EventLog(1)).flow
    assert (flow.validity, flow.raw) == (Validity.INVALID, "10.50 MG/HR")


EVENTS = [
    (3, 0, PumpAlarm.EMPTY),
    *((4, sub, PumpAlarm.OTHER) for sub in (1, 2)),
    (9, 1, PumpAlarm.OCCLUSION_UPSTREAM),
    (9, 2, PumpAlarm.OCCLUSION),
    (9, 3, PumpAlarm.OTHER),
    *((11, sub, PumpAlarm.OTHER) for sub in (1, 2)),
    (14, 0, PumpAlarm.DOOR),
    (17, 1, PumpAlarm.FAULT),
    *((18, 1 << bit, PumpAlarm.FAULT) for bit in range(16)),
    (19, 1, PumpAlarm.FAULT),
    (19, 2, PumpAlarm.BATTERY_DEPLETED),
    (21, 0, PumpAlarm.OTHER),
    *((24, sub, PumpAlarm.BATTERY_DEPLETED) for sub in (4, 7, 8)),
    (24, 3, PumpAlarm.BATTERY_LOW),
    *((26, 1 << bit, PumpAlarm.FAULT) for bit in range(10)),
    (27, 4, PumpAlarm.FAULT),
    (28, 0, PumpAlarm.BATTERY_DEPLETED),
    (29, 0, PumpAlarm.OTHER),
    (30, 0, PumpAlarm.BATTERY_LOW),
    *((31, sub, PumpAlarm.BATTERY_DEPLETED) for sub in (1, 2, 3)),
    (13, 2, PumpAlarm.BATTERY_LOW),
    (13, 4, PumpAlarm.BATTERY_DEPLETED),
    (13, 128, PumpAlarm.FAULT),
    (13, 256, PumpAlarm.BATTERY_DEPLETED),
    (13, 512, PumpAlarm.BATTERY_DEPLETED),
    (13, 1024, PumpAlarm.OTHER),
    *((kind, 9, PumpAlarm.OTHER) for kind in (32, 99, 255)),
]
"""Every alarm of the log, and what nobody has named."""


@in_virtual_time
async def test_each_event_of_the_log():
    """Through the simulated pump, one after the other, each behind a fresh start; what arrived is kept."""
    async with zyno_rig() as on:
        await on.driver.identify(on.talk)
        for kind, sub, alarm in EVENTS:
            on.face.note(24, 1)
            on.face.note(kind, sub)
            reading = await on.read()
            told = "" if kind == 13 else f"{kind} {sub:04X}"
            assert (reading.alarms, reading.raw_alarms) == ({alarm}, (told or f"13 {sub:04X}",))
            stops = alarm not in {PumpAlarm.OTHER, PumpAlarm.BATTERY_LOW}
            assert reading.status is (PumpStatus.ALARM if stops else PumpStatus.STOPPED)
        for kind in sorted(TELLING):
            on.face.note(24, 1)
            on.face.note(kind, 1 if kind == 24 else 0x0100 if not kind else 4)
            assert (await on.read()).alarms == frozenset(), kind
        for bit in WELL_BITS:
            on.face.note(30, 0)
            on.face.note(13, bit)
            assert (await on.read()).alarms == frozenset(), bit
    assert {kind for kind, *_ in EVENTS} - {13, 24, 32, 99, 255} == set(ALARMS)
    assert {(kind, sub) for kind, sub, _ in EVENTS} >= {*PARTS, *((13, bit) for bit in BATTERY_BITS)}


def standing(*events):
    """Return what stands after some events."""
    log = EventLog(1)
    for kind, sub in events:
        log.take(Event(kind, sub, 0))
    return set(log.standing)


def test_what_ends_an_alarm():
    """Its own clearing, a run, a new word on the battery, or the power; and nothing else."""
    assert standing((9, 1), (9, 2), (4, 1), (9, 4)) == {(4, 1)}
    assert standing((9, 2), (4, 2), (4, 4)) == {(9, 2)}
    assert standing((3, 0), (14, 0), (30, 0), (2, 0)) == {(3, 0), (14, 0), (30, 0)}
    assert standing((3, 0), (18, 8), (30, 0), (13, 4), (1, 0)) == {(13, 4)}
    assert standing((30, 0), (13, 0)) == {(30, 0)}
    assert standing((13, 2 | 1024)) == {(13, 2), (13, 1024)}
    assert standing((3, 0), (28, 0), (24, 5)) == set()


@in_virtual_time
async def test_the_data_of_an_infusion_are_no_events():
    """Two or sixteen entries between begin and end look like alarms, also while they are written."""
    async with zyno_rig() as on:
        for count in (2, 16):
            on.face.note(24, 1)
            assert (await on.read()).alarms == frozenset()
            on.face.note(0, 0x0100)
            for _ in range(count):
                on.face.note(9, 2)
            assert (await on.read()).alarms == frozenset(), f"{count}, being written"
            on.face.note(0, 0x0200)
            assert (await on.read()).alarms == frozenset(), count
            on.face.note(14, 0)
            assert (await on.read()).alarms == {PumpAlarm.DOOR}


@in_virtual_time
async def test_the_log_goes_round_and_no_more_than_the_newest_are_read():
    """Past its last index it goes on at 0; after a burst the newest 20 count, and each is read twice."""
    async with zyno_rig() as on:
        on.face.log[:] = [on.face.log[0]] * (RING - 1)
        assert (await on.read()).alarms == frozenset()
        on.face.note(9, 2)
        on.face.note(3, 0)
        assert (await on.read()).alarms == {PumpAlarm.OCCLUSION, PumpAlarm.EMPTY}
        on.face.note(1, 0)
        for _ in range(MOST):
            on.face.note(22, 0)
        assert (await on.read()).alarms == {PumpAlarm.OCCLUSION, PumpAlarm.EMPTY}
        asked = on.bus.conversation(1, 50).counters.asked
        assert (await on.read()).alarms
        assert on.bus.conversation(1, 50).counters.asked == asked + 8


@in_virtual_time
async def test_an_entry_that_comes_damaged_once_is_no_alarm():
    """The two looks differ: the reading is given up, and the next one is right."""
    async with zyno_rig() as on:
        await on.read()
        on.face.note(22, 0)
        answer, looks = on.face.answer, []

        def damaged(payload):
            reply = answer(payload)
            if payload.startswith(b"RE"):
                looks.append(payload)
                return reply.replace(b"RE0000000116", b"RE0000000109") if len(looks) == 1 else reply
            return reply

        on.face.answer = damaged
        with pytest.raises(WireError, match="two looks"):
            await on.read()
        assert (await on.read()).alarms == frozenset()


@in_virtual_time
async def test_a_stop_that_is_only_echoed_is_seen_in_the_reading():
    """A locked pump says WT and runs on; a bolus is told with its rate; a log shorter than that is whole."""
    async with zyno_rig("zyno-nimbus-h") as on:
        on.start()
        on.models[0].locked = True
        await on.driver.pause(on.talk, "1")
        assert (await on.read()).status is PumpStatus.RUNNING
        on.models[0].give_bolus(10_000_000)
        reading = await on.read()
        assert (reading.status, reading.flow.value.ml_per_h) == (PumpStatus.BOLUS, "200")
        on.models[0].locked = False
        await on.driver.pause(on.talk, "1")
        assert (await on.read()).status is PumpStatus.PAUSED


def test_a_refusal_names_its_question():
    """ERROR behind what is repeated, or alone; from each kind of message with our number 1."""
    messages = (
        Read(1, "Q5"),
        Read(1, ":INFU:RUN?"),
        Read(1, ":INFU:RATE?"),
        ReadEvent(1, 7),
        Quiet(1),
        Stop(1),
    )
    for message in messages:
        framer = zyno.ZynoFramer()
        framer.encode(message)
        payload = framer.feed(frame_of(message.echoed.encode() + b"ERROR", summed))
        assert payload is not None
        with pytest.raises(DeviceRefusedError) as refused:
            message.parse_reply(payload)
        assert refused.value.code == 1
        for other in messages:
            if other.echoed != message.echoed:
                assert not framer.answers(other, payload) or not other.echoed == message.echoed == ""
