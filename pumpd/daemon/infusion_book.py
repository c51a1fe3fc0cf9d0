"""Keeps what infusions gave: on disk while it flows, over restarts, the same on all pumps of a patient."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from pumpd.core.infusion_setup import under
from pumpd.core.infusion_watch import SAVED_EVERY_NS, InfusionWatch, PatientDose
from pumpd.daemon.dose_times import KEPT_NS
from pumpd.daemon.journalling import JournalDesk
from pumpd.daemon.pipeline import set_up
from pumpd.daemon.seams import LivePump, Ward


class InfusionBook:
    """Told of every reading that moved an infusion, and of every infusion that came, moved or went."""

    def __init__(self, ward: Ward, desk: JournalDesk) -> None:
        self._ward = ward
        self._desk = desk
        self._saved_ns: dict[LivePump, int] = {}
        self._together: dict[LivePump, tuple[LivePump, ...]] = {}

    def regroup(self) -> None:
        """Learn anew which pumps give the same patient the same drug."""
        groups: dict[tuple[str, str, str], list[LivePump]] = defaultdict(list)
        for live in self._ward.pumps.values():
            if live.state.watch is not None and not live.state.watch.stood_since:
                groups[live.state.watch.dose.key].append(live)
        self._together = {
            live: tuple(other for other in group if other is not live)
            for group in groups.values()
            for live in group
            if len(group) > 1
        }

    def share(self, live: LivePump) -> None:
        """Let the patient's other pumps know what ``live`` knows the patient got: there is one account."""
        watch = live.state.watch
        for other in self._together.get(live, ()):
            assert watch is not None
            assert other.state.watch is not None
            other.state = replace(other.state, watch=other.state.watch._replace(dose=watch.dose))

    def _add_late(self, live: LivePump, watch: InfusionWatch, before: InfusionWatch) -> None:
        """Add what ``live`` still gave after the infusion left it to where the infusion goes on."""
        for other in self._together.get(live, ()):
            there = other.state.watch
            if there is None or there.left or there.infusion.id != watch.infusion.id:
                continue
            there = there._replace(
                given_e6_p=there.given_e6_p + watch.given_e6_p - before.given_e6_p,
                given_nl=there.given_nl + watch.given_nl - before.given_nl,
                up_to=there.up_to or watch.at_most,
            )
            other.state = replace(other.state, watch=there)

    def moved(self, live: LivePump, before: InfusionWatch | None) -> bool:
        """Keep what ``live`` gave, and tell the patient's other pumps; True when people should see it now."""
        watch = live.state.watch
        if watch is None or before is None:
            return True
        if watch.dose is not before.dose:
            self.share(live)
            if watch.left:
                self._add_late(live, watch, before)
            taken_ns = watch.taken_ns or 0
            if taken_ns - self._saved_ns.get(live, 0) >= SAVED_EVERY_NS:
                self._saved_ns[live] = taken_ns
                self._desk.save(live)
        return _seen(watch) != _seen(before)


def _seen(watch: InfusionWatch) -> tuple[object, ...]:
    """Return what is more than a number that runs on."""
    standing = watch.standing_ns is not None
    return id(watch.infusion), watch.agrees, watch.at_most, watch.flowed_from_ns, standing, watch.stood_since


def newest_dose(ward: Ward, dose: PatientDose) -> PatientDose:
    """Return what the patient got of the drug by all that is known; ``dose`` when nothing is.

    It is kept for as long as ``dose`` asks, which is longer where a new library looks further back.
    """
    watches = (live.state.watch for live in ward.pumps.values())
    known = [watch.dose for watch in watches if watch is not None and watch.dose.key == dose.key]
    if dose.key in ward.doses:
        known.append(ward.doses[dose.key])
    newest = max(known, key=how_new, default=dose)
    keep_ns = max(newest.account.keep_ns, dose.account.keep_ns)
    return newest._replace(account=newest.account._replace(keep_ns=keep_ns))


def how_new(dose: PatientDose) -> tuple[int, int, int]:
    """Return what is greater in the newer of two accounts: a sum only grows, and a series begins at 0."""
    return dose.account.total_e6_p, -dose.series_e6_p, dose.account.keep_ns


def agree(ward: Ward) -> None:
    """Let all pumps of a patient begin with the newest account of what was given: each kept its own."""
    for live in ward.pumps.values():
        watch = live.state.watch
        if watch is not None:
            newest = newest_dose(ward, watch.dose)
            live.state = replace(live.state, watch=watch._replace(dose=newest))


def share_account(ward: Ward, dose: PatientDose) -> None:
    """Let every pump of the patient count on from ``dose``: it may be kept for longer by now."""
    for live in ward.pumps.values():
        watch = live.state.watch
        if (
            watch is not None
            and watch.dose.key == dose.key
            and watch.dose.account.keep_ns < dose.account.keep_ns
        ):
            live.state = replace(live.state, watch=watch._replace(dose=dose))


def forget_old(doses: dict[tuple[str, str, str], PatientDose], now_ns: int) -> None:
    """Forget what was given so long ago that no limit asks about it any more."""
    for key, dose in list(doses.items()):
        if now_ns - dose.latest_ns > KEPT_NS:
            del doses[key]


def take_up_watch(live: LivePump, watch: InfusionWatch) -> None:
    """Give a pump the infusion that it carried in an earlier run: its order, its label, its bed."""
    live.state = replace(live.state, watch=watch)
    set_up(live, under(live.state.setup, watch))
    place(live, watch)


def place(live: LivePump, watch: InfusionWatch | None) -> None:
    """Let the pump stand where its infusion is, under its label; after the end without any label."""
    home = live.home or live.place
    live.home = home
    if watch is None or watch.left or watch.ended_ns is not None:
        live.place = replace(home, label="")
        return
    carrier = watch.infusion.carrier
    live.place = replace(home, bed=carrier.bed, ward=carrier.ward, label=watch.infusion.patient.label)
