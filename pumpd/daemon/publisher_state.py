"""What stands on the retained topics, worked out from present state: nothing here remembers anything."""

from __future__ import annotations

from pumpd.clock import Clock
from pumpd.contract.payloads import (
    AlarmPart,
    AlarmPayload,
    LimitsPart,
    LinkPart,
    NodeStatusPayload,
    ProgrammePart,
    ReadingPart,
    RestraintPart,
    SnapshotPayload,
)
from pumpd.core.infusion import Programme
from pumpd.core.quantities import DoseRate, FlowRate
from pumpd.core.state import PumpState
from pumpd.daemon.events import alarm_parts
from pumpd.daemon.publisher_telemetry import NS_PER_MS, TelemetryWriter
from pumpd.daemon.seams import LivePump, Ward


def _dose(dose: DoseRate | None) -> str | None:
    return None if dose is None else dose.digits(6)


def _flow(flow: FlowRate | None) -> str | None:
    return None if flow is None else flow.ml_per_h


def _programme(programme: Programme) -> ProgrammePart:
    return ProgrammePart(
        drug=programme.drug,
        concentration=str(programme.concentration),
        care_area=programme.care_area,
        weight_kg=None if programme.weight is None else programme.weight.kg,
        dose_min=programme.dose_min.digits(6),
        dose_max=programme.dose_max.digits(6),
        dose_unit=programme.unit.value,
        volume_ml=None if programme.volume is None else programme.volume.ml,
        duration_s=programme.duration_s,
    )


def _limits(state: PumpState) -> LimitsPart | None:
    entry, flows, ceiling = state.setup.entry, state.limits, state.setup.ceiling
    if entry is None or flows is None:
        return None if ceiling is None else LimitsPart(unit="", ceiling_ml_h=ceiling.ml_per_h)
    doses = entry.dose_rate
    return LimitsPart(
        unit=entry.unit.value,
        soft_min=_dose(doses.soft_min),
        soft_max=_dose(doses.soft_max),
        hard_min=_dose(doses.hard_min),
        hard_max=_dose(doses.hard_max),
        hard_max_flow_ml_h=flows.hard_max.ml_per_h,
        soft_max_flow_ml_h=_flow(flows.soft_max),
        soft_min_flow_ml_h=_flow(flows.soft_min),
        ceiling_ml_h=_flow(ceiling),
    )


def _restraint(state: PumpState) -> RestraintPart:
    gate = state.setup.gate
    return RestraintPart(
        may_pause=gate.may_pause,
        enforcement=gate.enforcement.value,
        library_signed=gate.library_signed,
        library_allows=gate.library_allows.value,
        pause_proven=gate.pause_proven,
        phase=state.phase.value,
    )


def _link(live: LivePump) -> LinkPart:
    return LinkPart(
        state=live.link.state.value,
        detail=live.link.detail,
        driver=live.place.driver,
        verified=live.place.verified,
        url=live.place.url,
        round_trip_ms=None if live.link.round_trip_ns is None else live.link.round_trip_ns / NS_PER_MS,
        errors=live.link.errors,
    )


def snapshot(ward: Ward, live: LivePump, readings: TelemetryWriter, clock: Clock) -> SnapshotPayload:
    """Return the whole picture of one channel as it is now."""
    now_ns, state, identity = clock.monotonic_ns(), live.state, live.identity
    setup, limits, library = state.setup, state.setup.freshness, ward.library
    reading = readings.reading(live, now_ns)
    return SnapshotPayload(
        node=ward.node,
        boot_id=ward.boot_id,
        seq=live.sequence,
        sent_ms=now_ns // NS_PER_MS,
        at=clock.wall(),
        pump=setup.pump,
        channel=setup.channel,
        bed=live.place.bed,
        ward=live.place.ward,
        label=live.place.label,
        make="" if identity is None else identity.make,
        model="" if identity is None else identity.model,
        serial_number="" if identity is None else identity.serial_number,
        provenance=setup.provenance.value,
        freshness=state.freshness.value,
        stale_after_ms=limits.stale_after_ns // NS_PER_MS,
        lost_after_ms=limits.lost_after_ns // NS_PER_MS,
        flow_step_ml_h=setup.flow_step.ml_per_h,
        reading=None if reading is None else ReadingPart.model_validate_json(reading),
        programme=None if setup.programme is None else _programme(setup.programme),
        limits=_limits(state),
        alarms=alarm_parts(live.told),
        restraint=_restraint(state),
        link=_link(live),
        library_version="" if library is None else library.version,
        library_sha256="" if library is None else library.sha256,
    )


def alarms(ward: Ward, live: LivePump) -> dict[str, AlarmPayload]:
    """Return what stands on the alarm topics of one channel: condition -> payload."""

    def payload(part: AlarmPart) -> AlarmPayload:
        return AlarmPayload(
            node=ward.node,
            pump=live.pump,
            channel=live.channel,
            bed=live.place.bed,
            ward=live.place.ward,
            provenance=live.state.setup.provenance.value,
            alarm=part,
        )

    return {part.condition: payload(part) for part in alarm_parts(live.told)}


def online(ward: Ward, clock: Clock, commands_refused: str) -> NodeStatusPayload:
    """Return how the node is; ``commands_refused`` says why it takes none, empty when it does."""
    library = ward.library
    return NodeStatusPayload(
        node=ward.node,
        boot_id=ward.boot_id,
        state="online",
        version=ward.version,
        at=clock.wall(),
        config_sha256=ward.config_sha256,
        library_version="" if library is None else library.version,
        library_sha256="" if library is None else library.sha256,
        library_signed_for=[] if library is None else sorted(p.value for p in library.signed_for),
        journal_seq=ward.journal_seq,
        journal_head=str(ward.journal_head) if ward.journal_head.seq else "",
        pumps=[f"{pump}/{channel}" for pump, channel in ward.pumps],
        alarms=alarm_parts(ward.told),
        commands_refused=commands_refused,
    )


def gone(ward: Ward, clock: Clock | None) -> NodeStatusPayload:
    """Return ``offline`` for a goodbye at the time of ``clock``, ``lost`` (the last will) without one."""
    return NodeStatusPayload(
        node=ward.node,
        boot_id=ward.boot_id,
        state="lost" if clock is None else "offline",
        version=ward.version,
        at=None if clock is None else clock.wall(),
        config_sha256=ward.config_sha256,
        journal_seq=ward.journal_seq,
        journal_head=str(ward.journal_head) if ward.journal_head.seq else "",
        pumps=[f"{pump}/{channel}" for pump, channel in ward.pumps],
    )
