"""Every driver by its name: what a configuration may write after ``driver:``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from types import MappingProxyType

from pumpd.brought import DRIVERS, Brought, brought, yaml_texts
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import PausableDriver
from pumpd.drivers.card import Card, load_card
from pumpd.drivers.framed import Framed
from pumpd.drivers.framed_list import FRAMED
from pumpd.drivers.register_map import CompiledMap, RegisterMapDriver, control_points
from pumpd.protocols.maps import brought_maps, installed_map, shipped_map
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_fields import NumberField, UnitField
from pumpd.protocols.registers_units import Quantity, half_up
from pumpd.protocols.wire import Dialect, Permission
from pumpd.transports.outgoing import Control

CARDS = "cards"


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """One driver: its card, what it offers, and how to make one for a pump."""

    card: Card
    channels: tuple[ChannelId, ...]
    pausable: frozenset[ChannelId]
    """Channels that can be stopped over the wire."""
    flow_step: FlowRate
    """The least difference in flow that the pump tells."""
    counter_step: Volume | None
    """The least difference in volume that the pump's counter tells; None when it tells none."""
    n_questions: int
    """How many questions one reading takes."""
    cycle_rtu_bytes: int
    """Bytes of one reading on a serial line, questions and answers."""
    build: Callable[[int], PausableDriver]
    """Make the driver of the pump at a unit address."""
    controls: tuple[Control, ...]
    """Every write that the driver can make: the list of the outgoing filter."""
    lowerable: frozenset[ChannelId] = frozenset()
    """Channels whose rate can be lowered over the wire."""
    register_map: RegisterMap | None = None
    """The map that a Modbus driver reads by."""
    dialect: Dialect | None = None
    """What the driver of a framed dialect speaks."""
    places: tuple[ChannelId, ...] = ()
    """Of a rack: every channel that it can have. A configuration says which; without it has ``channels``."""

    def __post_init__(self) -> None:
        """Refuse a driver that says not how it speaks, or says it twice."""
        if (self.register_map is None) is (self.dialect is None):
            raise ValueError(f"driver {self.name}: it has either a register map or a dialect")

    @property
    def name(self) -> str:
        """What a configuration calls it."""
        return self.card.driver

    @property
    def upkeep(self) -> tuple[Control, ...]:
        """What keeps a session up and changes nothing else: so much may who only reads send, too."""
        return tuple(control for control in self.controls if control is Permission.LINK)

    def watching(self, channels: tuple[ChannelId, ...]) -> DriverSpec:
        """Return the driver of a rack with pumps in these places; of any other pump, and for none, itself."""
        if not (self.places and channels):
            return self
        many = len(channels)
        questions, cycle_bytes = many * self.n_questions, many * self.cycle_rtu_bytes
        return replace(self, channels=channels, n_questions=questions, cycle_rtu_bytes=cycle_bytes)

    def address(self, unit: int | None) -> int:
        """Return where its pump is, from the unit or address that a URL names, if any."""
        return unit if unit is not None else self.dialect.addresses[0] if self.dialect else 1

    def place(self, line: str, unit: int) -> str:
        """Return what people call the place of its pump: the line, and who on it where that can be told."""
        if self.dialect is None:
            return f"{line}, unit {unit}"
        return f"{line}, address {unit}" if self.dialect.addressed else line


def of_register_map(card: Card, register_map: RegisterMap) -> DriverSpec:
    """Return the driver that reads by ``register_map``."""
    compiled = CompiledMap(register_map)
    channels = register_map.channels
    counter_nl = _coarsest(Quantity.VOLUME, [c.volume for c in channels.values() if c.volume is not None])
    return DriverSpec(
        card=card,
        channels=tuple(ChannelId(name) for name in channels),
        pausable=frozenset(ChannelId(name) for name, channel in channels.items() if channel.pause),
        flow_step=FlowRate(max(1, _coarsest(Quantity.FLOW, [c.flow for c in channels.values()]))),
        counter_step=Volume(counter_nl) if counter_nl else None,
        n_questions=len(compiled.reading_plan.reads),
        cycle_rtu_bytes=compiled.reading_plan.rtu_bytes,
        build=lambda unit: RegisterMapDriver(compiled, unit),
        controls=control_points(register_map),
        lowerable=frozenset(ChannelId(name) for name, channel in channels.items() if channel.lower),
        register_map=register_map,
    )


def of_framed(card: Card, framed: Framed) -> DriverSpec:
    """Return the driver of a framed dialect under its card."""
    return DriverSpec(
        card=card,
        channels=framed.channels,
        pausable=frozenset(framed.channels) if Permission.PAUSE in framed.controls else frozenset(),
        flow_step=framed.flow_step,
        counter_step=framed.counter_step,
        n_questions=framed.n_questions,
        cycle_rtu_bytes=framed.cycle_bytes,
        build=framed.build,
        controls=framed.controls,
        lowerable=frozenset(framed.channels) if Permission.LOWER in framed.controls else frozenset(),
        dialect=framed.dialect,
        places=framed.places,
    )


def _coarsest(quantity: Quantity, fields: Iterable[NumberField]) -> int:
    """Return the coarsest step in which a channel tells a quantity, in its finest unit; 0 without any."""
    coarsest = 0
    for field in fields:
        for name in field.unit.codes.values() if isinstance(field.unit, UnitField) else [field.unit]:
            coarsest = max(coarsest, half_up(field.step * quantity.units[name]))
    return coarsest


@cache
def shipped() -> Mapping[str, DriverSpec]:
    """Return the drivers that ship with pumpd, by name: one for each card."""
    cards = resources.files(__package__).joinpath(CARDS)
    specs: dict[str, DriverSpec] = {}
    for file in sorted(cards.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".yaml"):
            continue
        card = load_card(file.read_text(encoding="utf-8"), file.name)
        framed = FRAMED.get(card.driver)
        specs[card.driver] = (
            of_framed(card, framed) if framed else of_register_map(card, shipped_map(card.register_map))
        )
    return MappingProxyType(specs)


@cache
def brought_drivers() -> Brought[DriverSpec]:
    """Return the drivers that other packages bring."""
    return brought(DRIVERS, _drivers, set(shipped()))


def installed() -> Mapping[str, DriverSpec]:
    """Return all drivers of this installation by name, the shipped ones first."""
    return MappingProxyType({**shipped(), **brought_drivers().found})


def faults() -> Mapping[str, str]:
    """Return which packages bring drivers or maps that can not be used, and why."""
    return MappingProxyType({**brought_maps().faults, **brought_drivers().faults})


def find(name: str) -> DriverSpec:
    """Return the driver called ``name``, shipped or brought; KeyError names the known ones."""
    if name in shipped():
        return shipped()[name]
    specs = installed()
    if name not in specs:
        raise KeyError(f"no driver {name!r}; known are {', '.join(specs)}")
    return specs[name]


def _drivers(loaded: object) -> Iterator[tuple[str, DriverSpec]]:
    if isinstance(loaded, DriverSpec):
        yield loaded.name, loaded
        return
    for file, text in yaml_texts(loaded):
        card = load_card(text, file)
        yield card.driver, of_register_map(card, installed_map(card.register_map))
