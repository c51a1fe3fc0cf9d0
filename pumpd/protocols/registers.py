"""A Modbus pump as a file: where each value stands, what it means and what may be written.

The same map drives the driver and the simulator. Addresses are written as in the vendor's document, with the
base that the map states; requests carry them less that base.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pumpd.document import parse_document
from pumpd.document_check import demand
from pumpd.fields import refused
from pumpd.protocols.registers_fields import (
    AlarmField,
    Exact,
    FittedField,
    NumberField,
    Order,
    OrderField,
    Part,
    Place,
    Quirks,
    StatusField,
    TextField,
    UnitField,
    Word,
)
from pumpd.protocols.registers_plan import plan
from pumpd.protocols.registers_units import Quantity

QUANTITIES = {
    "flow": Quantity.FLOW,
    "set_flow": Quantity.FLOW,
    "volume": Quantity.VOLUME,
    "volume_to_be_infused": Quantity.VOLUME,
    "pressure": Quantity.PRESSURE,
    "battery": Quantity.CHARGE,
}
"""The numbers of a channel and what each of them is."""


class Heartbeat(Place):
    """A counter that moves while the pump lives; a gateway that answers from its memory stands still."""

    changes_within_ms: int = Field(ge=1, le=60_000)

    @property
    def width(self) -> int:
        """Registers that it takes."""
        return 1


class Control(Part):
    """One write: function 5 (coil, value 0 or 1) or 6 (register)."""

    function: Literal[5, 6]
    address: int = Field(ge=0, le=65536)
    value: Word

    @model_validator(mode="after")
    def _coil_value(self) -> Control:
        if self.function == 5 and self.value > 1:
            raise refused(f"a coil can not be {self.value}", allowed="0 or 1", remedy="Write 0 or 1.")
        return self


class PauseControl(Control):
    """The write that stops delivery."""

    permission: Literal["pause"]
    """Said aloud, so that whoever writes a map declares what the write does."""


class LowerControl(Part):
    """The register that sets a rate: written in the turn of a fresh reading that shows a higher one.

    Only where one request reads all of the pump, so that nothing lies between the reading and the write.
    """

    function: Literal[6]
    address: int = Field(ge=0, le=65536)
    scale: Exact = Field(gt=0)
    """Flow in one count of the register, in ``unit``; what is written is rounded down to it."""
    unit: str
    highest: Word
    """The greatest count that the register takes."""
    permission: Literal["lower"]
    """Said aloud, so that whoever writes a map declares what the write does."""

    @model_validator(mode="after")
    def _whole_steps(self) -> LowerControl:
        flows = Quantity.FLOW.units
        if self.unit not in flows or (Fraction(self.scale) * flows[self.unit]).denominator != 1:
            raise refused(
                f"steps of {self.scale} {self.unit} are no whole nL/h",
                allowed=f"whole nL/h, in {', '.join(flows)}",
                remedy="Give scale and unit of one count.",
            )
        return self

    @property
    def step_nl_h(self) -> int:
        """Nanolitres per hour in one count."""
        return int(Fraction(self.scale) * Quantity.FLOW.units[self.unit])


class Identity(Part):
    """Where the pump says who it is; what is absent it can not tell."""

    model: TextField | None = None
    serial_number: TextField | None = None
    firmware: TextField | None = None


class ChannelMap(Part):
    """The values of one delivery channel."""

    status: StatusField
    fitted: FittedField | None = None
    flow: NumberField
    volume: NumberField | None = None
    set_flow: NumberField | None = None
    volume_to_be_infused: NumberField | None = None
    pressure: NumberField | None = None
    battery: NumberField | None = None
    alarms: tuple[AlarmField, ...] = ()
    pause: PauseControl | None = None
    lower: LowerControl | None = None

    @field_validator(*QUANTITIES)
    @classmethod
    def _units(cls, value: NumberField | None, info: ValidationInfo) -> NumberField | None:
        if value is not None:
            value.check_units(QUANTITIES[str(info.field_name)])
        return value

    def numbers(self) -> Iterator[tuple[str, NumberField]]:
        """Yield the name and field of each number it has."""
        for name in QUANTITIES:
            number = getattr(self, name)
            if number is not None:
                yield name, number


class Source(Part):
    """The document a map was written from."""

    document: str = Field(min_length=1)
    revision: str = Field(min_length=1)
    pages: str = Field(min_length=1)


class ExampleRead(Part):
    """Raw words (or bits) as they stand in the pump."""

    function: Literal[1, 2, 3, 4]
    start: int = Field(ge=0, le=65536)
    words: tuple[Word, ...] = Field(min_length=1)


class Example(Part):
    """Raw words and what they mean, with where that is written."""

    source: str = Field(min_length=1)
    raw: tuple[ExampleRead, ...] = Field(min_length=1)
    expect: dict[str, dict[str, str | tuple[str, ...]]] = Field(min_length=1)
    """Channel -> part of the reading -> text, as ``describe`` writes it."""


class RegisterMap(Part):
    """One pump model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    make: str = Field(min_length=1)
    model: str = Field(min_length=1)
    source: Source
    address_base: Literal[0, 1]
    """The address that the document gives to the first register."""
    order: Order | OrderField
    quirks: Quirks = Quirks()
    identity: Identity = Identity()
    heartbeat: Heartbeat | None = None
    channels: dict[str, ChannelMap] = Field(min_length=1)
    never_sent: dict[str, Control] = Field(default_factory=dict)
    """Writes that the pump knows and no driver can make (start, bolus ...).

    A simulator obeys ``start``, and ``start NAME`` for one channel.
    """
    examples: tuple[Example, ...] = Field(min_length=1)

    def pdu(self, address: int) -> int:
        """Return what travels for ``address`` as the document writes it."""
        return address - self.address_base

    def places(self) -> Iterator[tuple[str, Place]]:
        """Yield the path and place of everything that is read, the identity last."""
        if isinstance(self.order, OrderField):
            yield "order", self.order
        if self.heartbeat:
            yield "heartbeat", self.heartbeat
        for channel_name, channel in self.channels.items():
            below = f"channels.{channel_name}"
            yield f"{below}.status", channel.status
            for index, before in enumerate(channel.status.first):
                yield f"{below}.status.first[{index}]", before
            if channel.fitted is not None:
                yield f"{below}.fitted", channel.fitted
            for name, number in channel.numbers():
                yield f"{below}.{name}", number
                if isinstance(number.unit, UnitField):
                    yield f"{below}.{name}.unit", number.unit
            for index, alarm in enumerate(channel.alarms):
                yield f"{below}.alarms[{index}]", alarm
        for name in ("model", "serial_number", "firmware"):
            text = getattr(self.identity, name)
            if text is not None:
                yield f"identity.{name}", text

    def telemetry_places(self) -> dict[str, Place]:
        """Return what one reading needs, by path."""
        return {path: place for path, place in self.places() if not path.startswith("identity.")}

    def identity_places(self) -> dict[str, Place]:
        """Return what tells who answers, by path."""
        return {path: place for path, place in self.places() if path.startswith("identity.")}

    @model_validator(mode="after")
    def _addresses_fit(self) -> RegisterMap:
        for path, place in self.places():
            first, last = self.pdu(place.address), self.pdu(place.address) + place.width - 1
            if first < 0 or last > 0xFFFF:
                raise refused(
                    f"{path}: address {place.address} does not exist with address_base {self.address_base}",
                    allowed=f"{self.address_base} to {0xFFFF + self.address_base}",
                    remedy="Mend the address or the base.",
                )
            if place.width > self.quirks.largest_read:
                raise refused(
                    f"{path}: {place.width} registers, largest_read is {self.quirks.largest_read}",
                    allowed="a value inside one request",
                    remedy="Raise largest_read, or shorten the text.",
                )
        for name in self.never_sent:
            start, _, channel_name = name.partition(" ")
            if start == "start" and channel_name and channel_name not in self.channels:
                raise refused(
                    f"never_sent.{name}: there is no channel {channel_name!r}",
                    allowed=", ".join(self.channels),
                    remedy="Write start and the channel that it starts.",
                )
        controls = [(f"never_sent.{name}", control) for name, control in self.never_sent.items()]
        pauses = {
            (channel.pause.function, channel.pause.address, channel.pause.value): name
            for name, channel in self.channels.items()
            if channel.pause
        }
        for path, control in controls:
            if (control.function, control.address, control.value) in pauses:
                raise refused(
                    f"{path} is the same write as a pause",
                    allowed="a write that is not declared as pause",
                    remedy="Find out what the write does before anything else.",
                )
        return self

    @model_validator(mode="after")
    def _lowers_in_one_turn(self) -> RegisterMap:
        lowering = [name for name, channel in self.channels.items() if channel.lower]
        blind = [name for name in lowering if self.channels[name].set_flow is None]
        reads = plan(self.telemetry_places(), self.address_base, self.quirks).reads
        if blind or (lowering and (len(reads) > 1 or self.quirks.pause_ms)):
            raise refused(
                f"channel {(blind or lowering)[0]}: lower, but "
                + ("no set_flow" if blind else f"{len(reads)} requests {self.quirks.pause_ms} ms apart"),
                allowed="a set_flow, and all values in one request without pause_ms",
                remedy="Leave lower out: a rate is only written on the heels of a reading.",
            )
        return self


def load_map(text: str, file: str) -> RegisterMap:
    """Return the map in ``text``; ConfigError names every problem at once, each with its line."""
    return demand(parse_document(text.encode(), file), RegisterMap)
