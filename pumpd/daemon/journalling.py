"""Journal before network, but never instead of it: events wait for the disk, at most one second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from pumpd.clock import Clock, epoch_ns, host_boot_id
from pumpd.contract.payloads import EventPayload
from pumpd.core.alarms import Alarms
from pumpd.core.conditions import ConditionId
from pumpd.daemon.events import journal_line
from pumpd.daemon.seams import LivePump, Outlet, Ward
from pumpd.errors import StoreError
from pumpd.store.base import Durable, Journal, OutboxLine

LATE_AFTER_S = 1.0
"""What the journal has not confirmed by then goes out all the same, marked (invariant 4)."""

CHECK_AGAIN_AFTER_S = 1.0
"""After the journal refused lines (it keeps and retries them), how often to ask whether they are on disk."""

Owner = LivePump | Ward
"""Whose alarms an entry is about: one channel's, or the node's own."""

_log = structlog.get_logger("pumpd.journal")


@dataclass(slots=True, eq=False)
class _Entry:
    """What must reach the disk in one transaction."""

    order: int
    owner: Owner
    events: tuple[EventPayload, ...]
    alarms: Alarms
    """The owner's alarms once these events had happened."""
    touched: frozenset[ConditionId]
    command_id: str | None
    also: tuple[Owner, ...]
    """Others whose durable state is part of the transaction."""
    done: asyncio.Future[None]
    timer: asyncio.TimerHandle | None = None
    late: bool = False


class JournalDesk:
    """Takes events on the event loop, hands them to the journal, and to the outlet once they are on disk."""

    _outlet: Outlet

    def __init__(self, ward: Ward, journal: Journal, clock: Clock) -> None:
        self._ward = ward
        self._journal = journal
        self._clock = clock
        self._pending: dict[Owner, list[_Entry]] = {}
        self._told_order: dict[Owner, int] = {}
        self._order = 0
        self._failing = ""
        self._refused: list[_Entry] = []
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self.on_late: Callable[[], None] = lambda: None
        """Called when an entry becomes late, so that the alarm about it need not wait for the next check."""

        self.on_kept: Callable[[Owner, Sequence[EventPayload]], None] = lambda _owner, _events: None
        """Told everything at the moment it is decided."""

    def tell(self, outlet: Outlet) -> None:
        """Hand everything to ``outlet``; called once, before the first event."""
        self._outlet = outlet

    def keep(
        self,
        owner: Owner,
        events: Sequence[EventPayload],
        command_id: str | None = None,
        also: Sequence[Owner] = (),
    ) -> asyncio.Future[None]:
        """Write ``events`` and the durable state of the owner (and of ``also``) at once, in one transaction.

        The future ends when they are on disk; StoreError when the journal refused them (it is
        offered them again).
        """
        self._order += 1
        loop = asyncio.get_running_loop()
        entry = _Entry(
            order=self._order,
            owner=owner,
            events=tuple(events),
            alarms=_alarms(owner),
            touched=frozenset(ConditionId(e.alarm.condition) for e in events if e.alarm is not None),
            command_id=command_id,
            also=tuple(also),
            done=loop.create_future(),
        )
        # Nobody has to wait for it: a failure is told by the journal's own alarm.
        entry.done.add_done_callback(_seen)
        self._pending.setdefault(owner, []).append(entry)
        entry.timer = loop.call_later(LATE_AFTER_S, self._late, entry)
        self._offer(entry)
        self.on_kept(owner, entry.events)
        return entry.done

    def refresh(self, owner: Owner) -> None:
        """Let the network know the newest wording of alarms whose transitions are all on disk."""
        if owner not in self._pending:
            owner.told.alarms = _alarms(owner)

    def save(self, live: LivePump) -> None:
        """Write what of a channel outlives a restart, without a line; a failure is told by its own alarm."""
        written = self._journal.append([], [durable(live, self._clock)])
        written.add_done_callback(lambda future: future.cancelled() or future.exception())

    def late_reason(self, now_ns: int) -> str:
        """Return why the journal counts as late at ``now_ns``; empty while it keeps up."""
        if self._failing:
            return self._failing
        oldest_ns = self._journal.oldest_unconfirmed_ns()
        if oldest_ns is not None and now_ns - oldest_ns > LATE_AFTER_S * 1e9:
            return f"nothing confirmed for more than {LATE_AFTER_S:.0f} s"
        if any(entry.late for entries in self._pending.values() for entry in entries):
            return f"nothing confirmed for more than {LATE_AFTER_S:.0f} s"
        return ""

    def close(self) -> None:
        """Stop waiting; the journal's own ``close`` still writes what it was given."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        for entries in self._pending.values():
            for entry in entries:
                if entry.timer is not None:
                    entry.timer.cancel()
        self._pending.clear()

    def _offer(self, entry: _Entry) -> None:
        live = entry.owner if isinstance(entry.owner, LivePump) else None
        lines = [journal_line(event, live) for event in entry.events]
        durables = [durable(owner, self._clock) for owner in (entry.owner, *entry.also)]
        written = self._journal.append(lines, durables, entry.command_id)
        written.add_done_callback(lambda future: self._answered(entry, future))

    def _answered(self, entry: _Entry, written: asyncio.Future[tuple[int, ...]]) -> None:
        if written.cancelled():
            return
        error = written.exception()
        if error is None:
            self._confirmed(entry, written.result())
            return
        if self._closed:
            return
        if not self._failing:
            _log.error("journal down", reason=str(error))
        self._failing = str(error) or type(error).__name__
        if not entry.done.done():
            entry.done.set_exception(StoreError(self._failing))
        self._late(entry)
        self._refused.append(entry)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(CHECK_AGAIN_AFTER_S, self._check_again)

    def _check_again(self) -> None:
        """Ask for the numbers of refused lines once all is on disk; the same ids are written only once."""
        self._retry = None
        if self._journal.oldest_unconfirmed_ns() is not None:
            self._retry = asyncio.get_running_loop().call_later(CHECK_AGAIN_AFTER_S, self._check_again)
            return
        refused, self._refused = self._refused, []
        for entry in refused:
            self._offer(entry)

    def _confirmed(self, entry: _Entry, numbers: tuple[int, ...]) -> None:
        if self._failing:
            self._failing = ""
            _log.info("journal up")
        if entry.timer is not None:
            entry.timer.cancel()
        if not entry.done.done():
            entry.done.set_result(None)
        self._ward.journal_seq = max(self._ward.journal_seq, *numbers)
        self._ward.journal_head = self._journal.head
        if self._closed:
            return
        pending = self._pending[entry.owner]
        pending.remove(entry)
        if not pending:
            del self._pending[entry.owner]
        committed_ms = int(self._clock.wall().timestamp() * 1000)
        self._outlet.journalled(
            [
                OutboxLine(number, event.id, event.model_dump_json(), committed_ms)
                for number, event in zip(numbers, entry.events, strict=True)
            ]
        )
        self._tell(entry)

    def _late(self, entry: _Entry) -> None:
        if entry.late:
            return
        entry.late = True
        for event in entry.events:
            self._outlet.unjournalled(event)
        self._tell(entry)
        self.on_late()

    def _tell(self, entry: _Entry) -> None:
        """Let the network know the owner's alarms as they were after the newest entry on disk or late."""
        owner, told = entry.owner, entry.owner.told
        waiting = self._pending.get(owner, [])
        if entry.order > self._told_order.get(owner, 0):
            self._told_order[owner] = entry.order
            told.alarms = entry.alarms
        if not waiting:
            told.alarms = _alarms(owner)
        told.unconfirmed = frozenset(c for e in waiting if e.late for c in e.touched)
        if isinstance(owner, LivePump):
            self._outlet.changed(owner)
        else:
            self._outlet.node_changed()


def durable(owner: Owner, clock: Clock) -> Durable:
    """Return what of a channel or of the node outlives a restart, as it is at this moment."""
    if not isinstance(owner, LivePump):
        doses = tuple(owner.doses.values())
        kept = Durable(None, None, owner.site_state.alarms, {}, doses=doses)
        return replace(kept, epoch_ns=epoch_ns(clock), host_boot_id=host_boot_id(clock))
    state = owner.state
    return Durable(
        owner.pump,
        owner.channel,
        state.alarms,
        state.restraints,
        state.delivered,
        state.watch,
        seat=owner.seat,
        epoch_ns=epoch_ns(clock),
        host_boot_id=host_boot_id(clock),
    )


def _alarms(owner: Owner) -> Alarms:
    return owner.state.alarms if isinstance(owner, LivePump) else owner.site_state.alarms


def _seen(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
