"""From an infusion to what its pump is watched under: the order and the entry it was begun with."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from types import MappingProxyType

from pumpd.core.dosing import flow_for
from pumpd.core.drug_library import DrugLimits
from pumpd.core.infusion_record import ProgrammeVersion
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.quantities import DoseRate, FlowRate
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
    programme, doses, flows = version.programme, entry.dose_rate, entry.flow
    of = programme.concentration, programme.weight
    high, low = flow_for(programme.dose_max, *of), flow_for(programme.dose_min, *of)

    def as_flow(dose: DoseRate) -> Fraction:
        return flow_for(dose, *of)

    def ordered_as(flow: Fraction) -> DoseRate:
        """Return an ordered flow as a dose in the entry's unit, which may not be that of the order."""
        return DoseRate(doses.hard_max.amount * flow / as_flow(doses.hard_max), entry.unit)

    softer = doses
    if doses.soft_max is not None:
        softer = replace(softer, soft_max=ordered_as(max(high, as_flow(doses.soft_max))))
    if doses.soft_min is not None:
        softer = replace(softer, soft_min=ordered_as(min(low, as_flow(doses.soft_min))))
    if flows.soft_max is not None:
        flows = replace(flows, soft_max=FlowRate(max(ceil(high), flows.soft_max.nl_per_h)))
    if flows.soft_min is not None:
        flows = replace(flows, soft_min=FlowRate(min(floor(low), flows.soft_min.nl_per_h)))
    return replace(entry, dose_rate=softer, flow=flows)


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
    after = replace(after, account=None, carried=None, trend=None, meant=None, over=(), bolus=None)
    if after.phase is RestraintPhase.IDLE:
        after = replace(after, restraints=MappingProxyType({}))
    return after
