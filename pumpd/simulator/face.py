"""A simulated pump as the wire sees it, whatever its dialect: a request in, a reply out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pumpd.brought import SIMULATORS, Brought, brought
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.protocols.wire import ServerFramer
from pumpd.simulator.model import PumpModel


class PumpFace(ABC):
    """One simulated pump: its channels, what it calls itself, and the time that has passed for it."""

    def __init__(
        self, models: dict[str, PumpModel], texts: dict[str, str], now_ns: Callable[[], int]
    ) -> None:
        """Make it; ``texts`` holds serial_number, firmware and model.

        ValueError unless the serial number says "simulated".
        """
        if not texts["serial_number"].startswith("SIM-"):
            serial_number = texts["serial_number"]
            raise ValueError(f"serial number {serial_number!r}: a simulated pump's begins with SIM-")
        self.models = models
        self.texts = texts
        self.forced: dict[str, Any] = {}
        """What is shown instead of the model's own, to show what a pump should never say."""
        self.beside: Mapping[int, PumpFace] = {}
        """All pumps of its line by their units, itself among them; the first answers for the whole."""
        self._now_ns = now_ns
        self._last_ns = now_ns()

    @property
    def answers(self) -> bool:
        """False while the pump is switched off."""
        return any(model.powered for model in self.models.values())

    def catch_up(self) -> None:
        """Let the time pass that has passed since the last look."""
        now_ns = self._now_ns()
        elapsed_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if not elapsed_ns:
            return
        for model in self.models.values():
            model.advance(elapsed_ns)

    @abstractmethod
    def answer(self, payload: bytes) -> bytes:
        """Return the reply to a request's payload; WireError when it is nothing that the pump answers."""

    @abstractmethod
    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of a request with ``code``, whatever the pump would have answered."""


@dataclass(frozen=True, slots=True)
class Sayings:
    """What one channel of a pump can say."""

    statuses: frozenset[PumpStatus]
    alarms: frozenset[PumpAlarm]
    steps: Mapping[str, int]
    """Name of a number, as a card calls it -> its least difference in the counts of the core."""
    odd_status: Mapping[str, Any]
    """What to force on the face for a status that nobody has named; empty where there is none."""
    odd_alarm: Mapping[str, Any]
    """The same for an alarm."""
    odd_flow: Mapping[str, Any]
    """The same for a flow that can not be."""


@dataclass(frozen=True, slots=True)
class SimulatedKind:
    """The pump's end of a framed dialect."""

    dialect: str
    """The ``Dialect.name`` that it answers to."""
    server_framer: Callable[[], ServerFramer]
    face: Callable[[dict[str, PumpModel], str, str, Callable[[], int]], PumpFace]
    """Make a face: models by channel, serial number, firmware, the time in nanoseconds."""
    channels: Mapping[str, Sayings]
    tells: frozenset[str]
    """Which of model, serial_number and firmware the pump tells."""
    rack: bool = False
    """True where ``channels`` are places for pumps: there are those that somebody names, or the first."""
    addresses: range = range(1, 100)
    """``Dialect.addresses``: a ward's pump can have these, and has the first where the ward names none."""
    serial_bytes: int = 64
    """How many characters of a serial number its replies have room for."""
    firmware: str = "[ -~]{0,8}"
    """How a firmware looks that its replies can hold, as a regular expression."""


@cache
def brought_kinds() -> Brought[SimulatedKind]:
    """Return the simulated pumps that other packages bring, by their dialect."""
    return brought(SIMULATORS, lambda loaded: iter([_kind(loaded)]), set())


def _kind(loaded: object) -> tuple[str, SimulatedKind]:
    if not isinstance(loaded, SimulatedKind):
        raise TypeError(f"it names a {type(loaded).__name__}, not a SimulatedKind")
    return loaded.dialect, loaded
