"""One simulated pump of a ward file: what it is, and how its channels are when the ward opens."""

from __future__ import annotations

import re

from pydantic import Field, field_validator, model_validator

from pumpd.core.quantities import NL_PER_ML
from pumpd.fields import Flag, Flow, Millilitres, Number, TopicId, Whole, refused
from pumpd.protocols.maps import installed_map, installed_names
from pumpd.protocols.modbus import HIGHEST_UNIT, LOWEST_UNIT
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_fields import Order, OrderField, UnitField
from pumpd.simulator.acts import too_much
from pumpd.simulator.framed_list import channels_of, kinds
from pumpd.simulator.mechanism_section import MechanismSection, TraitsSection, made_traits
from pumpd.simulator.timeline import WardPart
from pumpd.simulator.traits import PumpTraits


class ChannelStart(WardPart):
    """How one channel is when the ward opens."""

    rate: Flow | None = None
    """The rate that is set, such as 10.5 mL/h."""
    reservoir: Millilitres | None = None
    """What the syringe or bag holds, such as 50 mL; without it 50 mL, or what a smaller syringe can hold."""
    to_be_infused: Millilitres | None = None
    """The programmed volume, such as 40 mL; without one it runs until it is empty."""
    running: Flag = False
    """true when a person has started it already."""
    mains: Flag = True
    """false when it runs on its battery."""
    mechanism: MechanismSection | None = None
    """What moves the fluid; without it, just what the motor moves flows."""
    traits: TraitsSection = TraitsSection()
    """How the pump behaves."""

    def made_traits(self, seed: str) -> PumpTraits:
        """Return what it is like; the same ``seed`` draws the same."""
        return made_traits(self.mechanism, self.traits, seed)

    @model_validator(mode="after")
    def _can_be_set(self) -> ChannelStart:
        highest = self.traits.made().highest_rate_nl_h
        if self.rate is not None and self.rate.nl_per_h > highest:
            allowed = f"up to {highest / NL_PER_ML:g} mL/h"
            raise refused(f"it can not be set to {self.rate}", allowed, "lower it, or raise highest_rate")
        holds_nl = self.made_traits("").mechanism.holds_nl
        if self.reservoir is not None and 0 < holds_nl < self.reservoir.nl:
            raise refused(*too_much(self.reservoir.nl, holds_nl))
        return self


class DeviceSection(WardPart):
    """What is set on the device itself."""

    order: Order | None = None
    """abcd, cdab, badc or dcba, where the map reads the byte order from the pump."""
    units: dict[str, Whole] = Field(default_factory=dict)
    """Path of a number -> unit code, where the map reads the unit from the pump."""


class PumpSection(WardPart):
    """One simulated pump."""

    id: TopicId
    """Its name in the timeline and in what is printed."""
    unit: Whole | None = Field(default=None, ge=0, le=999)
    """Modbus unit, 1 to 247, or the address of a framed pump; without it the first that there is."""
    map: str
    """A register map, such as reference-pump, or a framed dialect, such as new-era."""
    serial_number: str = Field(pattern=r"^SIM-[A-Za-z0-9-]{1,60}$")
    """Begins with SIM-, so that nobody takes it for a real pump; such as SIM-0001."""
    firmware: str = Field(default="1.0", pattern=r"^[ -~]{0,8}$")
    """Up to 8 plain characters."""
    reply_time_ms: Number = Field(default=2, ge=0, le=10_000)
    """From the end of a request to the beginning of the reply, in milliseconds."""
    device: DeviceSection = DeviceSection()
    """What is set on the device."""
    channels: dict[str, ChannelStart] = Field(default_factory=dict)
    """Channel -> how it is at the beginning."""

    @field_validator("map")
    @classmethod
    def _known_map(cls, value: str) -> str:
        if value not in (known := (*installed_names(), *kinds())):
            raise refused(f"there is no register map '{value}'", ", ".join(known), "write one of these")
        return value

    @property
    def register_map(self) -> RegisterMap | None:
        """The map of a Modbus pump; None for a framed one."""
        return None if self.map in kinds() else installed_map(self.map)

    @property
    def addresses(self) -> range:
        """Every unit or address that such a pump can have."""
        kind = kinds().get(self.map)
        return kind.addresses if kind else range(LOWEST_UNIT, HIGHEST_UNIT + 1)

    @property
    def address(self) -> int:
        """Where it answers: its unit, or the first that there is."""
        return self.addresses[0] if self.unit is None else self.unit

    @property
    def serial_room(self) -> int:
        """How many characters it has for the serial number; 64 where its map shows none."""
        if self.register_map is None:
            return kinds()[self.map].serial_bytes
        field = self.register_map.identity.serial_number
        return 2 * field.length if field else 64

    @model_validator(mode="after")
    def _device_can_be_set(self) -> PumpSection:
        if self.address not in self.addresses:
            allowed = " to ".join(map(str, sorted({self.addresses[0], self.addresses[-1]})))
            raise refused(f"{self.map} has no unit {self.unit}", allowed, "write one of these, or none")
        register_map = self.register_map
        if register_map is None:
            if not re.fullmatch(kinds()[self.map].firmware, self.firmware):
                what = f"{self.map} can not tell firmware '{self.firmware}'"
                raise refused(what, "such as 1.0", "write one like it, or leave it out")
            if self.device != DeviceSection():
                raise refused(f"{self.map} has nothing to set on the device", "no device", "leave it out")
            return self
        order = register_map.order
        if self.device.order is not None:
            known = order.known() if isinstance(order, OrderField) else ()
            if self.device.order not in known:
                raise refused(
                    f"{self.map} does not read order {self.device.order} from the pump",
                    ", ".join(known) or "no order",
                    "leave order out",
                )
        places = dict(register_map.places())
        for path, code in self.device.units.items():
            unit = places.get(f"{path}.unit")
            if not isinstance(unit, UnitField) or code not in unit.codes:
                told = [name.removesuffix(".unit") for name in places if name.endswith(".unit")]
                allowed = ", ".join(map(str, unit.codes)) if isinstance(unit, UnitField) else ", ".join(told)
                raise refused(f"units: {path} can not be {code}", allowed or "nothing", "look into the map")
        return self

    @model_validator(mode="after")
    def _known_channels(self) -> PumpSection:
        known = channels_of(self.map)
        unknown = [name for name in self.channels if name not in known]
        if unknown:
            raise refused(f"{self.map} has no channel '{unknown[0]}'", ", ".join(known), "write one of these")
        return self
