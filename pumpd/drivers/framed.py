"""What a driver of a framed dialect says of itself beside its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import PausableDriver
from pumpd.errors import DeviceRefusedError
from pumpd.protocols.wire import Dialect, Permission

ONE: Final = ChannelId("1")
"""The channel of a pump that has one."""


@dataclass(frozen=True, slots=True)
class Framed:
    """One framed driver; the fields are those of ``DriverSpec``."""

    dialect: Dialect
    build: Callable[[int], PausableDriver]
    """Make the driver of the pump at an address."""
    flow_step: FlowRate
    counter_step: Volume | None
    n_questions: int
    """How many questions one reading takes, and when no integrity check makes it ask once more, those too."""
    cycle_bytes: int
    """Bytes of one reading on the line, questions and answers."""
    controls: tuple[Permission, ...] = ()
    """What it may send besides reads."""
    channels: tuple[ChannelId, ...] = (ONE,)
    places: tuple[ChannelId, ...] = ()
    """Of a rack: every channel it can have; a configuration says which. Numbers above are those of one."""


def only_one(channel: ChannelId, model: str) -> None:
    """DeviceRefusedError unless ``channel`` is the one that such a pump has."""
    if channel != ONE:
        raise DeviceRefusedError(f"{model} has no channel {channel}")
