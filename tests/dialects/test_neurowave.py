"""NeuroWave AP-4000: recorded frames, every alarm, what is no number, and its key."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import pytest

from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.neurowave import ALARMS, FAULTS, alarm_of, meaning
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import neurowave
from pumpd.protocols.neurowave import (
    EXAMPLES,
    Alarm,
    Channel,
    Connect,
    Pause,
    ReadStatus,
    Status,
    TakeControl,
    first_message,
    frame_of,
    judge,
)
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from tests.dialects.port import PeerPort

pytestmark = pytest.mark.requirement("DIAL-2")
CHANNEL = Channel("SN-1", "10.5", "1.234", "-1")
WELL = Status("1", "0", (), (CHANNEL, dataclasses.replace(CHANNEL, serial_number="SN-2", rate_ml_h="0")))


def neurowave_rig():
    """Put the driver on a line with a simulated pump."""
    subject = subject_of(find("neurowave-ap4000"))
    return rig(subject, subject.framings[0])


def test_recorded_frames():
    """The sum is of all from the mark to the bar, both included, in four capital digits."""
    assert len(EXAMPLES) == 2
    for example in EXAMPLES:
        for frame in (example.sent, example.received):
            assert frame_of(frame[1:-7]) == frame


def test_what_the_sum_misses_stands_on_the_card():
    """Of one flipped bit nothing; of two between the marks of the shorter recorded reply, that share."""
    frame, missed, tried = EXAMPLES[0].received, [0, 0, 0], [0, 0, 0]
    whole = int.from_bytes(frame)
    for flips in (1, 2):
        for at in combinations(range(16, 8 * len(frame) - 8), flips):
            damaged = (whole ^ sum(1 << bit for bit in at)).to_bytes(len(frame))
            missed[flips] += first_message(damaged) is not None
            tried[flips] += 1
    assert missed[1] == 0
    print(f"neurowave-ap4000: {missed[2]} of {tried[2]} pairs of flipped bits are missed")
    assert f"misses {100 * missed[2] / tried[2]:.1f} %" in find("neurowave-ap4000").card.integrity


CODES = [
    ("PA.01", PumpAlarm.AIR),
    ("PA.02", PumpAlarm.OCCLUSION),
    ("PA.03", PumpAlarm.OCCLUSION_UPSTREAM),
    ("PA.04", PumpAlarm.FAULT),
    ("PA.05", PumpAlarm.OTHER),
    ("PA.06", PumpAlarm.FAULT),
    ("PA.07", PumpAlarm.NEAR_END),
    ("PA.08", PumpAlarm.END),
    ("PA.09", PumpAlarm.OTHER),
    ("PA.10", PumpAlarm.OTHER),
    ("BA.01", PumpAlarm.OTHER),
    ("BA.02", PumpAlarm.BATTERY_LOW),
    ("BA.03", PumpAlarm.BATTERY_DEPLETED),
    *((f"BE.0{n}", PumpAlarm.OTHER) for n in range(1, 4)),
    *((f"PE.0{n}", PumpAlarm.FAULT) for n in range(1, 9)),
    *((f"{family}.{n:02}", PumpAlarm.FAULT) for family in FAULTS for n in (1, 12)),
    *((code, PumpAlarm.OTHER) for code in ("PA.11", "ZZ.01", "SEE.01", "PA", "")),
]
"""Every code of its list, families by two of them, and what nobody has named."""


@in_virtual_time
async def test_each_alarm():
    """Through the simulated pump, for both channels; what arrived is kept."""
    async with neurowave_rig() as on:
        for code, alarm in CODES:
            on.face.forced = {"alarm": code}
            for _, reading in await on.readings():
                assert (reading.alarms, reading.raw_alarms) == ({alarm}, (code,))
            assert alarm_of(code) is alarm
        on.face.forced = {"alarm": "PA.01", "count": 7}
        assert set((await on.read()).raw_alarms) == {"PA.01", "count 7"}
    assert {code for code, _ in CODES} > set(ALARMS)


@in_virtual_time
async def test_an_alarm_belongs_to_the_channel_that_it_names():
    """One of each at a time; those of the system belong to both; beyond four they are counted."""
    async with neurowave_rig() as on:
        one, two = on.models
        one.raise_alarm(PumpAlarm.AIR)
        two.raise_alarm(PumpAlarm.OCCLUSION)
        two.raise_alarm(PumpAlarm.BATTERY_LOW)
        (_, first), (_, second) = await on.readings()
        assert first.alarms == {PumpAlarm.AIR, PumpAlarm.BATTERY_LOW}
        assert second.alarms == {PumpAlarm.OCCLUSION, PumpAlarm.BATTERY_LOW}
        assert (first.status, second.status) == (PumpStatus.ALARM, PumpStatus.ALARM)


@pytest.mark.parametrize(
    ("rate", "alarms", "status"),
    [
        ("10.5", (), PumpStatus.RUNNING),
        ("10.5", ("PA.02",), PumpStatus.RUNNING),
        ("0", (), PumpStatus.STOPPED),
        ("0.000", ("PA.08",), PumpStatus.STOPPED),
        ("0.0", ("PA.02",), PumpStatus.ALARM),
        ("0", ("SE.01",), PumpStatus.ALARM),
        ("-1", (), PumpStatus.UNKNOWN),
        ("-0.5", (), PumpStatus.UNKNOWN),
        ("1.0E3", (), PumpStatus.UNKNOWN),
        ("", (), PumpStatus.UNKNOWN),
        ("NaN", (), PumpStatus.UNKNOWN),
    ],
)
def test_each_rate(rate, alarms, status):
    """What is no plain number is UNKNOWN and INVALID; state and rate are kept as they came."""
    channel = dataclasses.replace(CHANNEL, rate_ml_h=rate)
    told = Status("1", "9", tuple(Alarm(code, "PUMP1") for code in alarms), (channel, channel))
    reading = meaning(told, 0)
    assert (reading.status, reading.raw_status) == (status, f"rate {rate}, state 9")
    assert (reading.flow.validity is Validity.INVALID) is (status is PumpStatus.UNKNOWN)
    assert reading.raw_alarms == alarms
    assert meaning(told, 1).raw_alarms == ()


def test_volumes_and_what_stands_for_none():
    """Millilitres; -1 is missing, what is no number INVALID."""
    reading = meaning(WELL, 0)
    assert (reading.volume.value.nl, reading.volume_to_be_infused.validity) == (1_234_000, Validity.MISSING)
    odd = dataclasses.replace(CHANNEL, volume_ml="x", left_ml="2")
    reading = meaning(dataclasses.replace(WELL, channels=(odd, odd)), 1)
    assert (reading.volume.validity, reading.volume.raw) == (Validity.INVALID, "x")
    assert reading.volume_to_be_infused.value.nl == 2_000_000


def test_other_versions_and_short_replies_are_no_answers():
    """A version that nobody has described, or fewer fields than are known, is an error of the wire."""
    for reply in (b"CONNREQ^v0.3^1^2^3^4^5", b"CONNREQ^0.1^1^2", b"CONNREQ", b"STATREQ^0.1^1^2^3"):
        with pytest.raises(WireError):
            Connect(1).parse_reply(reply)
    with pytest.raises(WireError):
        ReadStatus(1, "x").parse_reply(b"^".join([b"STATREQ", *[b"-1"] * 95]))


@pytest.mark.parametrize("said", ["", "-1", "A" * 41, "\x1b[2JA", "A;B"])
def test_an_id_that_can_not_be_asked_is_no_answer(said):
    """Damage that the sum lets through: what is asked of such a system would be held back before the wire."""
    for version, rest in ((b"v0.2", 4), (b"0.1", 2)):
        reply = b"^".join([b"CONNREQ", version, said.encode(), *[b"1"] * rest])
        with pytest.raises(WireError, match="can not be a system's id"):
            Connect(1).parse_reply(reply)
        good = Connect(1).parse_reply(
            reply.replace(said.encode(), b"A-1") if said else reply.replace(b"^^", b"^A-1^")
        )
        judge(frame_of(ReadStatus(1, good.system_id).to_bytes()))


@in_virtual_time
async def test_each_channel_is_paused_by_itself_under_a_key():
    """Who only watches asks for no key; a pause asks for one, and leaves the other channel alone."""
    async with neurowave_rig() as on:
        asked = await on.questions()
        does = [judge(frame_of(request.to_bytes()))[1] for request in asked]
        watching = (Permission.READ, Permission.READ)
        assert (does[0], does[1], *does[2:4]) == (*watching, Permission.LINK, Permission.PAUSE)
        on.start()
        await on.driver.pause(on.talk, "2")
        await on.rest()
        (_, one), (_, two) = await on.readings()
        assert (one.status, two.status) == (PumpStatus.RUNNING, PumpStatus.STOPPED)
        with pytest.raises(DeviceRefusedError, match="no channel 3"):
            await on.driver.pause(on.talk, "3")


@in_virtual_time
async def test_a_pump_that_gives_no_control_is_told_as_a_refusal():
    """Without a key, or without names to ask for one with, nothing is sent and nothing is done."""
    async with neurowave_rig() as on:
        on.start()
        vars(on.face)["gives"] = False
        with pytest.raises(DeviceRefusedError, match="control is not given"):
            await on.driver.pause(on.talk, "1")
        await on.rest()
        status = on.face._status
        on.face._status = lambda: [*status()[:5], "-1", *status()[6:]]
        with pytest.raises(DeviceRefusedError, match="names no case"):
            await on.spec.build(1).pause(on.talk, "1")
        assert all(model.status is PumpStatus.RUNNING for model in on.models)


@pytest.mark.parametrize(("later_s", "pauses"), [(120, True), (120.1, False)])
def test_a_key_lasts_two_minutes_and_ends_without_a_word(later_s, pauses):
    """The pump goes on as it was: a lost key is no stop; the reply is the same, so the reading tells."""
    port = PeerPort("neurowave-ap4000", 1)
    channels = ("SIM-0001-1", "SIM-0001-2")
    port.write(frame_of(TakeControl(1, "SIM-0001", "1", channels).to_bytes()))
    key = TakeControl(1).parse_reply(port.read(999)[1:-7])
    port.model.press_start()
    port.pass_s(later_s)
    port.write(frame_of(Pause(1, key, channels).to_bytes()))
    assert port.read(999).startswith(b"!INFPAUS^")
    assert port.model.status is (PumpStatus.PAUSED if pauses else PumpStatus.RUNNING)


def test_it_understands_what_is_never_sent():
    """A resume and a programme do in the simulated pump what they say, and are held back by the filter."""
    port = PeerPort("neurowave-ap4000", 1)
    channels = ("SIM-0001-1", "SIM-0001-2")
    port.write(frame_of(TakeControl(1, "SIM-0001", "1", channels).to_bytes()))
    key = TakeControl(1).parse_reply(port.read(999)[1:-7])
    for body in (
        f"INFPROG^{key}^SIM-0001-1^50^-1^-1^-1^SIM-0001-2^-1^-1^-1^-1",
        f"INFRESM^{key}^SIM-0001-1^1^SIM-0001-2^-1",
    ):
        port.write(frame_of(body.encode()))
        with pytest.raises(WireError):
            judge(frame_of(body.encode()))
    assert (port.model.status, port.model.set_rate_nl_h) == (PumpStatus.RUNNING, 50_000_000)
    assert port.face.models["2"].status is PumpStatus.STOPPED
    for odd in (b"INFPAUS^K^A^1^B^1", b"INFPAUS^K^A^0^B^-1", b"INFPAUS^K^A^-1^B^-1", b"INFPAUS^K^1^B^-1"):
        with pytest.raises(WireError):
            neurowave.judge(frame_of(odd))
