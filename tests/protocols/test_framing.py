"""Framers on bad wires: whole, byte by byte, behind noise, foreign and broken frames, in bounded memory."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import checksums, framing_mbap, framing_rtu
from pumpd.protocols.checksums import crc16_modbus
from pumpd.protocols.framing_mbap import MbapFramer, MbapServerFramer
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil
from pumpd.protocols.wire import Permission
from tests import proof

QUESTION = ReadRegisters(1, 3, 0, 3)
PAYLOAD = bytes.fromhex("01 03 06 022B 0000 0064")
VALUES = (555, 0, 100)
REFUSAL = bytes.fromhex("01 83 02")


class Rtu:
    """RTU as the cases below need it: a framer that awaits QUESTION, and frames of any payload."""

    most_kept_bytes = framing_rtu.MAX_FRAME_BYTES

    def __init__(self):
        self.framer = RtuFramer()
        self.framer.encode(QUESTION)

    def frame(self, payload):
        return framing_rtu.frame_of(payload)

    foreign = frame


class Mbap:
    """Modbus TCP likewise."""

    most_kept_bytes = framing_mbap.MAX_FRAME_BYTES

    def __init__(self):
        self.framer = MbapFramer(0x1233)
        self.framer.encode(QUESTION)

    def frame(self, payload):
        return framing_mbap.frame_of(0x1234, payload)

    def foreign(self, payload):
        return framing_mbap.frame_of(0x002E, payload)


BOTH = pytest.mark.parametrize("kind", [Rtu, Mbap], ids=["rtu", "mbap"])
FOREIGN = [
    bytes.fromhex("02 03 06 0001 0002 0003"),  # another unit
    bytes.fromhex("01 04 06 0001 0002 0003"),  # another function
    bytes.fromhex("01 03 04 0001 0002"),  # another length
    bytes.fromhex("01 03 0A 0001 0002 0003 0004 0005"),
    bytes.fromhex("01 05 0001 FF00"),
    bytes.fromhex("02 83 02"),
    bytes.fromhex("03 E3 01"),
]


@BOTH
def test_a_whole_reply_is_found(kind):
    """Whole frame in, payload out, nothing discarded."""
    on = kind()
    assert QUESTION.parse_reply(on.framer.feed(on.frame(PAYLOAD))) == VALUES
    assert on.framer.discarded_bytes == 0


@BOTH
@pytest.mark.parametrize("payload", [PAYLOAD, REFUSAL], ids=["reply", "refusal"])
def test_a_reply_comes_byte_by_byte(kind, payload):
    """One byte at a time: nothing before the last byte, the payload with it."""
    on = kind()
    *most, last = (bytes((byte,)) for byte in on.frame(payload))
    assert [on.framer.feed(byte) for byte in most] == [None] * len(most)
    assert on.framer.feed(last) == payload


@BOTH
@pytest.mark.parametrize("split", range(1, 14))
def test_a_reply_split_anywhere_is_found(kind, split):
    """Two pieces, as TCP segments and serial drivers make them."""
    on = kind()
    frame = on.frame(PAYLOAD)
    first = on.framer.feed(frame[:split])
    assert (first or on.framer.feed(frame[split:])) == PAYLOAD


@pytest.mark.requirement("LINK-3")
@BOTH
@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda payload: payload.hex())
def test_a_foreign_frame_in_front_does_not_cost_the_good_one(kind, foreign):
    """A frame for somebody else is dropped and counted, in one piece or byte by byte."""
    for pieces in (1, 40):
        on = kind()
        stream = on.foreign(foreign) + on.frame(PAYLOAD)
        size = -(-len(stream) // pieces)
        found = [on.framer.feed(stream[n : n + size]) for n in range(0, len(stream), size)]
        assert [payload for payload in found if payload is not None] == [PAYLOAD]
        assert on.framer.discarded_bytes == len(on.foreign(foreign))


@pytest.mark.requirement("LINK-3")
@pytest.mark.parametrize("bit", range(0, 88, 5))
def test_a_damaged_frame_in_front_does_not_cost_the_good_one(bit):
    """The damaged copy of a reply is dropped and the good one behind it found."""
    on = Rtu()
    broken = bytearray(on.frame(PAYLOAD))
    broken[bit // 8] ^= 1 << bit % 8
    assert on.framer.feed(bytes(broken) + on.frame(PAYLOAD)) == PAYLOAD
    assert on.framer.discarded_bytes == len(broken)


@pytest.mark.requirement("LINK-3")
@BOTH
@pytest.mark.timeout(600)
@proof.examples("noise in front of a reply", 100, 10_000)
@given(noise=st.binary(min_size=3, max_size=60), cut=st.integers(0, 80))
def test_noise_in_front_does_not_cost_the_reply(kind, noise, cut):
    """At least three bytes of anything, cut anywhere: the reply behind is found."""
    on = kind()
    if kind is Mbap and noise[2:4] == b"\0\0":
        noise = noise[:2] + b"\1\1" + noise[4:]  # a plausible header is a foreign frame, not noise
    stream = noise + on.frame(PAYLOAD)
    found = on.framer.feed(stream[:cut]) or on.framer.feed(stream[cut:])
    assert found == PAYLOAD


def test_a_header_that_promises_too_much_does_not_swallow_the_reply():
    """A broken Modbus TCP header with a plausible length is left behind as soon as our own follows."""
    on = Mbap()
    assert on.framer.feed(bytes.fromhex("0007 0000 00FE 01 03")) is None
    assert on.framer.feed(on.frame(PAYLOAD)) == PAYLOAD


def test_the_garbage_frame_of_a_real_pump_is_survived():
    """What an ISCO pump says after its two minutes of silence is nobody's reply.

    Source: epics-modules/SyringePump, a Teledyne ISCO pump over Modbus TCP as observed.
    """
    on = Mbap()
    garbage = bytes.fromhex("002e 0000 0003 03 e3 01")
    assert on.framer.feed(garbage) is None
    assert on.framer.feed(garbage[:5]) is None
    assert on.framer.feed(garbage[5:] + on.frame(PAYLOAD)) == PAYLOAD
    assert on.framer.discarded_bytes == 2 * len(garbage)


@BOTH
def test_two_replies_at_once_give_one(kind):
    """A duplicate right behind the reply is dropped; the next question does not see it."""
    on = kind()
    assert on.framer.feed(on.frame(PAYLOAD) * 2) == PAYLOAD
    assert on.framer.discarded_bytes == len(on.frame(PAYLOAD))
    assert on.framer.feed(on.frame(PAYLOAD)) is None
    on.framer.encode(QUESTION)
    assert on.framer.feed(b"") is None


@BOTH
def test_unbounded_garbage_is_held_in_bounded_memory(kind):
    """100 kB of noise: never more than one longest frame is kept, and the reply behind is found."""
    on = kind()
    seeded = random.Random(proof.SEED)
    for _ in range(100):
        assert on.framer.feed(seeded.randbytes(1000)) is None
        assert len(on.framer._buffer) <= on.most_kept_bytes
    on.framer.encode(QUESTION)
    good = on.frame(PAYLOAD) if kind is Rtu else framing_mbap.frame_of(0x1235, PAYLOAD)
    assert on.framer.feed(good) == PAYLOAD
    assert on.framer.discarded_bytes >= 100_000 - on.most_kept_bytes


@pytest.mark.requirement("INV-2")
@pytest.mark.parametrize("payload", [PAYLOAD, REFUSAL], ids=["reply", "refusal"])
def test_one_flipped_bit_is_never_another_message(payload):
    """Every single flipped bit of an RTU frame makes it no frame at all."""
    frame = framing_rtu.frame_of(payload)
    for bit in range(8 * len(frame)):
        broken = bytearray(frame)
        broken[bit // 8] ^= 1 << bit % 8
        on = Rtu()
        assert on.framer.feed(bytes(broken)) is None
        with pytest.raises(WireError):
            framing_rtu.payload_of(bytes(broken))


@pytest.mark.requirement("INV-2")
def test_a_refusal_inside_a_reply_is_not_taken_for_one():
    """Registers may hold the very bytes of a refusal; the reply around them is awaited."""
    inner = framing_rtu.frame_of(REFUSAL)
    payload = bytes((1, 3, 6)) + inner + b"\0"
    on = Rtu()
    stream = on.frame(payload)
    assert on.framer.feed(stream[:-2]) is None
    assert on.framer.feed(stream[-2:]) == payload


def test_our_own_words_repeated_by_an_adapter_are_no_answer():
    """24 coils from 0x0300: the echoed request has the form of a reply, check and all."""
    question = ReadBits(1, 1, 0x0300, 24)
    framer = RtuFramer()
    sent = framer.encode(question)
    reply = bytes.fromhex("01 01 03 AA BB CC")
    assert framer.feed(sent) is None
    assert framer.feed(framing_rtu.frame_of(reply)) == reply


@BOTH
def test_a_late_reply_is_told_from_noise(kind):
    """After giving up, the reply is dropped and its request named once."""
    on = kind()
    on.framer.give_up()
    assert on.framer.feed(on.frame(PAYLOAD) + b"\xff") is None
    assert list(on.framer.take_late()) == [QUESTION]
    assert list(on.framer.take_late()) == []


@BOTH
def test_reset_forgets_what_was_awaited(kind):
    """After a reset nothing is awaited and every byte counts as discarded."""
    on = kind()
    frame = on.frame(PAYLOAD)
    on.framer.feed(frame[:6])
    on.framer.reset()
    assert on.framer.feed(frame) is None
    on.framer.reset()
    assert on.framer.discarded_bytes == len(frame) + 6


def test_a_refusal_is_found_and_read():
    """An exception reply is found by its five bytes and says what it is."""
    on = Rtu()
    payload = on.framer.feed(b"\x01\x02" + on.frame(REFUSAL))
    assert payload == REFUSAL
    with pytest.raises(DeviceRefusedError):
        QUESTION.parse_reply(payload)


@pytest.mark.parametrize(("payload", "frame"), framing_rtu.EXAMPLES)
def test_the_rtu_examples_are_written_and_read(payload, frame):
    """What the specification prints comes out byte by byte and goes back in."""
    assert framing_rtu.frame_of(bytes.fromhex(payload)) == bytes.fromhex(frame)
    assert framing_rtu.payload_of(bytes.fromhex(frame)) == bytes.fromhex(payload)


@pytest.mark.parametrize(("transaction_id", "payload", "frame"), framing_mbap.EXAMPLES)
def test_the_mbap_examples_are_written_and_read(transaction_id, payload, frame):
    """What a real pump was seen to say comes out byte by byte and goes back in."""
    assert framing_mbap.frame_of(transaction_id, bytes.fromhex(payload)) == bytes.fromhex(frame)
    assert framing_mbap.payload_of(bytes.fromhex(frame)) == bytes.fromhex(payload)


def test_the_crc_of_a_known_frame():
    """``01 03 00 48 00 06`` ends in ``45 DE``, low byte first."""
    frame = framing_rtu.frame_of(bytes.fromhex("01 03 0048 0006"))
    assert frame.hex(" ") == "01 03 00 48 00 06 45 de"
    assert crc16_modbus(frame) == 0
    for check, data, value in checksums.EXAMPLES:
        assert check(data) == value


@proof.examples("first bytes that are whole by their CRC", 100, 10_000)
@given(st.binary(max_size=40), st.binary(max_size=8), st.integers(0, 12), st.integers(0, 40))
def test_the_first_whole_frame_is_found_in_one_pass(payload, behind, least, most):
    """As when the CRC of each number of first bytes is worked out by itself."""
    data = framing_rtu.frame_of(payload) + behind
    whole = [
        size
        for size in range(len(data) + 1)
        if least <= size <= most and size and not crc16_modbus(data[:size])
    ]
    assert checksums.whole_frame_bytes(data, least, most) == min(whole, default=0)


def test_transaction_ids_go_round():
    """After 65535 comes 0, and each question has another one."""
    framer = MbapFramer(0xFFFE)
    ids = [framer.encode(QUESTION)[:2].hex() for _ in range(3)]
    assert ids == ["ffff", "0000", "0001"]


@pytest.mark.parametrize(
    ("baud", "bits_per_byte", "gap_s"),
    [(9600, 10, 35 / 9600), (19200, 11, 38.5 / 19200), (38400, 10, 0.00175), (None, 10, 0.0)],
)
def test_the_silence_between_rtu_frames(baud, bits_per_byte, gap_s):
    """3.5 characters, and 1.75 ms above 19200 baud (Modbus over serial line V1.02, 2.5.1.1)."""
    assert RtuFramer().gap_s(baud, bits_per_byte) == pytest.approx(gap_s)


REQUESTS = [
    bytes.fromhex("11 03 006B 0003"),
    bytes.fromhex("02 0F 0013 000A 02 CD01"),
    bytes.fromhex("03 10 0001 0002 04 000A 0102"),
    WriteCoil(4, 1, on=False, permission=Permission.PAUSE).to_bytes(),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_serving_ends_find_every_request(size):
    """Requests of all kinds in a row, in pieces of any size, for several units."""
    rtu, mbap = RtuServerFramer(), MbapServerFramer()
    rtu_stream = b"".join(framing_rtu.frame_of(payload) for payload in REQUESTS)
    mbap_stream = b"".join(framing_mbap.frame_of(n, payload) for n, payload in enumerate(REQUESTS))
    for framer, stream in ((rtu, rtu_stream), (mbap, mbap_stream)):
        heard = [q for n in range(0, len(stream), size) for q in framer.feed(stream[n : n + size])]
        assert [question.payload for question in heard] == REQUESTS
        assert framer.discarded_bytes == 0
        reply = framer.encode(heard[2], bytes.fromhex("03 10 0001 0002"))
        assert bytes.fromhex("03 10 0001 0002") in reply


def test_the_serving_rtu_end_answers_what_it_does_not_know_and_outlives_noise():
    """An unknown function still ends at its CRC; noise in front of a request is dropped."""
    framer = RtuServerFramer()
    unknown = bytes.fromhex("11 2B 0E 01 00")
    [question] = framer.feed(framing_rtu.frame_of(unknown))
    assert question.payload == unknown
    [question] = framer.feed(b"\x55\xaa\x00" + framing_rtu.frame_of(REQUESTS[0]))
    assert question.payload == REQUESTS[0]
    for _ in range(100):
        framer.feed(b"\xa5" * 100)
    assert len(framer._buffer) <= framing_rtu.MAX_FRAME_BYTES


def test_the_serving_tcp_end_drops_what_is_no_header():
    """Bytes that are not Modbus TCP are dropped, and the next request is heard."""
    framer = MbapServerFramer()
    assert framer.feed(b"GET / HTTP/1.1\r\n\r\n") == []
    [question] = framer.feed(framing_mbap.frame_of(9, REQUESTS[0]))
    assert (question.payload, question.transaction_id) == (REQUESTS[0], 9)
