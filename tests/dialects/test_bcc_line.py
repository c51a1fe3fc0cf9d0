"""B. Braun by BCC on its line: refusals, lost and damaged blocks, silence; nothing controls a pump."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from pumpd.core.telemetry import ChannelId, PumpStatus
from pumpd.drivers.bcc import meaning
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, WireError
from pumpd.protocols.bcc import PLACES, REFUSALS, BccFramer, BccServer, ReadRack, judge, place_of
from pumpd.protocols.bcc_frame import ACK, LAST, MORE, NAK, PLAIN, frame_of
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import over_tcp
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.bcc import BccFace
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.model import PumpModel
from tests import proof
from tests.dialects.bcc_rack import RACK, overheard, rack

pytestmark = pytest.mark.requirement("DIAL-2")


def test_each_place_and_each_way_to_write_it():
    """501xy, x the pillar, y 1 to 9 and A to O; from 10 on also in two digits; anything else is no place."""
    assert [place_of(f"501{place}") for place in PLACES] == [*PLACES]
    assert [place_of(f"5012{slot}") for slot in (10, 11, 24)] == ["2A", "2B", "2O"]
    wrong = ["50100", "50140", "5011P", "501125", "501109", "50211", "501", "11", ""]
    assert [place_of(address) for address in wrong] == [""] * len(wrong)
    assert list(REFUSALS) == [11, 39, *range(40, 60), 68, 811]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"SpaceCOM/1/1>MEM:GETSLOT#12", b"501"),
        (b"SpaceCOM/1/1>MEM:GETSLOT#13", b"50100,GNERR,811"),
        (b"SpaceCOM/1/1>MEM:PUT", b"50100,GNERR,68"),
        (b"1/1/1>MEM:GET", b"50100,GNERR,68"),
        (b"\x00SpaceCOM/1/1>MEM:GET", b"50100,GNERR,68"),
    ],
)
@in_virtual_time
async def test_the_simulated_rack_refuses_as_the_specification_says(asked, answer):
    """A place without a pump, no such command, another's bed id, and a question stuffed otherwise."""
    async with rack() as on:
        said = on.face.answer(asked + LAST)
        assert said.startswith(b"SpaceCOM/1/1>0," + answer)
        assert said.endswith(LAST)


@in_virtual_time
async def test_a_pump_that_is_taken_out_is_gone_and_not_stopped():
    """It has no reading, neither when GNERR 39 tells it nor later; the others go on; put back it is read."""
    async with rack() as on:
        face: Any = on.face
        face.removed = {"12": False}
        for _ in range(2):
            assert [reading.channel for reading in await on.driver.read(on.talk)] == ["11", "2A"]
        assert face.removed == {"12": True}
        face.removed = {}
        assert len(await on.driver.read(on.talk)) == 3
        face.removed = dict.fromkeys(RACK, True)
        with pytest.raises(DeviceRefusedError) as refused:
            await on.driver.read(on.talk)
        assert refused.value.code == 11


@pytest.mark.parametrize("code", ["39", "41", "57", "what"])
def test_a_pump_that_the_rack_can_not_reach_has_no_reading(code):
    """Whatever the code; a refusal of the whole question keeps its code as it came."""
    block = f"SpaceCOM/1/1>7,50111,GNMODEL,688\x1e7,50111,INM3,1\x1e7,50112,GNERR,{code}".encode()
    assert ReadRack(1, "SpaceCOM").parse_reply(block)["12"] == {"GNERR": code}
    with pytest.raises(DeviceRefusedError) as refused:
        ReadRack(1, "SpaceCOM").parse_reply(f"SpaceCOM/1/1>7,50100,GNERR,{code}".encode())
    assert refused.value.code == (int(code) if code.isdecimal() else code)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("7,50111,INRT,1.00\x1e7,50115,INVI,2.0", "values for 15, where no pump tells its model: INVI"),
        ("7,50111,INRT,1.00\x1e7,50111,INRT,3.00", "the pump at 11 tells INRT twice"),
    ],
)
def test_a_value_whose_place_was_damaged_is_nobodys(said, why):
    """A sum misses some damage; no pump appears by it, and none gets a value of its neighbour."""
    with pytest.raises(WireError, match=why):
        ReadRack(1, "SpaceCOM").parse_reply(f"SpaceCOM/1/1>7,50111,GNMODEL,688\x1e{said}".encode())


@in_virtual_time
async def test_a_rack_is_asked_who_it_is_only_at_the_start_and_after_silence():
    """ALIVE is no upkeep; after silence it is asked before anything else."""
    async with rack("11") as on:
        sent = overheard(on)
        for _ in range(3):
            await on.driver.identify(on.talk)
            await on.read()
            await asyncio.sleep(10)
        assert [b"ALIVEE" in data for _, data in sent].count(True) == 1
        on.line.faults.add(1, Fault(FaultKind.SILENCE))
        with pytest.raises(LinkTimeoutError):
            await on.read()
        on.line.faults.clear(1)
        await on.rest()
        sent.clear()
        assert (await on.read()).status is PumpStatus.STOPPED
        assert b"ALIVEE" in sent[0][1]


def blocks(*numbers: int) -> list[bytes]:
    """Return frames of a reply with one block for each number; the last one has the end mark."""
    marks = [MORE] * (len(numbers) - 1) + [LAST]
    return [
        frame_of(f"SpaceCOM/1/1>7,501{place},GNMODEL,688\x1e7,501{place},INRT,{n}.00".encode() + mark)
        for n, place, mark in zip(numbers, PLACES, marks, strict=False)
    ]


def asking() -> BccFramer:
    """Return a framer that awaits the pumps of a rack."""
    framer = BccFramer()
    framer.encode(ReadRack(1, "SpaceCOM"))
    return framer


def test_a_damaged_block_is_asked_for_again():
    """NAK instead of ACK, three times in a reply at most; its good copy takes its place."""
    first, second = blocks(1, 2)
    framer = asking()
    assert framer.feed(first) is None
    assert [data for _, data in framer.take_owed()] == [ACK]
    assert framer.take_progress()
    hurt = second.replace(b"2.00", b"3.00")
    for repeat in range(5):
        assert framer.feed(hurt) is None
        assert [data for _, data in framer.take_owed()] == ([NAK] if repeat < 3 else [])
        assert not framer.take_progress()
    payload = framer.feed(second)
    assert payload is not None
    pumps = ReadRack(1, "SpaceCOM").parse_reply(payload)
    assert {place: told["INRT"] for place, told in pumps.items()} == {"11": "1.00", "12": "2.00"}
    assert [data for _, data in framer.take_owed()] == [ACK]


def test_a_block_that_comes_twice_is_acknowledged_once():
    """A second ACK would be taken for that of a block that has not come yet."""
    first, second = blocks(1, 2)
    framer = asking()
    assert framer.feed(first + first) is None
    assert len(framer.take_owed()) == 1
    assert framer.feed(second) is not None


def test_blocks_of_another_bed_or_of_an_old_question_are_not_acknowledged():
    """Neither is read: a wrong bed id, and what comes after the time-out."""
    framer = asking()
    assert framer.feed(frame_of(b"Other/1/1>7,50111,INRT,1.00" + LAST)) is None
    framer.give_up()
    assert framer.feed(blocks(1)[0]) is None
    assert len(framer.take_late()) == 1
    assert framer.take_owed() == []


def test_a_reply_without_end_is_bounded():
    """A rack has 72 places: no more blocks than that are gathered, whoever sends them."""
    framer = asking()
    for n in range(200):
        framer.feed(frame_of(f"SpaceCOM/1/1>{n},50111,INRT,1.00".encode() + MORE))
    assert len(framer.take_owed()) == 73


@in_virtual_time
async def test_a_lost_acknowledgement_costs_a_reading_and_no_more():
    """The rack waits for it and says nothing more; the next question begins anew with the first pump."""
    async with rack() as on:
        await on.driver.identify(on.talk)
        await asyncio.sleep(1)
        wire: Any = on.bus.link._transport
        write, lost = wire.write, [ACK, ACK]

        def without_acks(data: bytes) -> None:
            if data not in lost:
                write(data)
            else:
                lost.remove(data)

        wire.write = without_acks
        with pytest.raises(LinkTimeoutError):
            await on.driver.read(on.talk)
        await on.rest()
        assert [reading.channel for reading in await on.driver.read(on.talk)] == [*RACK]


@pytest.mark.requirement("INV-1", "DIAL-1")
@in_virtual_time
async def test_nothing_controls_a_pump():
    """Neither a pause nor a lower rate can be asked for; the driver says why, and sends nothing for it."""
    spec = find("bbraun-bcc")
    assert (spec.pausable, spec.lowerable, spec.controls) == (frozenset(), frozenset(), (Permission.LINK,))
    async with rack("11") as on:
        on.start()
        sent = overheard(on)
        with pytest.raises(DeviceRefusedError, match="BCC has no command that controls a pump; use the pump"):
            await on.driver.pause(on.talk, ChannelId("11"))
        assert (sent, on.models[0].status) == ([], PumpStatus.RUNNING)
    for text in (b"MEM:SET", b"ADMIN:RESET", b"MEM:GETSLOT#11", b"MEM:GET\x1eX"):
        with pytest.raises(WireError):
            judge(frame_of(b"SpaceCOM/1/1>" + text + LAST))


@pytest.mark.real
def test_a_rack_over_a_real_socket():
    """Identity and two readings of two pumps, with blocks and acknowledgements, over TCP."""

    async def read() -> None:
        async with rack("11", "12", over=over_tcp) as on:
            on.start()
            identity = await on.driver.identify(on.talk)
            assert (identity.serial_number, identity.firmware) == ("SIM-0001", "1.0")
            flows = [reading.set_flow.value.ml_per_h for reading in await on.driver.read(on.talk)]
            assert flows == ["10", "10"]

    asyncio.run(read())


@pytest.mark.requirement("INV-2")
def test_the_share_of_damage_that_the_sum_misses():
    """Bytes of a block put in at random: 1 in 256 is to pass; one byte alone never does."""
    tries = proof.count("blocks of BCC with several bytes put in at random", small=20_000, full=1_000_000)
    chance = random.Random(proof.SEED)
    stuffed_frame = blocks(12)[0]
    plain_frame = frame_of(PLAIN + b"SpaceCOM/1/1>7,50111,INRT,12.00" + LAST)
    tried, missed = {True: 0, False: 0}, {True: 0, False: 0}
    for number in range(tries):
        plain, many = number % 2 == 0, 1 if number % 8 < 2 else chance.randrange(2, 8)
        hurt = bytearray(plain_frame if plain else stuffed_frame)
        for at in chance.sample(range(7, len(hurt) - 7), many):
            hurt[at] ^= chance.randrange(1, 256)
        if {1, 2, 4, 6, 21} & {*hurt[7:-7]}:
            continue  # then it is no longer one frame
        found = BccServer().feed(bytes(hurt))
        assert not (found and many == 1)
        tried[plain] += many > 1
        missed[plain] += bool(found)
    share = {plain: missed[plain] / tried[plain] for plain in (True, False)}
    print(f"BCC's sum missed {share[True]:.3%} of {tried[True]} plain blocks with wrong bytes (1 in 256:")
    print(f"0.391%); and with stuffing, which knows pairs alone, {share[False]:.3%} of {tried[False]}")
    assert share[True] == pytest.approx(1 / 256, rel=0.35)
    assert share[False] < share[True]


def test_values_that_say_nothing_are_no_values():
    """A pump without any parameter is UNKNOWN, and none of its numbers is zero."""
    reading = meaning("11", {})
    assert reading.status is PumpStatus.UNKNOWN
    assert (reading.flow.value, reading.volume.value, reading.set_flow.value) == (None, None, None)


@pytest.mark.requirement("HOSTILE-1")
@pytest.mark.parametrize("question", [b"SpaceC\xa5\xfd\x8a\xbc)K>MEM:GET" + LAST, PLAIN + b"\xff" + LAST])
def test_a_question_that_is_no_text_is_refused_as_any_that_is_not_known(question: bytes):
    """Damage that the sum let through gets the ComDevice's answer, and ends no simulated ward."""
    face = BccFace({"11": PumpModel()}, "SIM-0001", "1.0", lambda: 0)
    face.stuffs = not question.startswith(PLAIN)
    assert b"GNERR,68" in face.answer(question)
