"""Modbus messages against the specification's own examples, and against what a device may answer wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import modbus, modbus_pdu, modbus_serving
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil, WriteRegister
from pumpd.protocols.modbus_serving import (
    IncomingCoils,
    IncomingRead,
    IncomingRegisters,
    IncomingUnusable,
    parse_request,
)
from pumpd.protocols.wire import Permission, Request

UNITS = st.integers(1, 247)


@pytest.mark.parametrize(("request_", "sent", "reply", "answered"), modbus.EXAMPLES)
def test_the_specifications_examples_are_written_and_read(request_, sent, reply, answered):
    """Each printed exchange comes out byte by byte and goes back in."""
    assert request_.to_bytes() == bytes.fromhex(sent)
    assert request_.parse_reply(bytes.fromhex(answered)) == reply


@pytest.mark.parametrize(("request_", "sent", "reply", "answered"), modbus.EXAMPLES)
def test_the_other_end_reads_and_answers_the_specifications_examples(request_, sent, reply, answered):
    """The serving side understands each printed request and writes the printed reply."""
    incoming = parse_request(bytes.fromhex(sent))
    assert incoming.unit == request_.unit
    match incoming:
        case IncomingRead(function=1 | 2):
            assert modbus_serving.bits_reply(incoming, reply) == bytes.fromhex(answered)
        case IncomingRead():
            assert modbus_serving.registers_reply(incoming, reply) == bytes.fromhex(answered)
        case IncomingCoils() | IncomingRegisters():
            assert modbus_serving.write_reply(incoming) == bytes.fromhex(answered)
        case IncomingUnusable():
            pytest.fail(f"not understood: {sent}")


@pytest.mark.parametrize(("incoming", "sent", "answered"), modbus_serving.EXAMPLES)
def test_the_specifications_writes_are_read_and_answered(incoming, sent, answered):
    """Writes that no driver can send are still understood by a simulator."""
    assert parse_request(bytes.fromhex(sent)) == incoming
    assert modbus_serving.write_reply(incoming) == bytes.fromhex(answered)


def test_the_specifications_refusal_is_read_with_its_name():
    """An exception reply is a DeviceRefusedError with code and plain name, at both ends."""
    request, sent, code, answered = modbus.REFUSAL_EXAMPLE
    assert request.to_bytes() == bytes.fromhex(sent)
    with pytest.raises(DeviceRefusedError, match="illegal data address") as refusal:
        request.parse_reply(bytes.fromhex(answered))
    assert refusal.value.code == code
    incoming = parse_request(bytes.fromhex(sent))
    assert modbus_serving.exception_reply(incoming, code) == bytes.fromhex(answered)


@pytest.mark.parametrize("unit", [-1, 0, 248, 255, 256])
def test_broadcast_and_reserved_units_can_not_be_asked(unit):
    """No question can be built for unit 0, which every pump would obey, or for a unit no device has."""
    for build in (
        lambda: ReadRegisters(unit, 3, 0, 1),
        lambda: ReadBits(unit, 1, 0, 1),
        lambda: WriteCoil(unit, 0, on=True, permission=Permission.PAUSE),
        lambda: WriteRegister(unit, 0, 1, Permission.PAUSE),
    ):
        with pytest.raises(ValueError, match="allowed 1 to 247"):
            build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: ReadRegisters(1, 1, 0, 1),
        lambda: ReadBits(1, 3, 0, 1),
        lambda: ReadRegisters(1, 3, 0, 126),
        lambda: ReadRegisters(1, 3, 0, 0),
        lambda: ReadRegisters(1, 3, 65535, 2),
        lambda: ReadBits(1, 1, 0, 2001),
        lambda: WriteRegister(1, 0, 65536, Permission.PAUSE),
        lambda: WriteCoil(1, -1, on=True, permission=Permission.PAUSE),
        lambda: WriteCoil(1, 0, on=True, permission=Permission.READ),
    ],
)
def test_what_modbus_can_not_say_is_refused(build):
    """A question outside the specification's ranges, or a write called a read, can not be built."""
    with pytest.raises(ValueError):
        build()


@pytest.mark.parametrize(
    "reply",
    [
        "11 04 06 022B 0000 0064",  # function 4 answers a question of function 3
        "11 03 04 022B 0000",  # fewer registers than asked
        "11 03 08 022B 0000 0064 0001",  # more
        "12 03 06 022B 0000 0064",  # another unit
        "11 03 06 022B 0000",  # cut short
        "11 84 02",  # a refusal of another function
        "",
    ],
)
def test_an_answer_to_something_else_is_a_wire_error(reply):
    """Unit, function, byte count and length are all checked; stock clients take the first two as success."""
    with pytest.raises(WireError):
        ReadRegisters(17, 3, 107, 3).parse_reply(bytes.fromhex(reply))


def test_a_write_that_is_not_repeated_exactly_is_a_wire_error():
    """The device must repeat address and value of a write."""
    for reply in ("11 05 00AC 0000", "11 05 00AD FF00", "11 06 00AC FF00"):
        with pytest.raises(WireError):
            WriteCoil(17, 172, on=True, permission=Permission.PAUSE).parse_reply(bytes.fromhex(reply))


@pytest.mark.requirement("INV-1")
def test_what_a_simulator_understands_is_no_question_for_a_link():
    """The serving side's values are not Requests, so none of them can be sent through a Link."""
    assert isinstance(ReadRegisters(1, 3, 0, 1), Request)
    for incoming, _, _ in modbus_serving.EXAMPLES:
        assert not isinstance(incoming, Request)
        assert not hasattr(incoming, "permission")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("11 2B 0E 01 00", 1),  # a function this device does not know
        ("11 03 0000 0000", 3),  # no register at all
        ("11 03 0000 007E", 3),  # 126 registers
        ("11 03 FFFF 0002", 2),  # beyond the last address
        ("11 05 0001 1234", 3),  # neither on nor off
        ("11 10 0001 0002 04 000A", 3),  # fewer bytes than said
        ("11 10 0001 0002 02 000A", 3),  # byte count and register count differ
        ("11 0F 0001 0009 01 FF", 3),
        ("11 03 00", 3),
    ],
)
def test_an_unusable_request_is_answered_with_the_right_code(sent, code):
    """The serving side names the exception that the specification asks for."""
    assert parse_request(bytes.fromhex(sent)) == IncomingUnusable(0x11, bytes.fromhex(sent)[1], code)


@given(
    st.integers(1, 247), st.sampled_from([3, 4]), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)
)
def test_registers_survive_the_way_there_and_back(unit, function, values):
    """What the serving side writes the asking side reads, for any registers."""
    request = ReadRegisters(unit, function, 7, len(values))
    asked = parse_request(request.to_bytes())
    assert asked == IncomingRead(unit, function, 7, len(values))
    assert request.parse_reply(modbus_serving.registers_reply(asked, values)) == tuple(values)


@given(st.integers(1, 247), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_registers_are_written_and_read_as_pymodbus_does(unit, values):
    """The one body that is packed beside pymodbus' classes is theirs, byte by byte and value by value."""
    for kind in (ReadHoldingRegistersResponse, ReadInputRegistersResponse):
        theirs = kind(registers=values).encode()
        payload = modbus_pdu.registers_reply(unit, kind.function_code, values)
        assert payload == bytes((unit, kind.function_code)) + theirs
        read = kind()
        read.decode(payload[2:])
        assert modbus_pdu.registers_in_reply(payload[2:]) == tuple(read.registers) == tuple(values)


@given(UNITS, st.sampled_from([1, 2]), st.lists(st.booleans(), min_size=1, max_size=2000))
def test_bits_survive_the_way_there_and_back(unit, function, values):
    """What the serving side writes the asking side reads, for any bits."""
    request = ReadBits(unit, function, 7, len(values))
    asked = parse_request(request.to_bytes())
    assert isinstance(asked, IncomingRead)
    assert request.parse_reply(modbus_serving.bits_reply(asked, values)) == tuple(values)


@given(st.binary(max_size=64))
def test_any_bytes_are_answerable_or_too_short(payload):
    """No request, however broken, makes the serving side fail in another way than WireError."""
    if len(payload) < 2:
        with pytest.raises(WireError):
            parse_request(payload)
    else:
        assert parse_request(payload).unit == payload[0]
