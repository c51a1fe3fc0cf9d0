"""Whether a fresh reading lets a lower rate be written (invariant 1); the same for every driver."""

from __future__ import annotations

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpStatus
from pumpd.drivers.base import ChannelReading
from pumpd.errors import DeviceRefusedError


def must_lower(reading: ChannelReading, to: FlowRate) -> bool:
    """Return whether ``to``, on the pump's own grid, is below what a running pump is set to.

    False when it does not deliver or is set no higher: a hand was quicker. DeviceRefusedError when that can
    not be known, or when it delivers otherwise than RUNNING, where a set rate is not what flows.
    """
    status, present = reading.status, reading.set_flow.value
    if not status.delivers:
        return False
    if status is not PumpStatus.RUNNING:
        raise DeviceRefusedError(f"it is {status.value}: only a running pump is set to a lower rate")
    if present is None:
        raise DeviceRefusedError(f"the rate it is set to is {reading.set_flow.validity.value}; use the pump")
    if present <= to:
        return False
    if to.nl_per_h == 0:
        raise DeviceRefusedError("the limit is below the least rate that it can be set to; use the pump")
    return True
