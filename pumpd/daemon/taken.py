"""One reading of one channel, as it goes through the daemon."""

from __future__ import annotations

from pumpd.core.telemetry import Telemetry
from pumpd.daemon.seams import LivePump
from pumpd.drivers.base import ChannelReading


def telemetry_of(live: LivePump, reading: ChannelReading, taken_ns: int, span_ns: int) -> Telemetry:
    """Return what ``live`` holds from here on: the reading of one channel, and when it was taken."""
    setup = live.state.setup
    return Telemetry(
        pump=setup.pump,
        channel=setup.channel,
        sequence=live.sequence + 1,
        taken_ns=taken_ns,
        span_ns=span_ns,
        provenance=setup.provenance,
        status=reading.status,
        raw_status=reading.raw_status,
        flow=reading.flow,
        volume=reading.volume,
        set_flow=reading.set_flow,
        volume_to_be_infused=reading.volume_to_be_infused,
        pressure_kpa_e1=reading.pressure_kpa_e1,
        battery_percent=reading.battery_percent,
        alarms=reading.alarms,
        raw_alarms=reading.raw_alarms,
    )
