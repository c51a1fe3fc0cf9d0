"""The other end of Modbus: what a device understands and answers. Used by the simulator, never by a driver.

These values have no ``permission`` and no ``parse_reply``, so ``Link.ask`` does not accept them.
Source: MODBUS Application Protocol Specification V1.1b3 (Modbus Organization, 2012), here "AP" and section.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pumpd.errors import WireError
from pumpd.protocols import modbus_pdu
from pumpd.protocols.modbus import MAX_BITS, MAX_REGISTERS, check_span

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4
DEVICE_BUSY: Final = 6

_MAX_WRITTEN_BITS: Final = 1968
_MAX_WRITTEN_REGISTERS: Final = 123
"""AP 6.11 and 6.12."""


@dataclass(frozen=True, slots=True)
class IncomingRead:
    """A master asks for bits (function 1 or 2) or registers (3 or 4)."""

    unit: int
    function: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class IncomingCoils:
    """A master sets coils (function 5 or 15); whatever the coils do, a start included."""

    unit: int
    function: int
    start: int
    values: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class IncomingRegisters:
    """A master sets registers (function 6 or 16)."""

    unit: int
    function: int
    start: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IncomingUnusable:
    """A master asks what can not be done at all; answer it with ``exception_code``."""

    unit: int
    function: int
    exception_code: int


Incoming = IncomingRead | IncomingCoils | IncomingRegisters | IncomingUnusable


@functools.lru_cache(maxsize=4096)  # a pump is asked the same few questions every second
def parse_request(payload: bytes) -> Incoming:
    """Return what a master wants; WireError when ``payload`` is too short to be anything."""
    if len(payload) < 2:
        raise WireError(f"a request has unit and function, got {len(payload)} bytes")
    unit, function = payload[0], payload[1]
    try:
        pdu = modbus_pdu.decode_request(payload)
    except WireError:
        return IncomingUnusable(unit, function, ILLEGAL_VALUE)
    if pdu is None:
        return IncomingUnusable(unit, function, ILLEGAL_FUNCTION)
    if not _well_formed(payload, pdu.count):
        return IncomingUnusable(unit, function, ILLEGAL_VALUE)
    if function in {5, 15}:
        incoming: IncomingRead | IncomingCoils | IncomingRegisters = IncomingCoils(
            unit, function, pdu.address, tuple(pdu.bits)
        )
    elif function in {6, 16}:
        incoming = IncomingRegisters(unit, function, pdu.address, tuple(pdu.registers))
    else:
        incoming = IncomingRead(unit, function, pdu.address, pdu.count)
    if pdu.address + _span(incoming) > 0x10000:
        return IncomingUnusable(unit, function, ILLEGAL_ADDRESS)
    return incoming


def _span(incoming: IncomingRead | IncomingCoils | IncomingRegisters) -> int:
    return incoming.count if isinstance(incoming, IncomingRead) else len(incoming.values)


def _well_formed(payload: bytes, count: int) -> bool:
    """Return whether lengths and counts agree, which pymodbus leaves to its server."""
    function, size = payload[1], len(payload)
    if function == 5:
        return size == 6 and payload[4:6] in {b"\xff\x00", b"\x00\x00"}
    if function == 15:
        return 1 <= count <= _MAX_WRITTEN_BITS and size == 7 + payload[6] and payload[6] == (count + 7) // 8
    if function == 16:
        return 1 <= count <= _MAX_WRITTEN_REGISTERS and size == 7 + payload[6] and payload[6] == 2 * count
    return size == 6


def registers_reply(asked: IncomingRead, values: Sequence[int]) -> bytes:
    """Return the payload that answers with registers, 0 to 65535 each; ValueError if not as many as asked."""
    check_span(asked.start, asked.count, MAX_REGISTERS)
    if asked.function not in {3, 4} or len(values) != asked.count:
        raise ValueError(f"{len(values)} registers do not answer {asked}")
    return modbus_pdu.registers_reply(asked.unit, asked.function, values)


def bits_reply(asked: IncomingRead, values: Sequence[bool]) -> bytes:
    """Return the payload that answers with bits, lowest address first; ValueError if not as many as asked."""
    check_span(asked.start, asked.count, MAX_BITS)
    if asked.function not in {1, 2} or len(values) != asked.count:
        raise ValueError(f"{len(values)} bits do not answer {asked}")
    return modbus_pdu.bits_reply(asked.unit, asked.function, values)


def write_reply(done: IncomingCoils | IncomingRegisters) -> bytes:
    """Return the payload that says the write was done."""
    if isinstance(done, IncomingCoils):
        return modbus_pdu.write_reply(done.unit, done.function, done.start, done.values, ())
    return modbus_pdu.write_reply(done.unit, done.function, done.start, (), done.values)


def exception_reply(asked: Incoming, code: int) -> bytes:
    """Return the payload with which the device refuses; codes in ``modbus.EXCEPTION_NAMES``."""
    return modbus_pdu.exception_reply(asked.unit, asked.function, code)


EXAMPLES: Final[tuple[tuple[Incoming, str, str], ...]] = (
    # AP 6.5, coil 173
    (IncomingCoils(17, 5, 172, (True,)), "11 05 00AC FF00", "11 05 00AC FF00"),
    # AP 6.6, register 2
    (IncomingRegisters(17, 6, 1, (3,)), "11 06 0001 0003", "11 06 0001 0003"),
    # AP 6.11, coils 20 to 29
    (
        IncomingCoils(17, 15, 19, (True, False, True, True, False, False, True, True, True, False)),
        "11 0F 0013 000A 02 CD01",
        "11 0F 0013 000A",
    ),
    # AP 6.12, registers 2 and 3
    (IncomingRegisters(17, 16, 1, (10, 258)), "11 10 0001 0002 04 000A 0102", "11 10 0001 0002"),
)
"""(what a master wants, its payload, the payload that says it was done) as printed; the unit is ours, 17."""
