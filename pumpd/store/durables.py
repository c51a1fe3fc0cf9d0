"""Alarms, restraint records and infusions as canonical JSON: what of one channel outlives a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pumpd.core.alarms import Alarm, AlarmSignal
from pumpd.core.climb import Call, Climb
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.delivery_account import Carried
from pumpd.core.inactivation import Inactivation, InactivationKind
from pumpd.core.quantities import FlowRate
from pumpd.core.restraints import RestraintRecord
from pumpd.core.seat import Seat
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.base import Durable
from pumpd.store.infusion_value import dose_of, dose_value, watch_of, watch_value
from pumpd.store.values import read, written


def canonical(value: object) -> str:
    """Return ``value`` as JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def durable_text(durable: Durable) -> str:
    """Return what ``parse_durable`` reads back."""
    return canonical(
        {
            "alarms": {condition.value: _alarm(alarm) for condition, alarm in durable.alarms.items()},
            "restraints": {
                cause.value: {
                    "at": record.at.isoformat(),
                    "flow_nl_h": record.flow.nl_per_h,
                    "settled": record.settled,
                }
                for cause, record in durable.restraints.items()
            },
            "delivered": None if durable.delivered is None else _carried(durable.delivered),
            "watch": None if durable.watch is None else watch_value(durable.watch),
            "doses": [dose_value(dose) for dose in durable.doses],
            "epoch_ns": durable.epoch_ns,
            "host_boot_id": durable.host_boot_id,
            "seat": written(durable.seat),
        }
    )


def parse_durable(pump: PumpId | None, channel: ChannelId | None, text: str) -> Durable:
    """Return the durable of that channel; ValueError or KeyError when the text is not one."""
    body = json.loads(text)
    alarms = [_parse_alarm(ConditionId(name), fields) for name, fields in body["alarms"].items()]
    return Durable(
        pump,
        channel,
        MappingProxyType({alarm.condition: alarm for alarm in alarms}),
        MappingProxyType(
            {
                ConditionId(name): RestraintRecord(
                    datetime.fromisoformat(fields["at"]),
                    FlowRate(fields["flow_nl_h"]),
                    fields.get("settled", True),  # the first pumpd noted no outcome, and asked once
                )
                for name, fields in body["restraints"].items()
            }
        ),
        _parse_carried(body.get("delivered")),
        None if body.get("watch") is None else watch_of(body["watch"]),
        tuple(dose_of(told) for told in body.get("doses", ())),
        body.get("epoch_ns"),
        body.get("host_boot_id", ""),
        read(Seat | None, body.get("seat")),
    )


def _carried(carried: Carried) -> dict[str, int]:
    return {
        "counter_nl": carried.counter_nl,
        "counted_nl": carried.counted_nl,
        "infused_nl": carried.infused_nl,
    }


def _parse_carried(fields: Mapping[str, int] | None) -> Carried | None:
    if fields is None:
        return None
    return Carried(fields["counter_nl"], fields["counted_nl"], fields["infused_nl"])


def _alarm(alarm: Alarm) -> dict[str, object]:
    return {
        "priority": alarm.priority.name,
        "signal": alarm.signal.value,
        "revision": alarm.revision,
        "since": alarm.since.isoformat(),
        "measured": alarm.measured,
        "allowed": alarm.allowed,
        "acknowledged_by": alarm.acknowledged_by,
        "acknowledged_at": alarm.acknowledged_at.isoformat() if alarm.acknowledged_at else None,
        "causes": sorted(alarm.causes),
        "degree": alarm.degree,
        "inactivation": None if alarm.inactivation is None else _inactivation(alarm.inactivation),
        "suppressed_by": alarm.suppressed_by,
        "climb": None if alarm.climb is None else _climb(alarm.climb),
    }


def _climb(climb: Climb) -> dict[str, object]:
    return {
        "at": climb.at.isoformat(),
        "step_count": climb.step_count,
        "pending": list(climb.pending),
        "told": list(climb.told),
        "calls": written(climb.calls),
    }


def _parse_climb(fields: Mapping[str, Any] | None) -> Climb | None:
    if fields is None:
        return None
    at = datetime.fromisoformat(fields["at"])
    calls = read(tuple[Call, ...], fields.get("calls", []))
    return Climb(at, None, fields["step_count"], tuple(fields["pending"]), tuple(fields["told"]), calls)


def _inactivation(quiet: Inactivation) -> dict[str, str]:
    return {
        "kind": quiet.kind.value,
        "by": quiet.by,
        "reason": quiet.reason,
        "at": quiet.at.isoformat(),
        "until": quiet.until.isoformat(),
    }


def _parse_inactivation(fields: Mapping[str, str] | None) -> Inactivation | None:
    if fields is None:
        return None
    at, until = datetime.fromisoformat(fields["at"]), datetime.fromisoformat(fields["until"])
    return Inactivation(InactivationKind(fields["kind"]), fields["by"], fields["reason"], at, until)


def _parse_alarm(condition: ConditionId, fields: Mapping[str, Any]) -> Alarm:
    acknowledged_at = fields["acknowledged_at"]
    return Alarm(
        condition=condition,
        priority=AlarmPriority[fields["priority"]],
        signal=AlarmSignal(fields["signal"]),
        revision=fields["revision"],
        since=datetime.fromisoformat(fields["since"]),
        measured=fields["measured"],
        allowed=fields["allowed"],
        acknowledged_by=fields["acknowledged_by"],
        acknowledged_at=datetime.fromisoformat(acknowledged_at) if acknowledged_at else None,
        causes=frozenset(fields.get("causes", ())),
        degree=fields.get("degree", 0),
        inactivation=_parse_inactivation(fields.get("inactivation")),
        suppressed_by=fields.get("suppressed_by", ""),
        climb=_parse_climb(fields.get("climb")),
    )
