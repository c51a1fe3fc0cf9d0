"""Payloads as a daemon would publish them, with everything a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, cast

from pumpd.contract.payloads import (
    AlarmPart,
    LimitsPart,
    LinkPart,
    NodeStatusPayload,
    ProgrammePart,
    ReadingPart,
    RestraintPart,
    SnapshotPayload,
    TelemetryPayload,
)
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId

SITE, NODE, BOOT = "clinic", "ward-a", "b00t0001"
AT = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)

KETAMINE = ProgrammePart(
    drug="ketamine",
    concentration="2 mg/mL",
    care_area="pain-clinic",
    weight_kg="70",
    dose_min="0.1",
    dose_max="0.5",
    dose_unit="mg/kg/h",
    volume_ml="50",
    duration_s=7200,
)
KETAMINE_LIMITS = LimitsPart(
    unit="mg/kg/h",
    soft_min="0.1",
    soft_max="0.5",
    hard_min="0.05",
    hard_max="1",
    hard_max_flow_ml_h="35",
    soft_max_flow_ml_h="17.5",
    soft_min_flow_ml_h="3.5",
    ceiling_ml_h="60",
)


def reading(pump: str = "PUMP-01", *, seq: int = 1, age_ms: int = 100, **fields: Any) -> ReadingPart:
    """Return a reading of a running pump."""
    values: dict[str, Any] = {
        "status": "running",
        "flow_ml_h": "10.5",
        "set_flow_ml_h": "10.5",
        "volume_ml": "12.4",
        "vtbi_ml": "21",
        "dose": "0.3",
        "battery_percent": 80,
        "provenance": "demo",
    }
    return ReadingPart(pump=pump, channel="1", seq=seq, age_ms=age_ms, **{**values, **fields})


def alarm(
    condition: ConditionId,
    *,
    signal: Literal["off", "on", "latched", "acknowledged"] = "on",
    measured: str = "",
    allowed: str = "",
    revision: int = 1,
    since: datetime = AT,
    **fields: Any,
) -> AlarmPart:
    """Return an alarm in the catalogue's words."""
    entry = CATALOGUE[condition]
    return AlarmPart(
        condition=condition.value,
        priority=cast('Literal["LOW", "MEDIUM", "HIGH"]', entry.priority.name),
        signal=signal,
        revision=revision,
        since=since,
        title=entry.title.format(measured=measured, allowed=allowed),
        action=entry.action.format(measured=measured, allowed=allowed),
        measured=measured,
        allowed=allowed,
        audience=entry.audience.value,
        **fields,
    )


def snapshot(pump: str = "PUMP-01", *, seq: int = 1, sent_ms: int = 1000, **fields: Any) -> SnapshotPayload:
    """Return the whole picture of a pump in a demo."""
    values: dict[str, Any] = {
        "node": NODE,
        "boot_id": BOOT,
        "at": AT,
        "channel": "1",
        "bed": pump.rpartition("-")[2].lstrip("0"),
        "ward": "pain-clinic",
        "label": "B.K.",
        "provenance": "demo",
        "freshness": "fresh",
        "stale_after_ms": 5000,
        "lost_after_ms": 10_000,
        "flow_step_ml_h": "0.1",
        "reading": reading(pump, seq=seq),
        "programme": KETAMINE,
        "limits": KETAMINE_LIMITS,
        "alarms": [],
        "restraint": RestraintPart(
            may_pause=True,
            enforcement="pause",
            library_signed=True,
            library_allows="pause",
            pause_proven=True,
            phase="idle",
        ),
        "link": LinkPart(
            state="up",
            driver="reference-pump",
            verified="simulator",
            url="modbus-tcp://127.0.0.1:5021/1",
            round_trip_ms=4.2,
        ),
        "library_version": "7",
        "library_sha256": "9f2c11d47a5b",
    }
    return SnapshotPayload(pump=pump, seq=seq, sent_ms=sent_ms, **{**values, **fields})


def telemetry(
    *readings: ReadingPart, seq: int = 1, sent_ms: int = 1000, boot: str = BOOT
) -> TelemetryPayload:
    """Return readings that travel together."""
    return TelemetryPayload(node=NODE, boot_id=boot, seq=seq, sent_ms=sent_ms, readings=list(readings))


def status(state: Literal["online", "offline", "lost"] = "online", **fields: Any) -> NodeStatusPayload:
    """Return what a node says of itself."""
    values: dict[str, Any] = {
        "boot_id": BOOT,
        "version": "0.1.0",
        "at": AT,
        "library_version": "7",
        "library_sha256": "9f2c11d47a5b",
        "library_signed_for": ["demo"],
        "pumps": ["PUMP-01/1"],
    }
    return NodeStatusPayload(node=NODE, state=state, **{**values, **fields})
