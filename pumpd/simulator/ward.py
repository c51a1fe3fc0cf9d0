"""A simulated ward as a file: its lines, its pumps, and what happens when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from pumpd.core.quantities import NL_PER_ML
from pumpd.document import DocPath, Document, read_document
from pumpd.document_check import check, in_order
from pumpd.errors import ConfigError, Problem
from pumpd.fields import Flag, Flow, Millilitres, Number, TopicId, Whole, refused
from pumpd.protocols.maps import installed_map, installed_names
from pumpd.protocols.modbus import HIGHEST_UNIT, LOWEST_UNIT
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_fields import Order, OrderField, UnitField
from pumpd.simulator.acts import impossible, too_much
from pumpd.simulator.framed_list import channels_in, channels_of, kinds
from pumpd.simulator.mechanism_section import MechanismSection, TraitsSection, made_traits
from pumpd.simulator.timeline import TimelineEvent, WardPart
from pumpd.simulator.traits import PumpTraits
from pumpd.transports.url import Framing, PumpUrl, parse_url

_TOLD_NAMES = 20
"""How many of a ward's pumps an error names."""


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
        """How many characters its map has for the serial number; 64 where it shows none."""
        if self.register_map is None:
            return 64
        field = self.register_map.identity.serial_number
        return 2 * field.length if field else 64

    @model_validator(mode="after")
    def _device_can_be_set(self) -> PumpSection:
        if self.address not in self.addresses:
            allowed = " to ".join(map(str, sorted({self.addresses[0], self.addresses[-1]})))
            raise refused(f"{self.map} has no unit {self.unit}", allowed, "write one of these, or none")
        register_map = self.register_map
        if register_map is None:
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


class LineSection(WardPart):
    """Pumps that share a connection or cable."""

    listen: str
    """modbus-tcp://HOST:PORT (0: a free port), modbus-rtu://HOST:PORT or modbus-rtu:///PATH?baud=19200.

    Framed pumps: tcp://HOST:PORT or serial:///PATH?baud=19200.
    """
    repeat: Whole = Field(default=1, ge=1, le=10_000)
    """Copies of this line on the ports that follow; ids and serial numbers get -1, -2 ..."""
    pumps: tuple[PumpSection, ...]
    """Who answers there."""

    @field_validator("listen")
    @classmethod
    def _place(cls, value: str) -> str:
        try:
            listening(value)
        except ValueError as error:
            raise refused(
                str(error),
                "modbus-tcp://HOST:PORT, modbus-rtu://HOST:PORT or modbus-rtu:///PATH?baud=19200",
                "write listen: modbus-tcp://127.0.0.1:5021",
            ) from None
        return value

    @model_validator(mode="after")
    def _a_cable_is_one(self) -> LineSection:
        if self.repeat > 1 and listening(self.listen).settings is not None:
            raise refused("a serial line can not be repeated", "repeat with HOST:PORT", "write each line out")
        for pump in self.pumps:
            room = pump.serial_room - (len(str(self.repeat)) + 1 if self.repeat > 1 else 0)
            if len(pump.serial_number) > room:
                raise refused(
                    f"serial number {pump.serial_number} is too long", f"{room} characters", "shorten it"
                )
        framed = listening(self.listen).framing is Framing.DIALECT
        spoken = {pump.map if pump.register_map is None else "" for pump in self.pumps}
        if spoken and (len(spoken) > 1 or bool(*spoken) is not framed):
            allowed = "maps on modbus-tcp:// or modbus-rtu://, one framed dialect on tcp:// or serial://"
            raise refused("pumps and line do not speak alike", allowed, "change listen, or the map")
        units = [pump.address for pump in self.pumps]
        if len(set(units)) != len(units):
            raise refused("two pumps of this line have the same unit", "each unit once", "change one unit")
        return self


class Ward(WardPart):
    """A whole simulated ward."""

    seed: Whole = 1
    """Every choice of chance comes from it."""
    lines: tuple[LineSection, ...] = Field(min_length=1)
    """Connections and cables."""
    timeline: tuple[TimelineEvent, ...] = ()
    """What happens when."""


def listening(listen: str) -> PumpUrl:
    """Return where a line listens; ValueError says what is wrong. Port 0 comes out as port 0."""
    base, mark, options = listen.partition("?")
    free = base.endswith(":0")
    unit = "" if base.startswith(("serial:", "tcp:")) else "/1"
    place = parse_url(f"{base[:-1] + '1' if free else base}{unit}{mark}{options}")
    if place.com_port is not None:
        raise ValueError("a simulated pump is no serial server that sets its port; listen without rfc2217")
    if not free:
        return place
    return PumpUrl(
        listen, place.framing, f"{place.host}:0", place.unit, place.settings, place.host, 0, place.baud
    )


def load_ward(file: Path) -> Ward:
    """Return the ward in ``file``; ConfigError names every problem at once, each with its line."""
    document = read_document(file)
    checked = check(document, Ward)
    problems = list(checked.problems)
    if checked.model is not None and not problems:
        problems += _cross_checks(document, checked.model, checked.place)
    if problems or checked.model is None:
        raise ConfigError(in_order(problems))
    return checked.model


def copy_name(name: str, copy_index: int, copies_count: int) -> str:
    """Return what the copy of a repeated line calls a pump or a serial number."""
    return f"{name}-{copy_index + 1}" if copies_count > 1 else name


def _cross_checks(document: Document, ward: Ward, place: Callable[[DocPath], DocPath]) -> Iterator[Problem]:
    sections: dict[str, PumpSection] = {}
    for number, line in enumerate(ward.lines):
        if not line.pumps:
            here = place(("lines", number, "pumps"))
            yield document.problem(
                here, "no pump on this line", "at least one pump", "add one, or drop the line"
            )
        for at, pump in enumerate(line.pumps):
            names = {copy_name(pump.id, copy_index, line.repeat): pump for copy_index in range(line.repeat)}
            if twice := sections.keys() & names.keys():
                here = place(("lines", number, "pumps", at))
                what = f"{min(twice)} stands twice"
                yield document.problem((*here, "id"), what, "each id once", "rename one of them")
            sections |= names
    for number, event in enumerate(ward.timeline):
        yield from timeline_problems(document, place(("timeline", number)), event, sections)


def timeline_problems(
    document: Document, here: DocPath, event: TimelineEvent, pumps: Mapping[str, PumpSection]
) -> Iterator[Problem]:
    """Yield why the event at ``here`` can not happen to the ``pumps`` of a ward."""
    section = pumps.get(event.pump)
    if section is None:
        near = get_close_matches(event.pump, pumps, n=1)
        known = ", ".join(list(pumps)[:_TOLD_NAMES]) + (" ..." if len(pumps) > _TOLD_NAMES else "")
        remedy = f"did you mean {near[0]}?" if near else "write one of these"
        yield document.problem((*here, "pump"), f"there is no pump {event.pump}", known, remedy)
        return
    if event.channel not in (channels := channels_in(section.map, section.channels)):
        known = ", ".join(channels)
        what = f"{event.pump} has no channel {event.channel}"
        yield document.problem((*here, "channel"), what, known, "write one of these")
    start = section.channels.get(event.channel, ChannelStart())
    yield from event_problems(document, here, event, start, section.register_map)


def event_problems(
    document: Document,
    here: DocPath,
    event: TimelineEvent,
    start: ChannelStart,
    register_map: RegisterMap | None,
) -> Iterator[Problem]:
    """Yield what the event at ``here`` asks of a channel that such a pump does not have."""
    if problem := impossible(event, start.made_traits("")):
        yield document.problem((*here, "action"), *problem)
    places = dict(register_map.places()) if register_map else {}
    if event.path is not None and event.path not in places:
        yield document.problem(
            (*here, "path"),
            f"{event.path} is no place of the map",
            ", ".join(places),
            "write one of these",
        )
    elif event.path and event.words is not None and len(event.words) != places[event.path].width:
        width = places[event.path].width
        yield document.problem(
            (*here, "words"), f"{len(event.words)} words", f"{width} words", "give as many as the map has"
        )
