"""Takes up what an earlier run kept: alarms, restraints, infusions, and what patients got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.daemon.dose_times import DoseTimes
from pumpd.daemon.infusion_book import (
    agree,
    how_new,
    newest_dose,
    take_up_watch,
)
from pumpd.daemon.seams import LivePump, Ward
from pumpd.store.base import Durable, Restored

Key = tuple[str, str, str]


def restore(ward: Ward, restored: Restored, times: DoseTimes) -> tuple[str, ...]:
    """Give the node and its pumps what is kept of them; what this run knows already stands above it.

    Returns, in words, each infusion that goes on where nobody watches: its pump is configured no more. What
    its patient got counts all the same.
    """
    begun = _accounts(ward)
    known: dict[Key, PatientDose] = {}
    unwatched: list[str] = []
    for durable in restored.durables:
        if durable.pump is None or durable.channel is None:
            _learn(known, times.doses(durable))
            alarms = {**durable.alarms, **ward.site_state.alarms}
            ward.site_state = replace(ward.site_state, alarms=alarms)
            ward.told.alarms = alarms
            continue
        watch = times.watch(durable)
        if watch is not None:
            _learn(known, {watch.dose.key: watch.dose})
        live = ward.pumps.get((durable.pump, durable.channel))
        if live is not None:
            take_up(live, durable, watch)
        elif watch is not None and watch.goes_on:
            drug = watch.infusion.programme.drug
            where = f"{durable.pump}/{durable.channel}"
            unwatched.append(f"{where} is configured no more: its infusion of {drug} goes on unwatched")
    for key in begun.keys() & known.keys():
        known[key] = _joined(known[key], begun[key])
    ward.doses.update(known)
    agree(ward)
    for key in _accounts(ward):
        ward.doses.pop(key, None)
    return tuple(unwatched)


def take_up(live: LivePump, durable: Durable, watch: InfusionWatch | None = None) -> None:
    """Give a pump what an earlier run knew of it; what this run knows already stands above it.

    ``watch`` is the infusion it carried, its times on the clock of this run.
    """
    alarms = {**durable.alarms, **live.state.alarms}
    restraints = {**durable.restraints, **live.state.restraints}
    live.state = replace(live.state, alarms=alarms, restraints=restraints, carried=durable.delivered)
    live.told.alarms = alarms
    if live.state.watch is None and watch is not None:
        take_up_watch(live, watch)


def _accounts(ward: Ward) -> dict[Key, PatientDose]:
    """Return what patients got by the infusions that pumps know of."""
    watches = [live.state.watch for live in ward.pumps.values()]
    return {watch.dose.key: newest_dose(ward, watch.dose) for watch in watches if watch is not None}


def _learn(known: dict[Key, PatientDose], told: Mapping[Key, PatientDose]) -> None:
    for key, dose in told.items():
        known[key] = max(known.get(key, dose), dose, key=how_new)


def _joined(before: PatientDose, since: PatientDose) -> PatientDose:
    """Return what was given ``before`` and what this run counted while it could not know of that."""
    for stretch in since.account.stretches:
        before = before.plus(stretch, -1)
    return before
