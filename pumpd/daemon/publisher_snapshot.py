"""The whole picture of a channel, put into JSON from parts: most of them stay the same for hours.

A test holds it equal to the payload model.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted

from pumpd.clock import Clock
from pumpd.contract.payloads import LimitsPart, ProgrammePart, RestraintPart
from pumpd.core.dosing import dose_rate
from pumpd.core.infusion import Programme
from pumpd.core.quantities import DoseRate, FlowRate
from pumpd.core.state import PumpState
from pumpd.daemon.events import alarm_parts
from pumpd.daemon.publisher_infusion import InfusionWriter, same
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
        form=programme.form,
        indication=programme.indication,
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
    return LimitsPart(
        unit=entry.unit.value,
        soft_min=_bound(state, "soft_min"),
        soft_max=_bound(state, "soft_max"),
        hard_min=_bound(state, "hard_min"),
        hard_max=_bound(state, "hard_max"),
        hard_max_flow_ml_h=flows.hard_max.ml_per_h,
        soft_max_flow_ml_h=_flow(flows.soft_max),
        soft_min_flow_ml_h=_flow(flows.soft_min),
        ceiling_ml_h=_flow(ceiling),
    )


def _bound(state: PumpState, name: str) -> str | None:
    """Return the bound ``name`` as a dose, or what the entry's tighter limit of the flow comes to."""
    entry, programme, flows = state.setup.entry, state.setup.programme, state.limits
    assert entry is not None
    assert programme is not None
    assert flows is not None
    if name not in flows.of_flow:
        return _dose(getattr(entry.dose_rate, name))
    flow = getattr(flows, name)
    return _dose(dose_rate(flow, programme.concentration, programme.weight, entry.unit))


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


def _keys(**texts: str) -> str:
    """Return keys with JSON values, to stand inside an object."""
    return ",".join(f'"{key}":{value}' for key, value in texts.items())


class SnapshotWriter:
    """Writes the snapshots of one channel."""

    def __init__(self, ward: Ward, live: LivePump, readings: TelemetryWriter, clock: Clock) -> None:
        self._ward = ward
        self._live = live
        self._readings = readings
        self._clock = clock
        self._head = (
            f'{{"v":1,"advisory":true,"node":{quoted(ward.node)},"boot_id":{quoted(ward.boot_id)},"seq":'
        )
        place = live.place
        self._driver = _keys(
            driver=quoted(place.driver),
            verified=quoted(place.verified),
            unverified=f"[{','.join(map(quoted, place.unverified))}]",
            human_use="true" if place.human_use else "false",
        )
        self._infusion = InfusionWriter(live, clock)
        self._standing_for: tuple[object, ...] = ()
        self._standing = ""
        self._alarms_for: tuple[object, ...] = ()
        self._alarms = ""

    def write(self) -> bytes:
        """Return the ``SnapshotPayload`` of the channel as it is now."""
        live, state = self._live, self._live.state
        now_ns = self._clock.monotonic_ns()
        # All of them are replaced when they change, never changed in place.
        standing = (state.setup, state.limits, state.phase, live.identity, self._ward.library, live.place)
        if not same(standing, self._standing_for):
            self._standing_for, self._standing = standing, self._put_standing()
        told = (live.told.alarms, live.told.unconfirmed)
        if not same(told, self._alarms_for):
            self._alarms_for = told
            self._alarms = ",".join(part.model_dump_json() for part in alarm_parts(live.told))
        infusion = self._infusion.write(self._ward.library)
        reading = self._readings.reading(live, now_ns)
        link = live.link
        took = "null" if link.round_trip_ns is None else repr(link.round_trip_ns / NS_PER_MS)
        return (
            f'{self._head}{live.sequence},"sent_ms":{now_ns // NS_PER_MS}'
            f',"at":"{self._clock.wall().isoformat()}"'
            f',{self._standing},"freshness":"{state.freshness.value}","reading":{reading or "null"}'
            f',"infusion":{infusion}'
            f',"alarms":[{self._alarms}]'
            f',"link":{{"state":"{link.state.value}","detail":{quoted(link.detail)}'
            f',"instead":{quoted(link.instead or "")},{self._driver},"url":{quoted(live.place.url)}'
            f',"round_trip_ms":{took},"errors":{link.errors}}}}}'
        ).encode()

    def _put_standing(self) -> str:
        """Return all that stays the same from reading to reading."""
        live, state = self._live, self._live.state
        setup, library, identity, place = state.setup, self._ward.library, live.identity, live.place
        programme, limits = setup.programme, _limits(state)
        return _keys(
            pump=quoted(setup.pump),
            channel=quoted(setup.channel),
            bed=quoted(place.bed),
            ward=quoted(place.ward),
            label=quoted(place.label),
            make=quoted("" if identity is None else identity.make),
            model=quoted("" if identity is None else identity.model),
            serial_number=quoted("" if identity is None else identity.serial_number),
            provenance=quoted(setup.provenance.value),
            stale_after_ms=str(setup.freshness.stale_after_ns // NS_PER_MS),
            lost_after_ms=str(setup.freshness.lost_after_ns // NS_PER_MS),
            flow_step_ml_h=quoted(setup.flow_step.ml_per_h),
            programme="null" if programme is None else _programme(programme).model_dump_json(),
            limits="null" if limits is None else limits.model_dump_json(),
            restraint=_restraint(state).model_dump_json(),
            library_version=quoted("" if library is None else library.version),
            library_sha256=quoted("" if library is None else library.sha256),
        )
