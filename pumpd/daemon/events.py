"""Alarms and what else happened, in the words of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from pumpd.contract.payloads import AlarmPart, EventPayload
from pumpd.contract.quieting import CallPart, EscalationPart, InactivationPart
from pumpd.core.acceptance import may_be_accepted
from pumpd.core.alarms import Alarm, AlarmChanged, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import Climb
from pumpd.core.inactivation import Inactivation
from pumpd.daemon.seams import LivePump, Told, Ward
from pumpd.store.base import NewLine

Kind = Literal["alarm", "restraint", "infusion", "command", "node"]


def alarm_part(alarm: Alarm, *, journalled: bool = True) -> AlarmPart:
    """Return an alarm as it stands in payloads."""
    return AlarmPart(
        condition=alarm.condition.value,
        priority=cast('Literal["LOW", "MEDIUM", "HIGH"]', alarm.priority.name),
        signal=alarm.signal.value,
        revision=alarm.revision,
        since=alarm.since,
        title=alarm.title,
        action=alarm.action,
        measured=alarm.measured,
        allowed=alarm.allowed,
        audience=CATALOGUE[alarm.condition].audience.value,
        acknowledged_by=alarm.acknowledged_by,
        acknowledged_at=alarm.acknowledged_at,
        inactivation=None if alarm.inactivation is None else _inactivation(alarm.inactivation),
        suppressed_by=alarm.suppressed_by,
        escalation=None if alarm.climb is None or not alarm.climb.step_count else _escalation(alarm.climb),
        soft=may_be_accepted(alarm),
        journalled=journalled,
    )


def _inactivation(quiet: Inactivation) -> InactivationPart:
    return InactivationPart(
        kind=quiet.kind.value, by=quiet.by, at=quiet.at, until=quiet.until, reason=quiet.reason
    )


def _escalation(climb: Climb) -> EscalationPart:
    calls = [CallPart(contact=c.contact, at=c.at, by=c.by, failed=c.failed) for c in climb.calls]
    told, waiting = list(climb.told), list(climb.pending)
    return EscalationPart(step_count=climb.step_count, told=told, waiting=waiting, calls=calls)


def alarm_parts(told: Told) -> list[AlarmPart]:
    """Return alarms worst first: by priority, then those nobody has before the others, then the oldest."""
    ordered = sorted(
        told.alarms.values(),
        key=lambda a: (-a.priority, a.signal is AlarmSignal.ACKNOWLEDGED, a.since, a.condition.value),
    )
    return [alarm_part(alarm, journalled=alarm.condition not in told.unconfirmed) for alarm in ordered]


class EventWriter:
    """Numbers what happens on one node and puts it into words; ids are unique for ever."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._count = 0

    def alarm(self, live: LivePump | None, change: AlarmChanged) -> EventPayload:
        """Return one transition of an alarm; ``live`` None for an alarm of the node itself."""
        return self._event(
            live,
            "alarm",
            change.event.value,
            change.at,
            before=change.before.value,
            alarm=alarm_part(change.alarm),
            by=change.by,
            detail=change.why,
        )

    def note(
        self, live: LivePump | None, kind: Kind, event: str, at: datetime, *, detail: str = "", by: str = ""
    ) -> EventPayload:
        """Return anything else worth a line: a step of a restraint, a command, the node's start and stop."""
        return self._event(live, kind, event, at, detail=detail, by=by)

    def _event(
        self,
        live: LivePump | None,
        kind: Kind,
        event: str,
        at: datetime,
        *,
        before: str = "",
        alarm: AlarmPart | None = None,
        by: str = "",
        detail: str = "",
    ) -> EventPayload:
        self._count += 1
        ward = self._ward
        return EventPayload(
            id=f"{ward.boot_id}-{self._count}",
            node=ward.node,
            boot_id=ward.boot_id,
            seq=None,
            journalled=False,
            at=at,
            kind=kind,
            pump=None if live is None else live.pump,
            channel=None if live is None else live.channel,
            bed="" if live is None else live.place.bed,
            ward="" if live is None else live.place.ward,
            provenance=None if live is None else live.state.setup.provenance.value,
            event=event,
            before=before,
            alarm=alarm,
            by=by,
            detail=detail,
        )


def journal_line(event: EventPayload, live: LivePump | None) -> NewLine:
    """Return an event as the journal takes it."""
    return NewLine(
        event_id=event.id,
        at=event.at,
        kind=event.kind,
        pump=None if live is None else live.pump,
        channel=None if live is None else live.channel,
        payload=event.model_dump_json(),
    )
