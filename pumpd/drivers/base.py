"""What a driver is: a page that says what replies mean. It holds no bytes and no physics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus, missing
from pumpd.protocols.wire import Request

R = TypeVar("R")


class Conversation(Protocol):
    """The one thing a driver may do with a wire: ask a question and get its typed answer."""

    async def ask(self, request: Request[R]) -> R:
        """Return the reply.

        TransportError, WireError (LinkTimeoutError) or DeviceRefusedError; ForbiddenFrameError when the
        outgoing filter held the frame back.
        """
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered; an empty string where the pump can not tell."""

    make: str
    model: str
    serial_number: str
    firmware: str = ""

    @property
    def simulated(self) -> bool:
        """True when a simulator answered: its serial numbers begin with ``SIM-``."""
        return self.serial_number.startswith("SIM-")


@dataclass(frozen=True, slots=True)
class ChannelReading:
    """What one channel said in one cycle; the session adds pump, times, sequence and provenance."""

    channel: ChannelId
    status: PumpStatus
    raw_status: str
    flow: Measured[FlowRate]
    volume: Measured[Volume]
    set_flow: Measured[FlowRate] = field(default_factory=missing)
    volume_to_be_infused: Measured[Volume] = field(default_factory=missing)
    pressure_kpa_e1: Measured[int] = field(default_factory=missing)
    battery_percent: Measured[int] = field(default_factory=missing)
    alarms: frozenset[PumpAlarm] = frozenset()
    raw_alarms: tuple[str, ...] = ()


class Driver(Protocol):
    """One pump model at one address of one line."""

    async def identify(self, line: Conversation) -> Identity:
        """Ask who is there; called after every connect, before any reading counts."""
        ...

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read every channel once; all parts of a channel come from this cycle."""
        ...


class TurnTaking(Conversation, Protocol):
    """A conversation that can also read and write in one turn of its line."""

    async def lower(
        self,
        reading: Request[R],
        decide: Callable[[R], Request[None] | None],
        on_written: Callable[[], None],
    ) -> bool:
        """Ask ``reading`` and at once write what ``decide`` makes of its reply; True if it wrote any.

        Nothing comes in between, nothing unanswered is about, neither half is repeated. ``on_written`` is
        called at the moment of the write: an error after it may mean that the pump obeyed. Raises as ``ask``.
        """
        ...


@runtime_checkable
class PausableDriver(Driver, Protocol):
    """A driver whose pump can be stopped over the wire. There is no start, bolus or raise to implement."""

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop delivery of one channel; DeviceRefusedError when the pump says no. Read back to be sure."""
        ...


@runtime_checkable
class LoweringDriver(Driver, Protocol):
    """A driver that can set a running pump to a lower rate, in the turn of a fresh reading (invariant 1)."""

    async def lower_rate(
        self, line: TurnTaking, channel: ChannelId, to: FlowRate, on_written: Callable[[], None]
    ) -> FlowRate | None:
        """Set one channel to ``to``, rounded down to the pump's step; return the rate that was written.

        None, and nothing written, when a fresh reading shows that it does not deliver or is set no higher.
        DeviceRefusedError when it delivers otherwise than RUNNING, its rate can not be known, or the pump
        says no. Read back to be sure.
        """
        ...
