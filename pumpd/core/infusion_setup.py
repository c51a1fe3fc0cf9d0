"""From an infusion to what its pump is watched under: the order and the entry it was begun with."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from pumpd.core.drug_library import DrugLimits
from pumpd.core.infusion_record import ProgrammeVersion
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.restraints import RestraintPhase
from pumpd.core.state import Ordered, PumpSetup, PumpState


def under(setup: PumpSetup, watch: InfusionWatch | None) -> PumpSetup:
    """Return ``setup`` with the order of the infusion instead of the one that is configured.

    After its end there is none. Pausing needs both libraries signed: the one of the infusion and the present.
    """
    if watch is None:
        return setup
    if not watch.goes_on:
        return replace(setup, programme=None, entry=None)
    infusion = watch.infusion
    entry = _accepted(infusion.entry, infusion.ordered)
    signed = setup.gate.library_signed and setup.provenance in infusion.signed_for
    gate = replace(setup.gate, library_signed=signed, library_allows=entry.restrain)
    return replace(setup, programme=infusion.programme, entry=entry, gate=gate)


def _accepted(entry: DrugLimits, version: ProgrammeVersion) -> DrugLimits:
    """Return the entry as it holds for an order accepted with a reason: soft up to what was ordered."""
    if not version.accepted:
        return entry
    low, high, limits = version.programme.dose_min, version.programme.dose_max, entry.dose_rate
    if high.unit is not entry.unit:
        return entry
    soft_max, soft_min = limits.soft_max, limits.soft_min
    if soft_max is not None and high.amount > soft_max.amount:
        limits = replace(limits, soft_max=high)
    if soft_min is not None and low.amount < soft_min.amount:
        limits = replace(limits, soft_min=low)
    return entry if limits is entry.dose_rate else replace(entry, dose_rate=limits)


def set_under(state: PumpState, given: Ordered) -> PumpState:
    """Return the state under another order; ``afresh`` forgets what an earlier one counted and restrained."""
    setup = given.setup
    after = replace(
        state,
        setup=setup,
        limits=setup.limits(),
        counter=setup.counter(),
        ordered=setup.ordered(),
        watch=given.watch,
    )
    if not given.afresh:
        return after
    after = replace(after, account=None, carried=None, trend=None, meant=None, over=())
    if after.phase is RestraintPhase.IDLE:
        after = replace(after, restraints=MappingProxyType({}))
    return after
