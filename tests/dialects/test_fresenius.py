"""Fresenius: vectors, every refusal, link error and bit, control only around a pause, what comes unasked."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.fresenius import TWICE, agree, meaning, number
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, WireError
from pumpd.probe import probe
from pumpd.protocols.fresenius import BaseFramer, PilotFramer, judge
from pumpd.protocols.fresenius_frame import ACK, DC4, ENQ, EXAMPLES, NAK, NAK_SUM, frame_of, frames
from pumpd.protocols.fresenius_messages import LINK_ERRORS, REFUSALS, Pause, ReadVariables
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import over_pty, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.fresenius import LINK_ERROR
from tests import proof

pytestmark = pytest.mark.requirement("DIAL-2")
TOLD = {"a": "0000", "e": "0000", "m": "1", "d": "0019", "r": "0001F4"}


def on_line(name="fresenius-base"):
    """Put the driver on a line with simulated pumps."""
    subject = subject_of(find(name))
    return rig(subject, subject.framings[0])


def overhear(on) -> list[bytes]:
    """Return what is written from here on."""
    sent: list[bytes] = []
    wire: Any = on.bus.link._transport
    write = wire.write

    def written(data: bytes) -> None:
        sent.append(data)
        write(data)

    wire.write = written
    return sent


@pytest.mark.parametrize(("text", "frame"), EXAMPLES)
def test_vectors(text, frame):
    """Worked out by infupy's genFrame, both ways."""
    whole = bytes.fromhex(frame)
    assert frame_of(text) == whole
    (found,) = frames(ACK + whole)
    assert (found.text, found.whole) == (text, True)


@pytest.mark.parametrize(
    ("changed", "status", "alarms"),
    [
        ({}, PumpStatus.RUNNING, ()),
        ({"m": "02"}, PumpStatus.RUNNING, ()),
        ({"d": "0"}, PumpStatus.STOPPED, ()),
        ({"d": "0000", "a": "0004"}, PumpStatus.ALARM, ("a0004",)),
        ({"a": "0004"}, PumpStatus.RUNNING, ("a0004",)),
        ({"m": "3"}, PumpStatus.UNKNOWN, ()),
        ({"m": ""}, PumpStatus.UNKNOWN, ()),
        ({"d": "0x19"}, PumpStatus.UNKNOWN, ()),
        ({"d": ""}, PumpStatus.UNKNOWN, ()),
        ({"a": "?"}, PumpStatus.RUNNING, ("a?",)),
    ],
)
def test_each_mode_and_rate(changed, status, alarms):
    """What no source names is UNKNOWN, never RUNNING, and what arrived is kept."""
    told = TOLD | changed
    reading = meaning(told)
    assert (reading.status, reading.raw_status, reading.raw_alarms) == (status, f"m{told['m']}", alarms)
    assert reading.volume.value.nl == 500_000
    if number(told["d"]) is None:
        assert (reading.flow.validity, reading.flow.raw) == (Validity.INVALID, told["d"])
    else:
        assert reading.flow.value.ml_per_h == ("0" if number(told["d"]) == 0 else "2.5")


def test_a_volume_that_is_no_number_is_kept_as_it_came():
    """It never becomes 0."""
    reading = meaning(TOLD | {"r": "-1"})
    assert (reading.volume.validity, reading.volume.raw) == (Validity.INVALID, "-1")


@pytest.mark.parametrize(("letter", "bit"), [(letter, bit) for letter in "ae" for bit in range(16)])
@in_virtual_time
async def test_each_bit_of_alarm_and_error(letter, bit):
    """Through the simulated pump: an alarm without a name, with the bits as they came."""
    async with on_line() as on:
        on.face.forced = {letter: f"{1 << bit:04X}"}
        await on.driver.identify(on.talk)
        reading = await on.read()
        assert (reading.alarms, reading.status) == ({PumpAlarm.OTHER}, PumpStatus.ALARM)
        assert reading.raw_alarms == (f"{letter}{1 << bit:04X}",)


@pytest.mark.parametrize(("code", "says"), REFUSALS.items())
@in_virtual_time
async def test_each_refusal(code, says):
    """From a reading and from a pause, with its words; nothing is done."""
    async with on_line() as on:
        on.start()
        on.line.faults.add(1, Fault(FaultKind.EXCEPTION, exception_code=code))
        for asked in (on.driver.read, lambda talk: on.driver.pause(talk, "1")):
            with pytest.raises(DeviceRefusedError, match=says) as refused:
                await asked(on.talk)
            assert refused.value.code == code
            await on.rest()
        assert on.models[0].status is PumpStatus.RUNNING
    assert len(REFUSALS) == 25


@pytest.mark.parametrize(("code", "says"), [*LINK_ERRORS.items(), (3, "unknown")])
@in_virtual_time
async def test_each_link_error(code, says):
    """A frame that the pump did not take is an error of the wire, to be tried again, and no refusal."""
    async with on_line() as on:
        on.line.faults.add(1, Fault(FaultKind.EXCEPTION, exception_code=LINK_ERROR + code))
        with pytest.raises(WireError, match=rf"{says} \({code}\)"):
            await on.driver.read(on.talk)


@pytest.mark.parametrize("name", ["fresenius-base", "fresenius-pilot"])
@in_virtual_time
async def test_control_is_taken_only_around_a_pause(name):
    """Watching never sends MO;2; a pause gives control back, whatever came of it."""
    async with on_line(name) as on:
        sent = overhear(on)
        await on.driver.identify(on.talk)
        for _ in range(3):
            await on.driver.read(on.talk)
        assert not [frame for frame in sent if b"MO" in frame or b"PO" in frame]
        on.start()
        await on.driver.pause(on.talk, "1")
        whose = b"1" if name == "fresenius-base" else b""
        commands = [frame for frame in sent if b"O" in frame]
        assert commands == [frame_of(whose + text) for text in (b"MO;2", b"PO", b"MO;1")]
        assert on.models[0].status is PumpStatus.PAUSED
        assert vars(on.face)["controlled"] is False
        on.models[0].locked = True
        with pytest.raises(DeviceRefusedError) as refused:
            await on.driver.pause(on.talk, "1")
        assert (refused.value.code, vars(on.face)["controlled"]) == (0x20, False)
        with pytest.raises(DeviceRefusedError, match="no channel 2"):
            await on.driver.pause(on.talk, "2")


@in_virtual_time
async def test_a_pause_goes_on_where_control_is_held_already():
    """MO;2 is refused as active; the pause comes all the same, and control is given back."""
    async with on_line() as on:
        await on.driver.identify(on.talk)
        vars(on.face)["controlled"] = True
        on.start()
        await on.driver.pause(on.talk, "1")
        assert (on.models[0].status, vars(on.face)["controlled"]) == (PumpStatus.PAUSED, False)


def test_control_is_judged_as_a_part_of_a_pause():
    """Who may only watch can not take it; giving it back is upkeep; the base takes neither."""
    assert judge(frame_of(b"1MO;2")) == (1, Permission.PAUSE)
    assert judge(frame_of(b"5MO;1")) == (5, Permission.LINK)
    assert judge(frame_of(b"PO")) == (1, Permission.PAUSE)
    assert judge(frame_of(b"0LE;b")) == (None, Permission.READ)
    for frame in (frame_of(b"0PO"), frame_of(b"0MO;2"), frame_of(b"6PO"), frame_of(b"1PO")[:-3] + b"30\x03"):
        with pytest.raises(WireError):
            judge(frame)


@in_virtual_time
async def test_sessions_are_begun_again_when_they_have_ended():
    """That of the base where it is missing, then the pump's own; a base that is silent is tried too."""
    async with on_line() as on:
        sent = overhear(on)
        assert (await on.driver.identify(on.talk)).model == "DPS"
        assert [frame for frame in sent if b"DC" in frame] == [frame_of(t) for t in (b"1DC", b"0DC", b"1DC")]
        vars(on.face)["connected"] = False
        await on.rest()
        assert (await on.read()).status is PumpStatus.STOPPED
        vars(on.face)["base_connected"] = False
        await on.rest()
        assert (await on.read()).status is PumpStatus.STOPPED
        on.line.faults.add(1, Fault(FaultKind.SILENCE))
        sent.clear()
        with pytest.raises(LinkTimeoutError):
            await on.driver.identify(on.talk)
        assert sent == [frame_of(b"1DC"), frame_of(b"0DC")]


@in_virtual_time
async def test_modules_share_the_base():
    """Each answers at its own address, with its own rate."""
    async with on_line() as on:
        for unit in (1, 2):
            talk = on.bus.conversation(unit, 1000, on.spec.controls)
            driver, model = on.spec.build(unit), on.line.pumps[unit].face.models["1"]
            model.press_start()
            model.flow_nl_h = model.set_rate_nl_h
            assert (await driver.identify(talk)).make == "Fresenius"
            (reading,) = await driver.read(talk)
            assert reading.flow.value.ml_per_h == str(10 * unit)
        assert on.face.answer(b"0LE;ib") == b"C;i02;b03"


@in_virtual_time
async def test_what_the_pump_says_unasked_is_acknowledged_and_no_reading():
    """ENQ by DC4, an event by ACK and its letter, damage by a NAK; also between a question and its reply."""
    async with on_line() as on:
        await on.driver.identify(on.talk)
        sent = overhear(on)
        on.served._connection._write(
            ENQ + frame_of(b"1E;d0028") + frame_of(b"2M;r000001") + b"\x021E;d002920\x03"
        )
        await asyncio.sleep(0.5)
        assert sent == [DC4, ACK, frame_of(b"1E"), ACK, frame_of(b"2M"), NAK_SUM]
        assert on.face.answer(b"DE;d") == b"C"
        on.start()
        await asyncio.sleep(60)
        sent.clear()
        assert (await on.read()).flow.value.ml_per_h == "10"
        unasked = [DC4, ACK, frame_of(b"1E")]
        assert sent == [frame_of(b"1LE;aemdr"), *unasked, ACK, frame_of(b"1LE;amdr"), ACK]
        assert on.blocked == []


def test_noise_is_no_nak_and_an_event_mars_nothing():
    """A NAK counts only alone; what the pump says unasked is not counted as dropped."""
    framer, reply = BaseFramer(), ACK + frame_of(b"1C")
    framer.encode(Pause(1))
    assert framer.feed(NAK + b"2" + reply) == b"1C"
    framer.encode(Pause(1))
    dropped = framer.discarded_bytes
    assert framer.feed(NAK) is None
    assert framer.feed(b"6") == b"\x156"
    framer.encode(Pause(1))
    assert framer.feed(frame_of(b"1E;d0001")) is None
    assert framer.feed(frame_of(b"2C") + reply) == b"1C"
    assert framer.discarded_bytes - dropped == len(frame_of(b"2C"))
    framer.reset()
    assert framer.take_owed() == []


def test_a_reply_tells_just_what_was_asked():
    """In any order, each once; another set of variables or another address answers another question."""
    framer = PilotFramer()
    for text, good in (
        ("C;r1;d2", True),
        ("C;d2;r1", True),
        ("C;d2", False),
        ("C;d2;d1", False),
        ("C", False),
    ):
        framer.encode(ReadVariables(1, "dr"))
        assert (framer.feed(frame_of(text.encode())) is not None) is good
        framer.give_up()


def test_two_replies_that_differ_are_no_reading():
    """Alarm, mode and rate must be the same; the counter may go on, as far as the rate allows."""
    again = {letter: TOLD[letter] for letter in TWICE}
    assert agree(TOLD, again, 0.1)
    assert agree(TOLD, again | {"r": "0001F5"}, 0.1)
    for other in ({"d": "0018"}, {"m": "2"}, {"a": "1"}, {"r": "0001F3"}, {"r": "000FFF"}, {"r": "?"}):
        assert not agree(TOLD, again | other, 0.1)


@pytest.mark.requirement("DIAL-3")
def test_the_share_of_damage_that_the_sum_misses():
    """No single flip; of two, those of one weight in opposite directions: about 1 in 16."""
    frame, chance = frame_of(b"1C;a0000;e0000;m1;d0019;r0001F4"), random.Random(proof.SEED)
    bits = range(8, 8 * (len(frame) - 3))

    def missed(*flipped: int) -> bool:
        damaged = bytearray(frame)
        for bit in flipped:
            damaged[bit // 8] ^= 1 << bit % 8
        return any(found.whole for found in frames(bytes(damaged)))

    assert not any(missed(bit) for bit in range(8 * len(frame)))
    count = proof.count("pairs of flipped bits, fresenius", 2_000, 100_000)
    found = Counter(missed(*chance.sample(bits, 2)) for _ in range(count))
    pairs = [*itertools.combinations(bits, 2)]

    def cancel(one: int, other: int) -> bool:
        same = one % 8 == other % 8 < 7  # a character has 7 bits
        return same and (frame[one // 8] ^ frame[other // 8]) >> one % 8 & 1 == 1

    share = sum(itertools.starmap(cancel, pairs)) / len(pairs)
    print(f"two flips missed: {found[True] / count:.4f}, cancelling out: {share:.4f}")
    assert 0 < found[True] / count <= share + 0.02


@pytest.mark.real
def test_a_pseudo_terminal_can_not_carry_seven_bits_and_says_so(tmp_path: Path, caplog):
    """The URL of the card is opened as 8N1, with a line in the log, and the pump is read."""
    subject = subject_of(find("fresenius-base"))
    told: list[str] = []
    caplog.set_level(logging.INFO)

    async def probed() -> bool:
        async with rig(subject, subject.framings[0], over_pty(tmp_path / "line")) as on:
            await on.bus.link.close(OSError("the line is for the probe"))  # type: ignore[arg-type]
            url = f"serial://{tmp_path / 'line'}?baud=19200&bits=7&parity=E&address=1"
            return await probe(url, "fresenius-base", told.append, readings=1)

    assert asyncio.run(probed()), told
