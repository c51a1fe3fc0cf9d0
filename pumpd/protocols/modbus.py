"""Modbus questions a driver may ask: frozen values that write themselves and read their own reply.

Source: MODBUS Application Protocol Specification V1.1b3 (Modbus Organization, 2012), here "AP" and section.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols import modbus_pdu
from pumpd.protocols.wire import Permission

R_co = TypeVar("R_co", covariant=True)

LOWEST_UNIT: Final = 1
HIGHEST_UNIT: Final = 247
"""Units of one device each; 0 is broadcast, 248 to 255 are reserved (MODBUS over Serial Line V1.02, 2.2)."""
MAX_REGISTERS: Final = 125
MAX_BITS: Final = 2000

EXCEPTION_NAMES: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge: still working on it",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}
"""What the exception codes mean (AP 7)."""

_WRITE_PERMISSIONS: Final = frozenset({Permission.PAUSE, Permission.LOWER, Permission.LINK})


def exception_name(code: int) -> str:
    """Return the plain name of an exception code."""
    return EXCEPTION_NAMES.get(code, "a code that Modbus does not name")


def check_unit(unit: int) -> None:
    """Raise ValueError unless ``unit`` is the address of one device."""
    if not LOWEST_UNIT <= unit <= HIGHEST_UNIT:
        reason = "0 is broadcast, which every pump would obey" if unit == 0 else "no device has it"
        raise ValueError(f"Modbus unit {unit}: {reason}; allowed {LOWEST_UNIT} to {HIGHEST_UNIT}")


def check_span(start: int, count: int, most: int) -> None:
    """Raise ValueError unless ``count`` addresses from ``start`` exist and fit in one message."""
    if not 1 <= count <= most:
        raise ValueError(f"count {count}: allowed 1 to {most}")
    if start < 0 or start + count > 0x10000:
        raise ValueError(f"addresses {start} to {start + count - 1}: allowed 0 to 65535")


@dataclass(frozen=True, slots=True)
class ModbusRequest(ABC, Generic[R_co]):
    """A question to one Modbus device, and what a framer must know of its reply."""

    unit: int
    function: int

    @property
    @abstractmethod
    def permission(self) -> Permission:
        """What this message may do."""

    @property
    @abstractmethod
    def reply_head(self) -> bytes:
        """The first bytes of the payload of every good reply: unit, function and at least one more."""

    @property
    @abstractmethod
    def reply_bytes(self) -> int:
        """The length of the payload of every good reply."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """Return the payload to send: unit and PDU."""

    @abstractmethod
    def parse_reply(self, frame: bytes) -> R_co:
        """Return what a payload means; WireError if it answers something else, DeviceRefusedError if no."""

    @property
    def address(self) -> int:
        """The unit, which every reply carries."""
        return self.unit

    @property
    def shape(self) -> tuple[object, ...]:
        """What a good reply looks like where it carries no transaction id."""
        return (self.reply_head, self.reply_bytes)

    @property
    def refusal_shape(self) -> tuple[object, ...]:
        """What an exception reply looks like: it carries unit and function and no more (AP 7)."""
        return (self.unit, self.function)

    def _body(self, frame: bytes) -> bytes:
        """Return what follows the function code, after the checks all replies share."""
        if len(frame) == 3 and frame[0] == self.unit and frame[1] == self.function | 0x80:
            code = modbus_pdu.exception_code_in_reply(self.function, frame[2:])
            raise DeviceRefusedError(
                f"unit {self.unit} refused function {self.function}: code {code}, {exception_name(code)}",
                code,
            )
        if len(frame) != self.reply_bytes or not frame.startswith(self.reply_head):
            raise WireError(
                f"unit {self.unit}, function {self.function}: got {len(frame)} bytes, {frame[:16].hex(' ')}; "
                f"a good reply has {self.reply_bytes} and begins {self.reply_head.hex(' ')}"
            )
        return frame[2:]


@dataclass(frozen=True, slots=True)
class _Read(ModbusRequest[R_co]):
    start: int
    count: int

    @property
    def permission(self) -> Permission:
        """Reading changes nothing."""
        return Permission.READ

    @property
    @abstractmethod
    def byte_count(self) -> int:
        """How many bytes of values a good reply holds."""

    @property
    def reply_head(self) -> bytes:
        """Unit, function and byte count."""
        return bytes((self.unit, self.function, self.byte_count))

    @property
    def reply_bytes(self) -> int:
        """Unit, function, byte count and the values."""
        return 3 + self.byte_count

    def to_bytes(self) -> bytes:
        """Return the payload to send: unit and PDU."""
        return modbus_pdu.read_request(self.unit, self.function, self.start, self.count)


@dataclass(frozen=True, slots=True)
class ReadRegisters(_Read[tuple[int, ...]]):
    """Ask for 1 to 125 holding (function 3) or input (function 4) registers from PDU address ``start``."""

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_span(self.start, self.count, MAX_REGISTERS)
        if self.function not in {3, 4}:
            raise ValueError(f"function {self.function}: registers are read with 3 or 4")

    @property
    def byte_count(self) -> int:
        """Two bytes for each register."""
        return 2 * self.count

    def parse_reply(self, frame: bytes) -> tuple[int, ...]:
        """Return ``count`` registers, 0 to 65535 each."""
        return modbus_pdu.registers_in_reply(self._body(frame))


@dataclass(frozen=True, slots=True)
class ReadBits(_Read[tuple[bool, ...]]):
    """Ask for 1 to 2000 coils (function 1) or discrete inputs (function 2) from PDU address ``start``."""

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_span(self.start, self.count, MAX_BITS)
        if self.function not in {1, 2}:
            raise ValueError(f"function {self.function}: bits are read with 1 or 2")

    @property
    def byte_count(self) -> int:
        """One byte for each eight bits begun."""
        return (self.count + 7) // 8

    def parse_reply(self, frame: bytes) -> tuple[bool, ...]:
        """Return ``count`` bits, the lowest address first."""
        return modbus_pdu.bits_in_reply(self.function, self._body(frame))[: self.count]


@dataclass(frozen=True, slots=True)
class _Write(ModbusRequest[None]):
    """A write to one control point; a good reply repeats it (AP 6.5 and 6.6)."""

    @property
    def reply_head(self) -> bytes:
        """The whole reply."""
        return self.to_bytes()

    @property
    def reply_bytes(self) -> int:
        """Unit, function, address and value."""
        return 6

    def parse_reply(self, frame: bytes) -> None:
        """Check that the device repeated the write."""
        self._body(frame)


def _check_write(unit: int, address: int, permission: Permission) -> None:
    check_unit(unit)
    check_span(address, 1, 1)
    if permission not in _WRITE_PERMISSIONS:
        raise ValueError(f"permission {permission.name}: a write is PAUSE, LOWER or LINK")


@dataclass(frozen=True, slots=True)
class WriteCoil(_Write):
    """Set one coil (function 5) which the pump's register map declares as a control point."""

    function: int = field(default=5, init=False)
    at: int
    """PDU address of the coil, 0-based."""
    on: bool
    permission: Permission

    def __post_init__(self) -> None:
        _check_write(self.unit, self.at, self.permission)

    def to_bytes(self) -> bytes:
        """Return the payload to send: unit and PDU."""
        return modbus_pdu.write_coil_request(self.unit, self.at, on=self.on)


@dataclass(frozen=True, slots=True)
class WriteRegister(_Write):
    """Set one register (function 6) which the pump's register map declares as a control point."""

    function: int = field(default=6, init=False)
    at: int
    """PDU address of the register, 0-based."""
    value: int
    permission: Permission

    def __post_init__(self) -> None:
        _check_write(self.unit, self.at, self.permission)
        if not 0 <= self.value <= 0xFFFF:
            raise ValueError(f"value {self.value}: allowed 0 to 65535")

    def to_bytes(self) -> bytes:
        """Return the payload to send: unit and PDU."""
        return modbus_pdu.write_register_request(self.unit, self.at, self.value)


def _bits(text: str) -> tuple[bool, ...]:
    return tuple(bit == "1" for bit in text)


EXAMPLES: Final[tuple[tuple[ModbusRequest[object], str, object, str], ...]] = (
    # AP 6.1, coils 20 to 38
    (ReadBits(17, 1, 19, 19), "11 01 0013 0013", _bits("1011001111010110101"), "11 01 03 CD6B05"),
    # AP 6.2, discrete inputs 197 to 218
    (ReadBits(17, 2, 196, 22), "11 02 00C4 0016", _bits("0011010111011011101011"), "11 02 03 ACDB35"),
    # AP 6.3, holding registers 108 to 110
    (ReadRegisters(17, 3, 107, 3), "11 03 006B 0003", (555, 0, 100), "11 03 06 022B 0000 0064"),
    # AP 6.4, input register 9
    (ReadRegisters(17, 4, 8, 1), "11 04 0008 0001", (10,), "11 04 02 000A"),
    # AP 6.5, coil 173
    (WriteCoil(17, 172, on=True, permission=Permission.PAUSE), "11 05 00AC FF00", None, "11 05 00AC FF00"),
    # AP 6.6, register 2
    (WriteRegister(17, 1, 3, Permission.PAUSE), "11 06 0001 0003", None, "11 06 0001 0003"),
)
"""(request, its payload, reply, its payload) as the specification prints them; the unit is ours, 17."""

REFUSAL_EXAMPLE: Final = (ReadBits(17, 1, 1185, 1), "11 01 04A1 0001", 2, "11 81 02")
"""(request, its payload, exception code, the refusal) of AP 7."""
