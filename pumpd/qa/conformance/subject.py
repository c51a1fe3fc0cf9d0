"""Who is judged: a driver, the ways its messages travel, and what a pump of its dialect can say."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from pumpd.core.telemetry import ChannelId, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.registry import DriverSpec
from pumpd.protocols.framing_mbap import MbapFramer, MbapServerFramer
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer
from pumpd.protocols.modbus import EXCEPTION_NAMES
from pumpd.protocols.registers import QUANTITIES, ChannelMap, RegisterMap
from pumpd.protocols.registers_codec import decoder, words_of, words_of_code
from pumpd.protocols.registers_fields import AlarmField, Code, NumberField, Order, StatusField, UnitField
from pumpd.protocols.registers_units import Quantity, half_up
from pumpd.protocols.wire import Dialect, Framer, ServerFramer
from pumpd.simulator.face import PumpFace, Sayings
from pumpd.simulator.framed_list import kinds
from pumpd.simulator.layout import DeviceSettings, Words
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.status_codes import quiet_code

MakeFace = Callable[[dict[str, PumpModel], str, str, Callable[[], int]], PumpFace]
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
    addressed: bool = False
    """True where the URL names the address of a framed pump."""

    def url_at(self, where: str) -> str:
        """Return the URL of unit 1 at ``host:port``, or at the path of a port."""
        options = [f"baud={self.baud}"] if self.baud else []
        options += ["address=1"] if self.addressed else []
        speed = f"?{'&'.join(options)}" if options else ""
        unit = "" if self.scheme == "tcp" else "/1"
        scheme = "serial" if self.scheme == "tcp" and where.startswith("/") else self.scheme
        return f"{scheme}://{where}{unit}{speed}"


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
class Subject:
    """A driver under judgement."""

    spec: DriverSpec
    framings: tuple[Framing, ...]
    channels: Mapping[ChannelId, Sayings]
    tells: frozenset[str]
    """Which of model, serial_number and firmware the pump tells."""
    refusals: tuple[int, ...]
    """Every code with which the protocol can refuse."""
    make_face: MakeFace | None
    """Makes the pump's end; None where no simulator of the dialect is installed."""


def subject_of(spec: DriverSpec, settings: DeviceSettings | None = None) -> Subject:
    """Return the driver with all that its register map or the simulator of its dialect says of the pump."""
    if spec.dialect is not None:
        return _of_dialect(spec, spec.dialect)
    assert spec.register_map is not None, "a driver has a register map or a dialect"
    return _of_map(spec, spec.register_map, settings or DeviceSettings())


def _of_dialect(spec: DriverSpec, dialect: Dialect) -> Subject:
    kind = kinds().get(dialect.name)
    server_framer = kind.server_framer if kind else _nobody
    framing = Framing(
        dialect.name, "tcp", dialect.framer, server_framer, baud=dialect.baud, addressed=dialect.addressed
    )
    said = kind.channels if kind else {}
    channels = {name: said[name] for name in spec.channels if name in said}
    tells = kind.tells if kind else frozenset()
    return Subject(spec, (framing,), channels, tells, dialect.refusals, kind.face if kind else None)


def _nobody() -> ServerFramer:
    raise LookupError("no simulator of this dialect is installed")


def _of_map(spec: DriverSpec, register_map: RegisterMap, settings: DeviceSettings) -> Subject:
    builder = FaceBuilder(register_map, settings)
    order = builder.layout.order
    return Subject(
        spec,
        MODBUS,
        {ChannelId(name): _sayings(name, channel, order) for name, channel in register_map.channels.items()},
        frozenset(path.removeprefix("identity.") for path in register_map.identity_places()),
        tuple(EXCEPTION_NAMES),
        partial(RegisterFace, builder),
    )


def _sayings(name: str, channel: ChannelMap, order: Order) -> Sayings:
    below = f"channels.{name}"
    odd_alarms = (
        _odd_alarm(f"{below}.alarms[{at}]", field, order) for at, field in enumerate(channel.alarms)
    )
    return Sayings(
        channel.status.named() - {PumpStatus.UNKNOWN},
        frozenset(alarm for field in channel.alarms for alarm in field.named()) - {PumpAlarm.OTHER},
        {part.replace("_", " "): _step(part, field) for part, field in channel.numbers()},
        _odd_status(f"{below}.status", channel.status, order),
        next(filter(None, odd_alarms), {}),
        _odd_flow(f"{below}.flow", channel.flow, order),
    )


def _step(part: str, field: NumberField) -> int:
    return max(half_up(field.step * QUANTITIES[part].units[unit]) for unit in _units(field))


def _units(field: NumberField) -> tuple[str, ...]:
    return tuple(field.unit.codes.values()) if isinstance(field.unit, UnitField) else (field.unit,)


def _odd_status(path: str, field: StatusField, order: Order) -> dict[str, Words]:
    """Return a status that the map does not name, in the first place that can show one."""
    shown: dict[str, Words] = {}
    for at, teller in enumerate(field.tellers()):
        its_path = path if teller is field else f"{path}.first[{at}]"
        odd = _odd_code(its_path, teller, teller.codes, order)
        if odd:
            return {**shown, **odd}
        shown[its_path] = words_of_code(teller, quiet_code(teller), order)
    return {}


def _odd_code(path: str, field: Code, codes: Container[int], order: Order) -> dict[str, Words]:
    """Return a code that the map does not name; nothing where every code has a name."""
    highest = (1 << (field.count or 1)) - 1 if field.function in {1, 2} else _HIGHEST_CODE
    if field.bit is not None:
        return {}
    odd = next((code for code in range(highest, 0, -1) if code not in codes), None)
    return {} if odd is None else {path: words_of_code(field, odd, order)}


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
