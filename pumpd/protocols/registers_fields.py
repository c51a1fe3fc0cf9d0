"""The kinds of value a register map can name: codes, bits, alarms, numbers and text."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.fields import refused
from pumpd.protocols.registers_units import Quantity

Order = Literal["abcd", "cdab", "badc", "dcba"]
"""Byte order of a 32-bit value 0xAABBCCDD on the wire; the last two swap the bytes of 16-bit values too."""
ORDERS: tuple[Order, ...] = ("abcd", "cdab", "badc", "dcba")
WIDTHS = {"bit": 1, "u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2}
"""Registers (or coils) that a value of each type takes."""


def _number(value: object) -> object:
    if isinstance(value, str) and value.lower().startswith("0x"):
        return int(value, 16)
    return value


Word = Annotated[int, BeforeValidator(_number), Field(ge=0, le=0xFFFF)]
Pattern = Annotated[int, BeforeValidator(_number), Field(ge=0, le=0xFFFF_FFFF)]
Exact = Annotated[Decimal, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """A part of a map: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Place(Part):
    """Where a value stands: Modbus function (1 coil, 2 discrete input, 3 holding, 4 input) and address."""

    function: Literal[1, 2, 3, 4]
    address: int = Field(ge=0, le=65536)

    @property
    def width(self) -> int:
        """Registers or coils that it takes."""
        raise NotImplementedError


class Code(Place):
    """A whole number or bit that stands for something: a status, a unit, a byte order, alarms."""

    type: Literal["u16", "u32", "bit", "bits"] = "u16"
    bit: int | None = Field(default=None, ge=0, le=15)
    """Bit of the register, 0 the lowest, for type ``bit`` at function 3 or 4."""
    count: int | None = Field(default=None, ge=2, le=16)
    """Neighbouring coils or discrete inputs read as one number, for type ``bits``: the first is its bit 0."""

    @property
    def width(self) -> int:
        """Registers or coils that it takes."""
        return self.count or WIDTHS[self.type]

    @model_validator(mode="after")
    def _bit_stands_somewhere(self) -> Code:
        coils = self.function in (1, 2)
        if coils and (self.type not in {"bit", "bits"} or self.bit is not None):
            raise refused(
                f"function {self.function} reads single bits",
                allowed="type: bit, or type: bits with count:, without bit:",
                remedy="Write type: bit, or function 3 or 4 for registers.",
            )
        if (self.type == "bits") is (self.count is None) or (self.count is not None and not coils):
            raise refused(
                "type and count do not fit",
                allowed="type: bits with count: 2 to 16, at function 1 or 2",
                remedy="Say how many coils make the number, or take count: out.",
            )
        if not coils and (self.type == "bit") is (self.bit is None):
            raise refused(
                "type and bit do not fit",
                allowed="type: bit with bit: 0 to 15, or another type without bit:",
                remedy="Say which bit of the register is meant.",
            )
        return self


class FirstStatus(Code):
    """A place that speaks before the status does; a code that is not named is UNKNOWN."""

    name: str = Field(min_length=1)
    """How the document calls it, for people."""
    codes: dict[Pattern, PumpStatus | None] = Field(min_length=1)
    """``null`` for the code that says nothing, so that the next place speaks."""

    @model_validator(mode="after")
    def _lets_others_speak(self) -> FirstStatus:
        if None not in self.codes.values():
            raise refused(
                "it always speaks, so what is behind it never does",
                allowed="a code with null",
                remedy="Say which code tells nothing, or let it be the status itself.",
            )
        return self


class StatusField(Code):
    """What the pump does; a code that is not named is UNKNOWN."""

    codes: dict[Pattern, PumpStatus] = Field(min_length=1)
    first: tuple[FirstStatus, ...] = ()
    """Places looked at before it, in this order: the first that says something is believed."""

    def tellers(self) -> tuple[FirstStatus | StatusField, ...]:
        """Return everything that may say the status, in the order in which it is looked at."""
        return (*self.first, self)

    def named(self) -> frozenset[PumpStatus]:
        """Return every status that the pump has a code for."""
        told = {status for teller in self.tellers() for status in teller.codes.values()}
        return frozenset(status for status in told if status is not None)


class FittedField(Code):
    """Whether a channel has its pump: one that stands and has none gives no alarms."""

    codes: dict[Pattern, bool] = Field(min_length=1)
    """A code that is not named counts as fitted."""


class UnitField(Code):
    """A unit that the pump tells in a register."""

    codes: dict[Pattern, str] = Field(min_length=1)


class OrderField(Code):
    """A byte order that the pump tells: by a code, or by a constant that is known (``pattern``)."""

    codes: dict[Pattern, Order] = Field(default_factory=dict)
    pattern: Pattern | None = None
    """The constant that reads 0xAABBCCDD in order ``abcd``; type u32."""

    def known(self) -> tuple[Order, ...]:
        """Return the orders that the pump can tell."""
        return tuple(self.codes.values()) or ORDERS

    @model_validator(mode="after")
    def _one_way(self) -> OrderField:
        if bool(self.codes) is (self.pattern is not None) or (self.pattern is not None) is not (
            self.type == "u32"
        ):
            raise refused(
                "the order needs one way to be told",
                allowed="codes with type u16 or bit, or pattern with type u32",
                remedy="Give codes: or pattern:.",
            )
        return self


class AlarmField(Code):
    """Alarms of the pump: bits, codes, or one bit for one alarm. What is not named is OTHER, raw kept."""

    name: str = Field(min_length=1)
    """How the document calls it, for people."""
    bits: dict[int, PumpAlarm] = Field(default_factory=dict)
    no_alarm_bits: tuple[int, ...] = ()
    """Bits that are no alarm."""
    codes: dict[Pattern, PumpAlarm | None] = Field(default_factory=dict)
    """``null`` for the code that says "no alarm"."""
    alarm: PumpAlarm | None = None

    def named(self) -> frozenset[PumpAlarm]:
        """Return every alarm that it can tell by name."""
        found = {*self.bits.values(), *self.codes.values(), self.alarm}
        return frozenset(alarm for alarm in found if alarm is not None)

    @model_validator(mode="after")
    def _one_way(self) -> AlarmField:
        if (bool(self.bits), bool(self.codes), self.alarm is not None).count(True) != 1 or (
            self.type == "bit"
        ) is not (self.alarm is not None):
            raise refused(
                "alarms need one way to be told",
                allowed="bits: or codes: with type u16 or u32, or alarm: with type bit",
                remedy="Give one of them.",
            )
        return self


class Quirks(Part):
    """What a device can not bear."""

    pause_ms: int = Field(default=0, ge=0, le=10_000)
    """Rest between two requests."""
    largest_read: int = Field(default=125, ge=2, le=125)
    """Registers in one request."""
    readable_gap: int = Field(default=0, ge=0, le=125)
    """Registers or coils without a meaning that may be read along, where the device answers for them."""
    one_field_per_request: bool = False
    """True when a request may not span two values."""


class NumberField(Place):
    """A number with its unit; outside ``range`` it is INVALID and never shown."""

    type: Literal["u16", "i16", "u32", "i32", "f32"]
    scale: Exact = Field(default=Decimal(1), gt=0)
    """Units in one count of the register."""
    unit: str | UnitField
    resolution: Exact | None = Field(default=None, gt=0)
    """To what a float is rounded, in ``unit``; for integers the pump's own step where it is coarser."""
    range: tuple[Exact, Exact]
    """Least and greatest value that can be, in ``range_unit``."""
    range_unit: str | None = None
    """The unit of ``range``; needed where ``unit`` is read from the pump."""
    no_value: tuple[Pattern, ...] = ()
    """Raw patterns that mean "no value" (MISSING)."""
    not_a_number: Literal["missing", "invalid"] = "invalid"
    """What NaN and infinities mean."""

    @property
    def width(self) -> int:
        """Registers that it takes."""
        return WIDTHS[self.type]

    @property
    def step(self) -> Fraction:
        """The least difference it can show, in ``unit``."""
        if self.resolution is None:
            return Fraction(self.scale)
        return max(Fraction(self.resolution), Fraction(self.scale) if self.type != "f32" else Fraction(0))

    @model_validator(mode="after")
    def _complete(self) -> NumberField:
        if self.function in (1, 2):
            raise refused(
                f"function {self.function} reads single bits, not numbers",
                allowed="3 or 4",
                remedy="Use 3 (holding) or 4 (input).",
            )
        if self.type == "f32" and self.resolution is None:
            raise refused(
                "a float has no resolution", allowed="resolution: above 0", remedy="Give the display's step."
            )
        if self.range[0] > self.range[1]:
            raise refused("the range is empty", allowed="[least, greatest]", remedy="Swap the two numbers.")
        if isinstance(self.unit, UnitField) and self.range_unit is None:
            raise refused(
                "the range has no unit",
                allowed="range_unit: with a unit read from the pump",
                remedy="Add range_unit:.",
            )
        return self

    def check_units(self, quantity: Quantity) -> None:
        """Refuse units that are not of ``quantity``, and steps finer than one of its counts."""
        named = self.unit.codes.values() if isinstance(self.unit, UnitField) else [self.unit]
        for unit in [*named, *([self.range_unit] if self.range_unit else [])]:
            if unit not in quantity.units:
                raise refused(
                    f"'{unit}' is no unit of {quantity.value}",
                    allowed=", ".join(quantity.units),
                    remedy="Use one of these.",
                )
        base = Fraction(self.resolution or 0) if self.type == "f32" else Fraction(self.scale)
        for unit in named:
            if quantity.exact and (base * quantity.units[unit]).denominator != 1:
                raise refused(
                    f"steps of {base} {unit} are finer than pumpd counts",
                    allowed="whole nL and nL/h",
                    remedy="Round with scale or resolution.",
                )


class TextField(Place):
    """Text, two characters a register, ended by NUL or blanks."""

    type: Literal["text"] = "text"
    length: int = Field(ge=1, le=60)
    """Registers."""

    @property
    def width(self) -> int:
        """Registers that it takes."""
        return self.length
