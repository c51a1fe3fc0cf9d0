"""What the daemon knows of one channel, as JSON: where a replay of a recording takes up."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from pumpd.core.conditions import ConditionId
from pumpd.core.freshness import Freshness
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.state import Dwell, PumpState, RestraintPhase
from pumpd.core.telemetry import (
    ChannelId,
    Measured,
    Provenance,
    PumpAlarm,
    PumpId,
    PumpStatus,
    Telemetry,
    Validity,
)
from pumpd.daemon.journalling import durable
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.seams import LivePump
from pumpd.drivers.base import Identity
from pumpd.store.durables import durable_text, parse_durable

_FLOWS = ("flow", "set_flow")
_VOLUMES = ("volume", "volume_to_be_infused")
_PLAIN = ("pressure_kpa_e1", "battery_percent")


def state_of(live: LivePump) -> dict[str, Any]:
    """Return what ``take_up`` reads back."""
    state = live.state
    return {
        "durable": durable_text(durable(live)),
        "identity": None if live.identity is None else asdict(live.identity),
        "sequence": live.sequence,
        "started_ns": state.started_ns,
        "last": None if state.last is None else _telemetry(state.last),
        "freshness": state.freshness.value,
        "dwells": {condition.value: asdict(dwell) for condition, dwell in state.dwells.items()},
        "revision": state.revision,
        "over": [sorted(condition.value for condition in broke) for broke in state.over],
        "restrained_at_ns": {cause.value: record.at_ns for cause, record in state.restraints.items()},
        "phase": state.phase.value,
        "wrong_device": state.wrong_device,
        "blocked_frame": state.blocked_frame,
        "crashed": state.crashed,
    }


def take_up(live: LivePump, plan: PumpPlan, told: dict[str, Any]) -> None:
    """Give a channel that has just been made what ``state_of`` told of it."""
    kept = parse_durable(live.pump, live.channel, told["durable"])
    at_ns = told["restrained_at_ns"]
    restraints = {c: replace(record, at_ns=at_ns[c.value]) for c, record in kept.restraints.items()}
    if told["identity"] is not None:
        live.identity = Identity(**told["identity"])
    setup = plan.setup(live.channel, live.identity)
    live.sequence = told["sequence"]
    live.state = PumpState(
        setup=setup,
        limits=setup.limits(),
        started_ns=told["started_ns"],
        last=None if told["last"] is None else _parse_telemetry(live.pump, live.channel, told["last"]),
        freshness=Freshness(told["freshness"]),
        alarms=kept.alarms,
        dwells=MappingProxyType({ConditionId(name): Dwell(**d) for name, d in told["dwells"].items()}),
        revision=told["revision"],
        over=tuple(frozenset(ConditionId(name) for name in broke) for broke in told["over"]),
        restraints=MappingProxyType(restraints),
        phase=RestraintPhase(told["phase"]),
        wrong_device=told["wrong_device"],
        blocked_frame=told["blocked_frame"],
        crashed=told["crashed"],
    )
    live.told.alarms = kept.alarms


def _telemetry(reading: Telemetry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "sequence": reading.sequence,
        "taken_ns": reading.taken_ns,
        "span_ns": reading.span_ns,
        "provenance": reading.provenance.value,
        "status": reading.status.value,
        "raw_status": reading.raw_status,
        "alarms": sorted(alarm.value for alarm in reading.alarms),
        "raw_alarms": list(reading.raw_alarms),
    }
    for name in (*_FLOWS, *_VOLUMES, *_PLAIN):
        measured = getattr(reading, name)
        value = measured.value
        number = value.nl_per_h if isinstance(value, FlowRate) else value
        number = value.nl if isinstance(value, Volume) else number
        told[name] = [number, measured.validity.value, measured.raw]
    return told


def _parse_telemetry(pump: PumpId, channel: ChannelId, told: dict[str, Any]) -> Telemetry:
    makes: dict[str, Any] = {
        **dict.fromkeys(_FLOWS, FlowRate),
        **dict.fromkeys(_VOLUMES, Volume),
        **dict.fromkeys(_PLAIN, int),
    }
    measured = {}
    for name, make in makes.items():
        number, validity, raw = told[name]
        measured[name] = Measured(None if number is None else make(number), Validity(validity), raw)
    return Telemetry(
        pump=pump,
        channel=channel,
        sequence=told["sequence"],
        taken_ns=told["taken_ns"],
        span_ns=told["span_ns"],
        provenance=Provenance(told["provenance"]),
        status=PumpStatus(told["status"]),
        raw_status=told["raw_status"],
        alarms=frozenset(PumpAlarm(name) for name in told["alarms"]),
        raw_alarms=tuple(told["raw_alarms"]),
        **measured,
    )
