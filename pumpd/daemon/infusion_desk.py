"""Carries out what people ask of infusions: all of it is bookkeeping, and no pump is spoken to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pumpd.clock import Clock
from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    InfusionCommand,
    ObservePayload,
    OfInfusion,
    SwapPayload,
    TransferPayload,
)
from pumpd.core.field_error import FieldError
from pumpd.core.freshness import Freshness
from pumpd.core.infusion_begin import (
    AtThePump,
    begun,
    counted_from,
    moved_to,
    no_dose_yet,
    ordered_before,
    watched,
)
from pumpd.core.infusion_due import accepted_totals, check_totals, with_bounds
from pumpd.core.infusion_order import check_order
from pumpd.core.infusion_record import (
    Carrier,
    Ending,
    Infusion,
    carried_on,
    ended,
    observed,
    to_waste_e6_p,
)
from pumpd.core.infusion_seen import reckoned
from pumpd.core.infusion_setup import set_under, under
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.infusion_words import beginning_words, ending_words, observation_words
from pumpd.core.same_drug import mark
from pumpd.core.state import Ordered, PumpSetup, Tick
from pumpd.core.telemetry import ChannelId, Provenance, PumpId, Telemetry
from pumpd.daemon.events import EventWriter
from pumpd.daemon.infusion_book import InfusionBook, forget_old, newest_dose, place, share_account
from pumpd.daemon.infusion_change import changed_as_asked
from pumpd.daemon.infusion_marks import check_known, patients_other_pumps
from pumpd.daemon.infusion_orders import beginning_of, observation_of
from pumpd.daemon.journalling import Owner
from pumpd.daemon.pipeline import Pipeline, set_up
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.seams import LivePump, Ward


class InfusionDesk:
    """Where infusions are begun, changed, observed, ended and moved."""

    def __init__(
        self,
        ward: Ward,
        pipeline: Pipeline,
        events: EventWriter,
        plans: Mapping[PumpId, PumpPlan],
        book: InfusionBook,
        clock: Clock,
    ) -> None:
        self._ward = ward
        self._pipeline = pipeline
        self._events = events
        self._plans = plans
        self._book = book
        self._clock = clock

    async def carry_out(self, asked: InfusionCommand) -> str:
        """Do what is asked; return, when it is on disk, what else was done. ValueError says why not."""
        more = ""
        match asked:
            case BeginPayload():
                kept = self._begin(asked)
            case ChangePayload():
                kept = self._change(asked)
            case ObservePayload():
                kept = self._observe(asked)
            case EndPayload():
                kept = self._end(asked)
            case SwapPayload():
                kept = self._swap(asked)
            case TransferPayload():
                kept, more = self._transfer(asked)
        if kept is not None:
            await kept
        return more

    def _begin(self, asked: BeginPayload) -> asyncio.Future[None] | None:
        live, now = self._live(asked.pump, asked.channel), self._pipeline.now()
        self._check_free(live)
        library, home = self._ward.library, live.home or live.place
        last = _fresh(live)
        delivers = last is not None and last.status.delivers
        setup = self._setup(live)
        carrier = Carrier(live.pump, live.channel, home.bed, home.ward, now.wall)
        pump = AtThePump(carrier, setup.flow_step, setup.ceiling, delivers)
        beginning = beginning_of(asked)
        infusion = begun(beginning, library, pump, now.wall)
        assert library is not None
        self._check_bed(live, infusion, carrier)
        check_known(self._ward, beginning.patient, asked.another_patient, now.mono_ns)
        before = newest_dose(self._ward, no_dose_yet(beginning.patient, infusion.programme.drug, library))
        watch = watched(infusion, before, now.mono_ns, new_series=beginning.new_series)
        watch = with_bounds(counted_from(watch, last))
        check_totals(beginning.order, watch.dose, None, watch.bounds, now.mono_ns)
        passed = accepted_totals(beginning.order, watch.dose, None, watch.bounds, now)
        watch = watch._replace(accepted=passed)
        self._put_away(live, watch.dose)
        words = beginning_words(infusion)
        if asked.another_patient.strip():
            words += f"; another patient of that label: {asked.another_patient}"
        return self._apply(live, watch, asked, "begun", words, afresh=True, also=[self._ward])

    def _change(self, asked: ChangePayload) -> asyncio.Future[None] | None:
        live, watch = self._of(asked)
        setup, now = self._setup(live), self._pipeline.now()
        last = live.state.last
        flow = None if last is None else last.flow.value
        watch, event, said = changed_as_asked(watch, asked, self._ward.library, setup, flow, now)
        share_account(self._ward, watch.dose)
        return self._apply(live, watch, asked, event, said)

    def _observe(self, asked: ObservePayload) -> asyncio.Future[None] | None:
        live, watch = self._of(asked)
        now = self._pipeline.now()
        seen = observation_of(asked, now)
        watch = watch._replace(infusion=observed(watch.infusion, seen), looked_ns=now.mono_ns)
        return self._apply(live, watch, asked, "observed", observation_words(seen))

    def _end(self, asked: EndPayload) -> asyncio.Future[None] | None:
        live, watch = self._of(asked)
        now, setup = self._pipeline.now(), self._setup(live)
        told = reckoned(watch, now.mono_ns, setup.freshness.stale_after_ns)
        infusion, given, up_to = watch.infusion, told.given_e6_p, told.at_most
        wasted = to_waste_e6_p(infusion, given)
        ending = Ending(asked.user, now.wall, asked.reason, given, up_to, wasted, asked.witness)
        words = f"{infusion.patient.label}: {asked.reason}; {ending_words(ending, infusion)}"
        watch = watch._replace(infusion=ended(infusion, ending), ended_ns=now.mono_ns)
        return self._apply(live, watch, asked, "ended", words)

    def _swap(self, asked: SwapPayload) -> asyncio.Future[None] | None:
        live, watch = self._of(asked)
        to, now = self._live(asked.to_pump, asked.to_channel), self._pipeline.now()
        if to is live:
            raise FieldError("to_pump", "it is on this pump already")
        self._check_free(to)
        infusion, setup = watch.infusion, self._setup(to)
        ordered = infusion.ordered
        check_order(ordered_before(infusion), infusion.entry, setup.flow_step, setup.ceiling)
        was = infusion.carrier
        carrier = Carrier(to.pump, to.channel, was.bed, was.ward, now.wall)
        moved = moved_to(watch)._replace(infusion=carried_on(infusion, carrier))
        moved = counted_from(moved, _fresh(to))
        left = watch._replace(left=True)
        # Both pumps in one transaction: after a crash the infusion is on one of them, and on no more.
        live.state = set_under(live.state, Ordered(under(self._setup(live), left), left))
        self._put_away(to, moved.dose)
        words = f"from {live.pump}/{live.channel} to {to.pump}/{to.channel}: {asked.reason}; {ordered.dose}"
        kept = self._apply(to, moved, asked, "swapped", words, afresh=True, also=[live, self._ward])
        set_up(live, live.state.setup)
        place(live, left)
        self._pipeline.take(live, Tick())
        self._pipeline.link_changed(live)
        return kept

    def _transfer(self, asked: TransferPayload) -> tuple[asyncio.Future[None] | None, str]:
        live, watch = self._of(asked)
        infusion, now = watch.infusion, self._pipeline.now()
        was = infusion.carrier
        carrier = replace(was, bed=asked.bed, ward=asked.ward or was.ward, since=now.wall, until=None)
        after = carried_on(infusion, carrier)
        self._check_bed(live, after, carrier)
        words = f"from bed {was.bed} to bed {carrier.bed}, {carrier.ward}: {asked.reason}"
        # Whatever else runs into this patient goes along: a pump left behind would stand at a wrong bed.
        along = patients_other_pumps(self._ward, live, carrier)
        for other, there in along:
            to = replace(carrier, pump=other.pump, channel=other.channel)
            gone = there._replace(infusion=carried_on(there.infusion, to))
            other.state = replace(other.state, watch=gone)
            place(other, gone)
        others = [other for other, _ in along]
        more = f"with the same patient's {', '.join(str(other.pump) for other in others)}" if others else ""
        words += f"; {more}" if more else ""
        moved = watch._replace(infusion=after)
        # All in one transaction: after a crash no two beds are written for one patient.
        kept = self._apply(live, moved, asked, "transferred", words, also=others)
        for other, there in along:
            said = (
                f"with {live.pump} from bed {there.infusion.carrier.bed} to bed {carrier.bed}: {asked.reason}"
            )
            self._pipeline.note(other, "infusion", "went-along", detail=said, by=asked.user)
            self._pipeline.link_changed(other)
        return kept, more

    def _apply(
        self,
        live: LivePump,
        watch: InfusionWatch,
        asked: InfusionCommand,
        event: str,
        detail: str,
        *,
        afresh: bool = False,
        also: Sequence[Owner] = (),
    ) -> asyncio.Future[None] | None:
        setup = under(self._setup(live), watch)
        note = self._events.note(live, "infusion", event, self._clock.wall(), detail=detail, by=asked.user)
        kept = self._pipeline.take(live, Ordered(setup, watch, afresh), asked.id, [note], also)
        set_up(live, setup)
        place(live, watch)
        self._book.regroup()
        self._book.share(live)
        self._pipeline.link_changed(live)
        return kept

    def _setup(self, live: LivePump) -> PumpSetup:
        setup = self._plans[live.pump].setup(live.channel, live.identity)
        return replace(setup, freshness=live.state.setup.freshness)  # as fast as it was read last

    def _put_away(self, live: LivePump, coming: PatientDose) -> None:
        """Keep what the patient before got, since this pump forgets it now."""
        doses, before = self._ward.doses, live.state.watch
        if before is not None and before.dose.key != coming.key:
            doses[before.dose.key] = newest_dose(self._ward, before.dose)
        doses.pop(coming.key, None)
        forget_old(doses, self._pipeline.now().mono_ns)

    def _check_free(self, live: LivePump) -> None:
        state = live.state
        if state.watch is not None and state.watch.goes_on:
            raise ValueError(f"{live.pump} carries an infusion: end it first, or move it to another pump")
        if state.wrong_device:
            raise ValueError(f"another pump answers in the place of {live.pump}: look at the pump")
        if state.setup.provenance is Provenance.REAL and not live.place.human_use:
            raise ValueError(f"{live.pump} is a laboratory pump: it is not for people")

    def _check_bed(self, live: LivePump, infusion: Infusion, carrier: Carrier) -> None:
        for other in self._ward.pumps.values():
            watch = other.state.watch
            if other is live or watch is None or not watch.goes_on or not carrier.bed:
                continue
            there = watch.infusion.carrier
            patient, mine = watch.infusion.patient, infusion.patient
            same_bed = mark(there.bed, there.ward) == mark(carrier.bed, carrier.ward)
            if same_bed and mark(*patient.marks) != mark(*mine.marks):
                raise FieldError(
                    "bed", f"bed {carrier.bed} has an infusion of another patient, on {other.pump}"
                )

    def _live(self, pump: str, channel: str) -> LivePump:
        live = self._ward.pumps.get((PumpId(pump), ChannelId(channel)))
        if live is None:
            raise ValueError(f"{pump}/{channel}: this node watches no such pump")
        return live

    def _of(self, asked: OfInfusion) -> tuple[LivePump, InfusionWatch]:
        """Return the pump and the infusion that was on the screen; ValueError when it is gone."""
        live = self._live(asked.pump, asked.channel)
        watch = live.state.watch
        if watch is None or watch.infusion.id != asked.infusion:
            raise ValueError(f"this infusion is not on {live.pump}: look again")
        if watch.left:
            there = next((f" on {c.pump}" for c in self._carriers(watch.infusion)), " on another pump")
            raise ValueError(f"this infusion goes on{there}: look there")
        return live, watch

    def _carriers(self, infusion: Infusion) -> list[Carrier]:
        watches = (live.state.watch for live in self._ward.pumps.values())
        return [w.infusion.carrier for w in watches if w and w.infusion.id == infusion.id and w.goes_on]


def _fresh(live: LivePump) -> Telemetry | None:
    """Return the newest reading of a pump; None when it is not fresh."""
    return live.state.last if live.state.freshness is Freshness.FRESH else None
