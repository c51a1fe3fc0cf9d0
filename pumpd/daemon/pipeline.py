"""The one way from a reading to everything that follows: evaluate, restrain, keep, tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from pumpd.clock import Clock
from pumpd.contract.payloads import EventPayload
from pumpd.core.alarms import AlarmChanged
from pumpd.core.answers import waiting
from pumpd.core.conditions import ConditionId
from pumpd.core.evaluate import evaluate_pump
from pumpd.core.infusion_setup import under
from pumpd.core.infusion_watch import InfusionWatch, Titrated
from pumpd.core.lowering import LowerNow
from pumpd.core.quantities import FlowRate
from pumpd.core.site import SiteInput, Technical, evaluate_site
from pumpd.core.state import Effect, Now, PauseNow, PumpInput, PumpSetup, ReadAgain, Tick
from pumpd.core.telemetry import PumpId, Telemetry
from pumpd.daemon.events import EventWriter, Kind
from pumpd.daemon.journalling import JournalDesk, Owner
from pumpd.daemon.seams import LivePump, Outlet, Ward
from pumpd.drivers.base import Identity
from pumpd.store.base import HistoryRow, TelemetryWriter

NS_PER_MS = 1_000_000


class StartRestraint(Protocol):
    """Who pauses pumps and lowers their rates."""

    def begin(self, live: LivePump, asked: PauseNow | LowerNow) -> None:
        """Begin to do to ``live`` what is asked now; returns at once."""
        ...


class Pipeline:
    """Owns the live state of every pump; everything that happens to one goes through it, on the loop."""

    _outlet: Outlet
    _restraint: StartRestraint

    def __init__(
        self,
        ward: Ward,
        desk: JournalDesk,
        events: EventWriter,
        history: TelemetryWriter,
        clock: Clock,
    ) -> None:
        self._ward = ward
        self._desk = desk
        self._events = events
        self._history = history
        self._clock = clock
        desk.on_late = self.check_journal
        self.on_trouble: Callable[[PumpId, Exception], None] = lambda _pump, _error: None
        """Told why a reading did not come."""
        self.on_changes: Callable[[Owner, Sequence[AlarmChanged]], None] = lambda _owner, _changes: None
        """Told of every transition."""
        self.on_watch: Callable[[LivePump, InfusionWatch | None], bool] = lambda _live, _before: True
        """Told that a reading moved what is known of an infusion; returns whether people should see it."""

    def restrain_with(self, restraint: StartRestraint) -> None:
        """Hand every PauseNow and LowerNow to ``restraint``."""
        self._restraint = restraint

    def tell(self, outlet: Outlet) -> None:
        """Tell ``outlet`` of every reading and change; called once, before the first reading."""
        self._outlet = outlet

    def now(self) -> Now:
        """Return this moment."""
        return Now(self._clock.monotonic_ns(), self._clock.wall())

    def reading(self, live: LivePump, telemetry: Telemetry) -> bool:
        """Take one reading; True when the pump should be read again at once, to confirm what it shows."""
        now = self.now()
        before = live.state
        state, effects = evaluate_pump(before, telemetry, now)
        live.state = state
        live.sequence = telemetry.sequence
        again = bool(effects) and self._carry_out(live, effects)
        flow, factor = telemetry.flow.value, live.dose_per_nl_h
        self._history.write(
            HistoryRow(
                at_ms=int(now.wall.timestamp() * 1000) - (now.mono_ns - telemetry.taken_ns) // NS_PER_MS,
                ward=live.place.ward,
                telemetry=telemetry,
                dose=None if flow is None or factor is None else flow.nl_per_h * factor,
                dose_unit=live.dose_unit,
                label=live.place.label,
            )
        )
        self._outlet.reading(live)
        shows = state.watch is not before.watch and self.on_watch(live, before.watch)
        last = before.last
        if (
            shows
            or last is None
            or last.status is not telemetry.status
            or before.freshness is not state.freshness
            or before.phase is not state.phase
        ):
            self._outlet.changed(live)
        if state.alarms is not before.alarms:
            self._desk.refresh(live)
        return again

    def take(
        self,
        live: LivePump,
        given: PumpInput,
        command_id: str | None = None,
        notes: Sequence[EventPayload] = (),
        also: Sequence[Owner] = (),
    ) -> asyncio.Future[None] | None:
        """Take anything else that happened to a pump; ``notes`` are kept with it, and what ``also`` is now.

        Returns what ends when its alarms are on disk, None when none changed. ValueError for what a
        person says that can not be taken; nothing has changed then.
        """
        before = live.state
        live.state, effects = evaluate_pump(before, given, self.now())
        kept = self._keep_changes(live, effects, command_id, notes, also)
        if live.state.freshness is not before.freshness or live.state.phase is not before.phase:
            self._outlet.changed(live)
        return kept

    def take_site(self, given: SiteInput, command_id: str | None = None) -> asyncio.Future[None] | None:
        """Take what happened to the node itself; as ``take``."""
        self._ward.site_state, changes = evaluate_site(self._ward.site_state, given, self.now())
        if not changes:
            self._desk.refresh(self._ward)
            return None
        kept = self._desk.keep(self._ward, [self._events.alarm(None, c) for c in changes], command_id)
        self.on_changes(self._ward, changes)
        return kept

    def note(
        self,
        owner: Owner,
        kind: Kind,
        event: str,
        *,
        detail: str = "",
        by: str = "",
        command_id: str | None = None,
        also: Sequence[Owner] = (),
    ) -> asyncio.Future[None]:
        """Keep and tell something that is no alarm: a step of a restraint, the node's start and stop.

        What ``also`` is now is kept with it.
        """
        live = owner if isinstance(owner, LivePump) else None
        made = self._events.note(live, kind, event, self._clock.wall(), detail=detail, by=by)
        return self._desk.keep(owner, [made], command_id, also)

    def link_changed(self, live: LivePump) -> None:
        """Tell that ``live.link`` says something else."""
        self._outlet.changed(live)

    def identified(self, live: LivePump, identity: Identity, setup: PumpSetup) -> None:
        """Take who answered, and the set-up that follows from it (provenance, gate)."""
        setup = under(setup, live.state.watch)
        if live.identity == identity and live.state.setup == setup:
            return
        if live.identity != identity:
            live.state = replace(
                live.state, account=None
            )  # another pump's counter says nothing of this one's
        live.identity = identity
        set_up(live, setup)
        self._outlet.changed(live)

    def check_journal(self) -> None:
        """Raise or clear the alarm about the journal."""
        reason = self._desk.late_reason(self._clock.monotonic_ns())
        self.technical(ConditionId.JOURNAL_LATE, reason)

    def check_stores(self) -> None:
        """Raise or clear the alarms about journal and history."""
        if waiting(self._ward.site_state.alarms):
            self.take_site(Tick())
        self.check_journal()
        self._ward.history = self._history.status()
        self.technical(ConditionId.HISTORY_FAILING, self._ward.history.failing)

    def technical(self, condition: ConditionId, reason: str) -> None:
        """Raise or clear an alarm of the node; ``reason`` is empty while all is well."""
        if reason or condition in self._ward.site_state.alarms:
            self.take_site(Technical(condition, bool(reason), reason))

    def _carry_out(self, live: LivePump, effects: Sequence[Effect]) -> bool:
        """Act on what the core wants: a restraint first, since it does not wait for the disk."""
        again = False
        for effect in effects:
            if isinstance(effect, (PauseNow, LowerNow)):
                self._restraint.begin(live, effect)
            elif isinstance(effect, ReadAgain):
                again = True
        self._keep_changes(live, effects, None)
        return again

    def _keep_changes(
        self,
        live: LivePump,
        effects: Sequence[Effect],
        command_id: str | None,
        notes: Sequence[EventPayload] = (),
        also: Sequence[Owner] = (),
    ) -> asyncio.Future[None] | None:
        changes = [effect for effect in effects if isinstance(effect, AlarmChanged)]
        made = [*notes, *(self._events.alarm(live, change) for change in changes)]
        for effect in effects:
            if isinstance(effect, (PauseNow, LowerNow)):
                detail = f"{effect.cause.value}: {effect.measured}, limit {effect.allowed}"
                if isinstance(effect, LowerNow):
                    detail += f"; to be lowered to {effect.to}"
                made.append(self._events.note(live, "restraint", "asked", self._clock.wall(), detail=detail))
            elif isinstance(effect, Titrated):
                detail = f"from {effect.before} to {effect.after}, set at the pump, inside the order"
                made.append(
                    self._events.note(live, "infusion", "titrated", self._clock.wall(), detail=detail)
                )
        if not made:
            return None
        kept = self._desk.keep(live, made, command_id, also)
        self.on_changes(live, changes)
        return kept


def set_up(live: LivePump, setup: PumpSetup) -> None:
    """Give a pump another set-up; its alarms and readings stay."""
    live.state = replace(
        live.state,
        setup=setup,
        limits=setup.limits(),
        counter=setup.counter(),
        ordered=setup.ordered(),
    )
    programme = setup.programme
    if programme is None:
        live.dose_per_nl_h, live.dose_unit = None, ""
    else:
        live.dose_per_nl_h = float(programme.dose(FlowRate(1)).amount)
        live.dose_unit = programme.unit.value
