"""The one door to pymodbus: its PDU classes write and read the body of Modbus messages, both ways.

Except the registers of a read, the one body that every reading brings: they are packed and unpacked at once.
A *payload* here is the unit address followed by the PDU, the part that RTU and MBAP framing share.
Source: MODBUS Application Protocol Specification V1.1b3 (Modbus Organization, 2012), 4.1 and 6.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Final

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from pumpd.errors import WireError

_READS: Final[dict[int, type[ModbusPDU]]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_REQUESTS: Final[dict[int, type[ModbusPDU]]] = {
    **_READS,
    5: WriteSingleCoilRequest,
    6: WriteSingleRegisterRequest,
    15: WriteMultipleCoilsRequest,
    16: WriteMultipleRegistersRequest,
}
_BIT_REPLIES: Final[dict[int, type[ModbusPDU]]] = {1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse}


def _payload(unit: int, pdu: ModbusPDU) -> bytes:
    return bytes((unit, pdu.function_code)) + pdu.encode()


@functools.lru_cache(maxsize=4096)  # a pump is asked the same few questions every second
def read_request(unit: int, function: int, start: int, count: int) -> bytes:
    """Return the payload that asks for ``count`` bits or registers from PDU address ``start``."""
    return _payload(unit, _READS[function](address=start, count=count))


def write_coil_request(unit: int, coil: int, *, on: bool) -> bytes:
    """Return the payload that sets one coil; a good reply repeats it."""
    return _payload(unit, WriteSingleCoilRequest(address=coil, bits=[on]))


def write_register_request(unit: int, register: int, value: int) -> bytes:
    """Return the payload that sets one register; a good reply repeats it."""
    return _payload(unit, WriteSingleRegisterRequest(address=register, registers=[value]))


@functools.cache  # 125 at most fit in one message
def _registers(count: int) -> struct.Struct:
    """Return the layout of ``count`` registers (AP 4.2): pymodbus takes them one by one, at every reading."""
    return struct.Struct(f">{count}H")


def registers_in_reply(body: bytes) -> tuple[int, ...]:
    """Return the registers of a reply body whose length was checked."""
    return _registers(len(body) // 2).unpack_from(body, 1)


def bits_in_reply(function: int, body: bytes) -> tuple[bool, ...]:
    """Return the bits of a reply body whose length was checked, filled up to whole bytes."""
    reply = _BIT_REPLIES[function]()
    reply.decode(body)
    return tuple(reply.bits)


def exception_code_in_reply(function: int, body: bytes) -> int:
    """Return the code of an exception reply to ``function``."""
    reply = ExceptionResponse(function)
    reply.decode(body)
    return int(reply.exception_code)


def exception_reply(unit: int, function: int, code: int) -> bytes:
    """Return the payload with which a device refuses ``function``."""
    return _payload(unit, ExceptionResponse(function, code))


def registers_reply(unit: int, function: int, values: Sequence[int]) -> bytes:
    """Return the payload that answers a read of registers."""
    count = len(values)
    return bytes((unit, function, 2 * count)) + _registers(count).pack(*values)


def bits_reply(unit: int, function: int, values: Sequence[bool]) -> bytes:
    """Return the payload that answers a read of bits."""
    return _payload(unit, _BIT_REPLIES[function](bits=list(values)))


def write_reply(
    unit: int, function: int, address: int, bits: Sequence[bool], registers: Sequence[int]
) -> bytes:
    """Return the payload that says a write (5, 6, 15 or 16) was done."""
    if function == 5:
        return _payload(unit, WriteSingleCoilResponse(address=address, bits=list(bits)))
    if function == 6:
        return _payload(unit, WriteSingleRegisterResponse(address=address, registers=list(registers)))
    if function == 15:
        return _payload(unit, WriteMultipleCoilsResponse(address=address, count=len(bits)))
    return _payload(unit, WriteMultipleRegistersResponse(address=address, count=len(registers)))


def decode_request(payload: bytes) -> ModbusPDU | None:
    """Return the pymodbus PDU of a request payload; None for a function that is not known here.

    WireError when the body can not be read.
    """
    kind = _REQUESTS.get(payload[1])
    if kind is None:
        return None
    pdu = kind()
    try:
        pdu.decode(payload[2:])
    except (ModbusException, ValueError, IndexError, struct.error) as error:
        raise WireError(f"function {payload[1]}: {error}; got {payload.hex(' ')}") from error
    return pdu
