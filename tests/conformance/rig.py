"""The rig of the conformance suite, for tests that ask more of one driver than the suite does."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from pumpd.drivers.registry import DriverSpec, of_register_map
from pumpd.protocols.registers import RegisterMap
from pumpd.qa.conformance import rig as packaged
from pumpd.qa.conformance.subject import MODBUS, subject_of
from pumpd.simulator.layout import DeviceSettings

FRAMINGS = {framing.name: framing for framing in MODBUS}


def rig(
    spec: DriverSpec, framing: str, settings: DeviceSettings | None = None
) -> AbstractAsyncContextManager[packaged.Rig]:
    """Put the driver at unit 1 of a line with two simulated pumps."""
    return packaged.rig(subject_of(spec, settings), FRAMINGS[framing])


def with_card_of(spec: DriverSpec, register_map: RegisterMap) -> DriverSpec:
    """Return the driver of another map, under a shipped card."""
    return of_register_map(spec.card, register_map)
