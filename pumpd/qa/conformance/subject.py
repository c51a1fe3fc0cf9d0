"""Who is judged: a driver, the ways its messages travel, and what a pump of its dialect can say."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pumpd.core.telemetry import ChannelId, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.registry import DriverSpec
from pumpd.protocols.framing_mbap import MbapFramer, MbapServerFramer
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer
from pumpd.protocols.modbus import EXCEPTION_NAMES
from pumpd.protocols.registers import QUANTITIES, ChannelMap
from pumpd.protocols.registers_codec import decoder, words_of
from pumpd.protocols.registers_fields import AlarmField, Code, NumberField, Order, UnitField
from pumpd.protocols.registers_units import Quantity, half_up
from pumpd.protocols.wire import Framer, ServerFramer
from pumpd.simulator.layout import DeviceSettings, Layout, Words

_FIRST_TRANSACTION: Final = 0x1234
_HIGHEST_CODE: Final = 0x7777
_HIGHEST: Final = {"u16": 0xFFFF, "i16": 0x7FFF, "u32": 0xFFFFFFFF, "i32": 0x7FFFFFFF, "f32": 0x7F7FFFFF}
"""The pattern of the greatest number of each type."""


@dataclass(frozen=True, slots=True)
class Framing:
    """One way in which the messages of a driver travel, seen from both ends."""

    name: str
    scheme: str
    framer: Callable[[], Framer]
    server_framer: Callable[[], ServerFramer]
    can_be_damaged: bool = True
    """False where the transport's own checksum keeps flipped bits away."""
    baud: int | None = None
    """Of the serial line; None where there is none."""

    def url_at(self, where: str) -> str:
        """Return the URL of unit 1 at ``host:port``, or at the path of a port."""
        speed = f"?baud={self.baud}" if self.baud else ""
        return f"{self.scheme}://{where}/1{speed}"


MODBUS: Final = (
    Framing(
        "modbus-tcp",
        "modbus-tcp",
        lambda: MbapFramer(_FIRST_TRANSACTION),
        MbapServerFramer,
        can_be_damaged=False,
    ),
    Framing("modbus-rtu", "modbus-rtu", RtuFramer, RtuServerFramer, baud=19200),
)


@dataclass(frozen=True, slots=True)
class Sayings:
    """What one channel of a pump can say."""

    statuses: frozenset[PumpStatus]
    alarms: frozenset[PumpAlarm]
    steps: Mapping[str, int]
    """Name of a number, as a card calls it -> its least difference in the counts of the core."""
    odd_status: Mapping[str, Any]
    """What to force on the simulated pump for a status that nobody has named; empty where there is none."""
    odd_alarm: Mapping[str, Any]
    """The same for an alarm."""
    odd_flow: Mapping[str, Any]
    """The same for a flow that can not be."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A driver under judgement."""

    spec: DriverSpec
    framings: tuple[Framing, ...]
    channels: Mapping[ChannelId, Sayings]
    tells: frozenset[str]
    """Which of model, serial_number and firmware the pump tells."""
    refusals: tuple[int, ...]
    """Every code with which the protocol can refuse."""


def subject_of(spec: DriverSpec) -> Subject:
    """Return the driver with all that its register map says of the pump."""
    register_map = spec.register_map
    order = Layout(register_map, DeviceSettings()).order
    return Subject(
        spec,
        MODBUS,
        {ChannelId(name): _sayings(name, channel, order) for name, channel in register_map.channels.items()},
        frozenset(path.removeprefix("identity.") for path in register_map.identity_places()),
        tuple(EXCEPTION_NAMES),
    )


def _sayings(name: str, channel: ChannelMap, order: Order) -> Sayings:
    below = f"channels.{name}"
    odd_alarms = (
        _odd_alarm(f"{below}.alarms[{at}]", field, order) for at, field in enumerate(channel.alarms)
    )
    return Sayings(
        frozenset(channel.status.codes.values()) - {PumpStatus.UNKNOWN},
        frozenset(alarm for field in channel.alarms for alarm in _named(field)) - {PumpAlarm.OTHER},
        {part.replace("_", " "): _step(part, field) for part, field in channel.numbers()},
        _odd_code(f"{below}.status", channel.status, channel.status.codes, order),
        next(filter(None, odd_alarms), {}),
        _odd_flow(f"{below}.flow", channel.flow, order),
    )


def _named(field: AlarmField) -> frozenset[PumpAlarm]:
    found = {*field.bits.values(), *field.codes.values(), field.alarm}
    return frozenset(alarm for alarm in found if alarm is not None)


def _step(part: str, field: NumberField) -> int:
    return max(half_up(field.step * QUANTITIES[part].units[unit]) for unit in _units(field))


def _units(field: NumberField) -> tuple[str, ...]:
    return tuple(field.unit.codes.values()) if isinstance(field.unit, UnitField) else (field.unit,)


def _odd_code(path: str, field: Code, codes: Container[int], order: Order) -> dict[str, Words]:
    """Return a code that the map does not name."""
    if field.type == "bit":
        return {}
    odd = next(code for code in range(_HIGHEST_CODE, 0, -1) if code not in codes)
    return {path: words_of(odd, field.width, order)}


def _odd_alarm(path: str, field: AlarmField, order: Order) -> dict[str, Words]:
    if field.codes:
        return _odd_code(path, field, field.codes, order)
    free = [bit for bit in range(16 * field.width) if bit not in {*field.bits, *field.no_alarm_bits}]
    return {path: words_of(1 << free[-1], field.width, order)} if field.bits and free else {}


def _odd_flow(path: str, field: NumberField, order: Order) -> dict[str, Words]:
    """Return a pattern whose flow is above the range; nothing where every pattern is a flow that can be."""
    decode = decoder(field, Quantity.FLOW, _units(field)[0])
    highest = _HIGHEST[field.type]
    for pattern in range(highest, highest - 1 - len(field.no_value), -1):
        if decode(pattern).validity is Validity.INVALID:
            return {path: words_of(pattern, field.width, order)}
    return {}
