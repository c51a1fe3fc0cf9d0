"""What one reading of one channel says, with how far each part of it can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, NewType, TypeVar

from pumpd.core.quantities import FlowRate, Volume

PumpId = NewType("PumpId", str)
"""The asset: unique on the site; holds no ``/ + #``."""
ChannelId = NewType("ChannelId", str)
"""One delivery channel of a pump; ``1`` where there is only one."""

Q = TypeVar("Q")


class PumpStatus(Enum):
    """What the pump says it does; an unknown code is UNKNOWN, never RUNNING."""

    __hash__ = object.__hash__  # each is one object, looked up many times in a reading

    RUNNING = "running"
    STOPPED = "stopped"
    """Stopped by a person or finished; no flow."""
    PAUSED = "paused"
    """Stopped in the middle of a programme."""
    PRIMING = "priming"
    FLUSHING = "flushing"
    BOLUS = "bolus"
    KVO = "kvo"
    """Keep-vein-open flow after the programmed volume."""
    STANDBY = "standby"
    ALARM = "alarm"
    """Stopped by an alarm of its own."""
    UNKNOWN = "unknown"
    """A code the register map or protocol sheet does not name."""

    @property
    def delivers(self) -> bool:
        """True when fluid should flow; UNKNOWN counts as delivering, the side that tells a person."""
        return self in _DELIVERING


_DELIVERING = frozenset(
    {
        PumpStatus.RUNNING,
        PumpStatus.PRIMING,
        PumpStatus.FLUSHING,
        PumpStatus.BOLUS,
        PumpStatus.KVO,
        PumpStatus.UNKNOWN,
    }
)


class PumpAlarm(Enum):
    """The alarms a pump can report of itself; a driver maps its codes onto these."""

    __hash__ = object.__hash__

    OCCLUSION = "occlusion"
    OCCLUSION_UPSTREAM = "occlusion-upstream"
    AIR = "air"
    EMPTY = "empty"
    DOOR = "door"
    NEAR_END = "near-end"
    END = "end"
    """The programmed volume is in."""
    BATTERY_LOW = "battery-low"
    BATTERY_DEPLETED = "battery-depleted"
    FAULT = "fault"
    """The pump's own malfunction."""
    OTHER = "other"
    """A code or bit that the map does not name: shown raw, never dropped."""


class Provenance(Enum):
    """Where a value comes from; REAL only if the configuration says so and no simulator answered."""

    REAL = "real"
    DEMO = "demo"


class Validity(Enum):
    """How far a measured value can be believed."""

    VALID = "valid"
    INVALID = "invalid"
    """Outside its declared range or not decodable: never shown as a number."""
    MISSING = "missing"
    """The pump has no such value, or sent its sentinel for "no value"."""


@dataclass(frozen=True, slots=True)
class Measured(Generic[Q]):
    """A value with its validity: ``value`` is None unless VALID; ``raw`` keeps what arrived when INVALID."""

    value: Q | None
    validity: Validity
    raw: str | None = None

    def __post_init__(self) -> None:
        if (self.value is not None) is not (self.validity is Validity.VALID):
            raise ValueError("a measured value is a value exactly when it is valid")

    @staticmethod
    def valid(value: Q) -> Measured[Q]:
        """Return a believable value."""
        return Measured(value, Validity.VALID)

    @staticmethod
    def invalid(raw: str) -> Measured[Q]:
        """Return a value that arrived but can not be believed; ``raw`` says what arrived."""
        return Measured(None, Validity.INVALID, raw)


MISSING: Final[Measured[object]] = Measured(None, Validity.MISSING)


def missing() -> Measured[Q]:
    """Return "no value"; one shared object, since it holds nothing of type Q."""
    return MISSING  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One coherent reading of one channel at one time: every part comes from one polling cycle."""

    pump: PumpId
    channel: ChannelId
    sequence: int
    """1, 2, 3 ... per channel and boot of the daemon."""
    taken_ns: int
    """Monotonic time at which the *first* question of the cycle was sent: a value is never younger."""
    span_ns: int
    """From there to the last reply of the cycle."""
    provenance: Provenance
    status: PumpStatus
    raw_status: str
    """The code as it arrived."""
    flow: Measured[FlowRate]
    """The flow the pump is delivering, as it says."""
    volume: Measured[Volume]
    """The pump's own counter of volume delivered."""
    set_flow: Measured[FlowRate] = field(default_factory=missing)
    """The flow set on the pump."""
    volume_to_be_infused: Measured[Volume] = field(default_factory=missing)
    """What of the programmed volume is still to come."""
    pressure_kpa_e1: Measured[int] = field(default_factory=missing)
    """Line pressure in tenths of a kilopascal."""
    battery_percent: Measured[int] = field(default_factory=missing)
    alarms: frozenset[PumpAlarm] = frozenset()
    raw_alarms: tuple[str, ...] = ()
    """Names or bits of alarms as they arrived, for OTHER and for the journal."""
