"""The pumps that a house owns: by them it is told who answers at a port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pumpd.core.telemetry import PumpId
from pumpd.drivers.base import Identity


@dataclass(frozen=True, slots=True)
class FleetPump:
    """One pump of the house."""

    asset: PumpId
    """The asset number: what the configuration calls the pump."""
    make: str
    """For people only: drivers and labels spell makes in many ways."""
    model: str
    """As the pump tells it."""
    serial_number: str
    firmware: str = ""
    """For people only, too; empty where nobody wrote it down."""

    def __str__(self) -> str:
        """Return what is known of it, in one line."""
        return " ".join(part for part in (self.make, self.model, self.serial_number, self.firmware) if part)

    @property
    def mark(self) -> tuple[str, str]:
        """What tells it from every other pump: two makers may give one serial number."""
        return self.model, self.serial_number


class Fleet:
    """Every pump of the house; what the file says anew can be taken up while the daemon runs."""

    def __init__(self, pumps: Iterable[FleetPump]) -> None:
        self._pumps = {pump.asset: pump for pump in pumps}
        self._by_mark = {pump.mark: pump for pump in self._pumps.values()}

    @property
    def pumps(self) -> tuple[FleetPump, ...]:
        """All of them, as they stand in the file."""
        return tuple(self._pumps.values())

    def of(self, asset: PumpId) -> FleetPump | None:
        """Return the pump with this asset number."""
        return self._pumps.get(asset)

    def who(self, found: Identity) -> FleetPump | None:
        """Return which pump answered; None when it is none of these, or can not tell who it is.

        Where a pump tells no model, its serial number must be that of one pump alone.
        """
        if found.model or not found.serial_number:
            return self._by_mark.get((found.model, found.serial_number))
        same = [pump for pump in self._pumps.values() if pump.serial_number == found.serial_number]
        return same[0] if len(same) == 1 else None

    def changes(self, other: Fleet) -> list[str]:
        """Return in words what ``other`` says of pumps that is not said here, asset number first."""
        assets = {**self._pumps, **other._pumps}
        told = [(asset, self.of(asset), other.of(asset)) for asset in assets]
        return [
            f"{asset}: {before or 'not there'} -> {after or 'not there'}"
            for asset, before, after in told
            if before != after
        ]

    def take_up(self, other: Fleet) -> None:
        """From here on hold the pumps of ``other``."""
        self._pumps, self._by_mark = other._pumps, other._by_mark
