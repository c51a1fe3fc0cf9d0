"""Readings for the tests of the history."""

from __future__ import annotations

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry, missing
from pumpd.store.base import HistoryRow
from tests.store.lines import CHANNEL, PUMP, T0_MS


def row(
    n: int,
    *,
    at_ms: int | None = None,
    flow_nl_h: int | None = 10_000_000,
    pump: PumpId = PUMP,
    channel: ChannelId = CHANNEL,
    provenance: Provenance = Provenance.DEMO,
    dose: float | None = 0.25,
    dose_unit: str = "mg/kg/h",
    label: str = "",
) -> HistoryRow:
    """Reading ``n`` of a pump at 1 Hz; a flow of None arrived but can not be believed."""
    flow: Measured[FlowRate] = (
        Measured.invalid("0xFFFF") if flow_nl_h is None else Measured.valid(FlowRate(flow_nl_h))
    )
    reading = Telemetry(
        pump=pump,
        channel=channel,
        sequence=n + 1,
        taken_ns=n * 1_000_000_000,
        span_ns=20_000_000,
        provenance=provenance,
        status=PumpStatus.RUNNING,
        raw_status="2",
        flow=flow,
        volume=Measured.valid(Volume(n * 2_778)),
        set_flow=Measured.valid(FlowRate(10_000_000)),
        pressure_kpa_e1=Measured.valid(312),
        battery_percent=missing(),
    )
    at_ms = T0_MS + n * 1000 if at_ms is None else at_ms
    return HistoryRow(at_ms, "ward-1", reading, dose, dose_unit, label)
