"""Harvard and KD Scientific: vectors, every flag and refusal, and KDSautolib as a client."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
import serial
from KDSautolib import Legato110, kds_utils

from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.framed import ONE
from pumpd.drivers.harvard import meaning
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import harvard
from pumpd.protocols.harvard import REFUSALS, HarvardFramer, PollOn, ReadStatus, Running, SetRate, Stop
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import PeerPort, perform, tell

pytestmark = pytest.mark.requirement("DIAL-2")
ONE_ML_H = 277_777_778


@pytest.mark.parametrize(
    ("flags", "status", "alarms"),
    [
        ("I...I.", PumpStatus.RUNNING, set()),
        ("i...I.", PumpStatus.STOPPED, set()),
        ("w...I.", PumpStatus.STOPPED, set()),
        ("W...I.", PumpStatus.UNKNOWN, set()),
        ("Q...I.", PumpStatus.UNKNOWN, set()),
        ("i.S.I.", PumpStatus.ALARM, {PumpAlarm.OCCLUSION}),
        ("i...IT", PumpStatus.STOPPED, {PumpAlarm.END}),
        ("iI..I.", PumpStatus.STOPPED, {PumpAlarm.EMPTY}),
        ("iW..I.", PumpStatus.STOPPED, {PumpAlarm.OTHER}),
        ("i.?.I.", PumpStatus.STOPPED, {PumpAlarm.OTHER}),
        ("I..TI.", PumpStatus.RUNNING, set()),
        ("iI...", PumpStatus.STOPPED, {PumpAlarm.EMPTY}),
        ("i...T", PumpStatus.STOPPED, {PumpAlarm.END}),
        ("I..T.", PumpStatus.RUNNING, set()),
    ],
)
def test_each_flag(flags, status, alarms):
    """Six of the Elite and five of the Ultra; what nobody has named is UNKNOWN or OTHER, and kept."""
    reading = meaning(Running(ONE_ML_H, 277, flags))
    assert (reading.status, reading.raw_status, set(reading.alarms)) == (status, flags, alarms)
    assert len(reading.raw_alarms) == len(alarms)
    assert reading.set_flow.value.ml_per_h == "1"
    assert reading.flow.value.ml_per_h == ("1" if status.delivers else "0")
    assert reading.volume.value.nl == 277


FLAGS = {
    "direction": "IiWwX",
    "limit": "IW?",
    "stall": "S?",
    "trigger": "T?",
    "port": "IW?",
    "target": "T?",
}
"""Every letter of the status line, and one that there is not."""


@pytest.mark.parametrize("name", ["harvard-elite", "harvard-ultra"])
@in_virtual_time
async def test_each_flag_is_told_by_a_pump_and_read_as_the_table_says(name):
    """The simulated pump says each letter at each place; what is read has it, and is what the table says."""
    subject = subject_of(find(name))
    seen = set()
    async with rig(subject, subject.framings[0]) as on:
        for place, letters in FLAGS.items():
            if (name, place) == ("harvard-ultra", "port"):
                continue
            for letter in letters:
                on.face.forced = {place: letter}
                await on.rest()
                reading = await on.read()
                assert letter in reading.raw_status
                table = meaning(Running(ONE_ML_H, 0, reading.raw_status))
                told = (reading.status, reading.alarms, reading.raw_alarms)
                assert told == (table.status, table.alarms, table.raw_alarms)
                seen |= {(place, letter, alarm.name) for alarm in reading.alarms}
    assert seen == {
        ("limit", "I", "EMPTY"),
        ("limit", "W", "OTHER"),
        ("limit", "?", "OTHER"),
        ("stall", "S", "OCCLUSION"),
        ("stall", "?", "OTHER"),
        ("target", "T", "END"),
        ("target", "?", "OTHER"),
    }


def test_a_rate_that_can_not_be_is_no_number():
    """Above what any syringe of these pumps gives it is INVALID, with what arrived."""
    reading = meaning(Running(10**17, 0, "I...I."))
    assert (reading.flow.validity, reading.flow.raw) == (Validity.INVALID, str(10**17))


@pytest.mark.parametrize("nl_h", [0, 1, 999, 1_000_000, 10_500_000, 1_200_000_000])
def test_rates_come_back_to_the_nanolitre(nl_h):
    """fL/s are finer than nL/h."""
    assert harvard.nl_h_of(harvard.fl_s_of(nl_h)) == nl_h


def test_a_refusal_is_told_with_its_words_and_number():
    """Marked or not, from any command; something else is an error of the wire."""
    for code, refusal in REFUSALS.items():
        for mark in (b"", b"\x11"):
            for request in (ReadStatus(3), Stop(3), PollOn(3), SetRate(3, ul_h=5000)):
                framer = HarvardFramer()
                framer.encode(request)
                payload = framer.feed(b"\n03:" + refusal.encode() + b": x\r\n03:   not now\r\n03:" + mark)
                assert payload is not None
                with pytest.raises(DeviceRefusedError, match="not now") as refused:
                    request.parse_reply(payload)
                assert refused.value.code == code
    with pytest.raises(WireError):
        ReadStatus(3).parse_reply(b"\n03:\x11")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (b"foo", "Command error: "),
        (b"irate 5", "Argument error: "),
        (b"irate 9e9 m/h", "Argument error: "),
        (b"tvolume five", "Argument error: "),
        (b"irate", "10.0000 ml/hr"),
        (b"tvolume", "40.0000 ml"),
    ],
)
def test_the_simulated_pump_answers_as_the_manual_says(command, line):
    """What it refuses, and numbers in words."""
    port = PeerPort("harvard-elite", 0)
    assert port.face.answer(command).split(b"\r")[0].decode() == line


@in_virtual_time
async def test_switched_off_and_on_it_marks_again():
    """A pump that lost its power marks no ends; the next reading but one has them marked again."""
    subject = subject_of(find("harvard-elite"))
    async with rig(subject, subject.framings[0]) as on:
        await on.read()
        vars(on.face)["_marked"] = False
        with pytest.raises(WireError):
            await on.read()
        await on.rest()
        assert (await on.read()).set_flow.value.ml_per_h == "10"


@in_virtual_time
async def test_a_stop_goes_out_even_if_the_pump_does_not_mark():
    """The answer can not be told then, and the pump stands all the same."""
    subject = subject_of(find("harvard-ultra"))
    async with rig(subject, subject.framings[0]) as on:
        on.start()
        answer = on.face.answer
        on.face.answer = lambda payload: b"\x00:" if payload == b"poll on" else answer(payload)
        with pytest.raises(WireError):
            await on.driver.pause(on.talk, ONE)
        assert on.models[0].status is PumpStatus.PAUSED


KNOWN = {
    "run": (),
    "run_motors": ("infuse",),
    "stop": (),
    "set_target_volume": (20, "ml"),
    "set_infuse_rate": ("ml/hr", 12),
    "clear_volume": ("infuse",),
    "poll": ("off",),
    "set_syringe_size": (26.59, 50, "ml"),
    "force": (50,),
    "set_syringe_count": (1,),
    "set_target_time": (60,),
    "dim_screen": (50,),
    "ascale": (1,),
    "echo": (),
}
"""What the simulated pump knows."""
UNKNOWN = {
    "address": (2,),
    "boot": (),
    "calibrate_tilt": (),
    "clear_time": ("infuse",),
    "command_set": ("ultra",),
    "default_config": (),
    "delete_method": ("x",),
    "load": (True, "x"),
    "remote": (1,),
    "reverse_direction": (),
    "set_device_baud": (9600,),
    "set_footswitch_mode": ("mom",),
    "set_time": ("01/01/26", "12:00:00"),
    "set_withdraw_rate": ("ml/hr", 1),
    "config": (["gear_ratio"], [2]),
}
"""What it does not, and refuses as a command that there is not."""
NOTHING = {"catalog"}
"""It sends nothing."""


def test_kdsautolib_does_all_that_it_offers(monkeypatch):
    """It sends and never reads: each command is taken or refused, through alarm, refusal and silence."""
    port = PeerPort("harvard-ultra", 0)
    shown = SimpleNamespace(**{name: getattr(serial, name) for name in dir(serial) if name.isupper()})
    shown.Serial, shown.SerialException = (lambda **_: port), serial.SerialException
    monkeypatch.setattr(kds_utils, "serial", shown)
    pump = Legato110("anywhere", 9600)
    offered = {name for name, _ in inspect.getmembers(pump, inspect.ismethod) if not name.startswith("_")}
    assert offered == {*KNOWN, *UNKNOWN, *NOTHING}

    def replies() -> dict[str, str]:
        found = {}
        for name, arguments in (KNOWN | UNKNOWN).items():
            assert perform({name: lambda n=name, a=arguments: getattr(pump, n)(*a)})[name] == "None"
            found[name] = port.read(999).decode() if port.in_waiting else "silence"
        tell("KDSautolib", "in turn", found)
        return found

    for happens in (None, PumpAlarm.OCCLUSION, FaultKind.EXCEPTION, FaultKind.SILENCE, None):
        if isinstance(happens, PumpAlarm):
            port.model.press_start()
            port.model.raise_alarm(happens)
        elif happens is not None:
            port.line.faults.add(0, Fault(happens, exception_code=1))
        said = replies()
        if happens is FaultKind.SILENCE:
            assert set(said.values()) == {"silence"}
        elif happens is FaultKind.EXCEPTION:
            assert all("Command error" in reply for reply in said.values())
        else:
            assert not [name for name in KNOWN if "error" in said[name]]
            assert [name for name in UNKNOWN if "Command error" not in said[name]] == []
        if happens is PumpAlarm.OCCLUSION:
            assert said["stop"].endswith("*")
            port.model.press_clear()
        port.line.faults.clear(0)
    pump.set_infuse_rate("ml/min", 1)
    pump.run()
    assert port.model.status is PumpStatus.RUNNING
    assert port.model.set_rate_nl_h == 60_000_000
    pump.stop()
    assert port.model.status is PumpStatus.PAUSED
