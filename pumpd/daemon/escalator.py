"""Calls people while nobody has an alarm: what is due stands in the alarms, so a restart loses no call."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from pumpd.channels.base import Channel, Message
from pumpd.clock import Clock
from pumpd.core.alarms import Alarm, AlarmChanged, AlarmEvent, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.climb import StepTold
from pumpd.core.conditions import Audience, ConditionId
from pumpd.core.floods import BEGINS_OVER, Flood, counted
from pumpd.core.inactivation import InactivationEvent
from pumpd.core.site import Technical
from pumpd.daemon.backoff import Backoff
from pumpd.daemon.journalling import Owner
from pumpd.daemon.messages import alarm_message, summary_message, test_message
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LivePump, Ward
from pumpd.errors import TransportError

SUMMARY_EVERY_S = 60.0
"""While alarms flood, a contact gets at most one message in this time."""
GATHER_S = 5.0
"""How long the first summary waits for alarms that are due with the others."""
AGAIN_FIRST_S, AGAIN_LONGEST_S = 2.0, 60.0
"""A call that failed is tried again after so long, growing, for as long as nobody has the alarm."""
ANSWERS_WITHIN_S = 30.0
"""A channel limits each step of a call; a server that answers byte by byte is not held by that."""
MOST_HANGING = 3
"""Calls of one contact that hang at a time: a further one waits until one of them has ended."""

_log = structlog.get_logger("pumpd.escalator")


@dataclass(frozen=True, slots=True)
class Calls:
    """Who can be called, and how."""

    channels: Mapping[str, Channel]
    most_count: int = BEGINS_OVER
    """More new alarms than this in 10 minutes are a flood."""
    show_label: bool = False
    ways: Mapping[str, str] = field(default_factory=dict)
    """By which way each contact is told, as people say it."""


@dataclass(frozen=True, slots=True)
class _Due:
    """One alarm that one contact is to be told of."""

    owner: Owner
    alarm: Alarm


class Escalator:
    """One task for each contact that has something to be told."""

    def __init__(
        self, ward: Ward, calls: Calls, pipeline: Pipeline, clock: Clock, chance: random.Random
    ) -> None:
        self._ward = ward
        self._calls = calls
        self._pipeline = pipeline
        self._clock = clock
        self._chance = chance
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._sending: dict[str, set[asyncio.Task[None]]] = {contact: set() for contact in calls.channels}
        self._failing: dict[str, str] = {}
        self._flood = Flood()

    def changed(self, owner: Owner, changes: Sequence[AlarmChanged]) -> None:
        """Count new alarms: too many at a time are summed up."""
        whose = f"{owner.pump}/{owner.channel}" if isinstance(owner, LivePump) else "node"
        new = [f"{whose} {c.alarm.condition.value}" for c in changes if _new(c)]
        gone = [
            f"{whose} {c.alarm.condition.value}" for c in changes if c.event is InactivationEvent.SUPPRESS
        ]
        if new or gone:
            self._count(new, gone)

    def look(self) -> None:
        """Begin every call that is due and not under way; called once a second."""
        if self._flood.raised:
            self._count((), ())
        for contact in self._calls.channels:
            if contact not in self._workers and any(self._due(contact)):
                task = asyncio.get_running_loop().create_task(
                    self._call(contact), name=f"pumpd.contact[{contact}]"
                )
                self._workers[contact] = task
                task.add_done_callback(functools.partial(self._ended, contact))

    async def test(self, contact: str, by: str) -> None:
        """Send ``contact`` what is clearly a test; ValueError with the reason when it was not taken."""
        if contact not in self._calls.channels:
            known = ", ".join(self._calls.channels) or "none"
            raise ValueError(f"there is no contact {contact!r}; known are {known}")
        reason = await self._send(contact, test_message(self._ward, contact, by, self._clock.wall()))
        self._outcome(contact, reason)
        if reason:
            raise ValueError(reason)

    async def stop(self) -> None:
        """Give up what is under way; it is due again in the next run."""
        tasks = [*self._workers.values(), *(task for tasks in self._sending.values() for task in tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _due(self, contact: str) -> Iterator[_Due]:
        """Yield the alarms that ``contact`` is to be told of, worst and oldest first."""
        owners: list[Owner] = [self._ward, *self._ward.pumps.values()]
        found = [
            _Due(owner, alarm)
            for owner in owners
            for alarm in _alarms(owner)
            if alarm.climb is not None and contact in alarm.climb.pending
        ]
        yield from sorted(found, key=lambda due: (-due.alarm.priority, due.alarm.since))

    async def _call(self, contact: str) -> None:
        backoff = Backoff(self._chance, AGAIN_FIRST_S, AGAIN_LONGEST_S)
        if self._flood.on:
            await asyncio.sleep(GATHER_S)
        while due := list(self._due(contact)):
            flooded = self._flood.on
            told = due if flooded else due[:1]
            reason = await self._send(contact, self._message(contact, told, flooded=flooded))
            for one in told:
                if flooded and reason and _last_failed(one, contact) == reason:
                    continue  # hundreds of lines a minute would say what the alarm says already
                by = self._calls.ways.get(contact, "")
                given = StepTold(one.alarm.condition, one.alarm.revision, contact, reason, by)
                if isinstance(one.owner, LivePump):
                    self._pipeline.take(one.owner, given)
                else:
                    self._pipeline.take_site(given)
                await asyncio.sleep(0)  # of hundreds each is a turn of the loop: a pause may be due meanwhile
            self._outcome(contact, reason)
            if reason:
                await asyncio.sleep(backoff.next_s())
            else:
                backoff.reset()
                if flooded:
                    await asyncio.sleep(SUMMARY_EVERY_S)

    async def _send(self, contact: str, message: Message) -> str:
        """Return why ``contact`` did not take it, empty when it did; a call that hangs is left to itself."""
        sending = self._sending[contact]
        if len(sending) >= MOST_HANGING:
            return f"{MOST_HANGING} calls hang"
        channel = self._calls.channels[contact]
        task = asyncio.get_running_loop().create_task(channel.send(message), name=f"pumpd.send[{contact}]")
        sending.add(task)
        task.add_done_callback(functools.partial(_over, sending))
        await asyncio.wait({task}, timeout=ANSWERS_WITHIN_S)
        if not task.done():
            return f"no answer within {ANSWERS_WITHIN_S:.0f} s"
        try:
            task.result()
        except TransportError as error:
            return str(error)
        return ""

    def _message(self, contact: str, told: Sequence[_Due], *, flooded: bool) -> Message:
        pairs = [(due.owner if isinstance(due.owner, LivePump) else None, due.alarm) for due in told]
        digest = hashlib.sha256(f"{self._ward.site}/{self._ward.node}/{contact}".encode())
        for live, alarm in pairs:
            whose = "" if live is None else f"{live.pump}/{live.channel}"
            since = alarm.since.isoformat()
            digest.update(f"|{whose}/{alarm.condition.value}/{alarm.revision}/{since}".encode())
        message_id = digest.hexdigest()[:32]
        if flooded:
            return summary_message(self._ward, message_id, pairs, len(self._flood.raised))
        return alarm_message(self._ward, message_id, *pairs[0], show_label=self._calls.show_label)

    def _outcome(self, contact: str, reason: str) -> None:
        """Tell whether ``contact`` can be called; once down and once up."""
        known = self._failing.get(contact, "")
        if not reason:
            self._failing.pop(contact, None)
            if known:
                _log.info("contact answers again", contact=contact)
        else:
            self._failing[contact] = reason
            if not known:
                _log.warning("contact can not be told", contact=contact, reason=reason)
        stands = ConditionId.ESCALATION_FAILING in self._ward.site_state.alarms
        if bool(self._failing) or stands:
            words = "; ".join(f"{name} ({why})" for name, why in sorted(self._failing.items()))
            self._pipeline.take_site(
                Technical(
                    ConditionId.ESCALATION_FAILING,
                    present=bool(self._failing),
                    detail=words,
                    causes=frozenset(self._failing),
                )
            )

    def _count(self, new: Sequence[str], gone: Sequence[str]) -> None:
        was = self._flood.on
        self._flood = counted(self._flood, self._clock.monotonic_ns(), new, gone, self._calls.most_count)
        if self._flood.on is not was:
            event = "flood-begins" if self._flood.on else "flood-ends"
            count = len(self._flood.raised)
            self._pipeline.note(self._ward, "node", event, detail=f"{count} new alarms in 10 minutes")

    def _ended(self, contact: str, task: asyncio.Task[None]) -> None:
        del self._workers[contact]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("call crashed", contact=contact, reason=repr(error))


def _over(sending: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """Let go of a call that has ended; what became of it was asked by who still waited for it."""
    sending.discard(task)
    if not task.cancelled():
        task.exception()


def _last_failed(due: _Due, contact: str) -> str:
    """Return why the last call of ``contact`` for this alarm failed; empty when none did."""
    calls = () if due.alarm.climb is None else due.alarm.climb.calls
    return next((call.failed for call in reversed(calls) if call.contact == contact), "")


def _alarms(owner: Owner) -> Sequence[Alarm]:
    found = owner.state.alarms if isinstance(owner, LivePump) else owner.site_state.alarms
    return tuple(found.values())


def _new(change: AlarmChanged) -> bool:
    return (
        change.event is AlarmEvent.RAISE
        and change.before in {AlarmSignal.OFF, AlarmSignal.LATCHED}
        and CATALOGUE[change.alarm.condition].audience is Audience.NURSE
    )
