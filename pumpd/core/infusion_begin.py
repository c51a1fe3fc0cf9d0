"""The beginning of an infusion, and its way to another pump: what must hold, in words for who asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pumpd.core.drug_library import DrugLibrary
from pumpd.core.field_error import FieldError
from pumpd.core.infusion_order import check_answers, check_order, entry_for
from pumpd.core.infusion_record import (
    Carrier,
    Infusion,
    InfusionId,
    Order,
    Patient,
    ProgrammeVersion,
)
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.telemetry import Telemetry
from pumpd.core.total_dose import DoseAccount

KEPT_AT_LEAST_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a nurse asks for."""

    id: InfusionId
    patient: Patient
    order: Order
    template: str = ""
    new_series: bool = False


@dataclass(frozen=True, slots=True)
class AtThePump:
    """The pump that is to carry it, as it is known at this moment."""

    carrier: Carrier
    step: FlowRate
    ceiling: FlowRate | None
    delivers: bool
    """It is known to run already."""


def begun(asked: Beginning, library: DrugLibrary | None, pump: AtThePump, at: datetime) -> Infusion:
    """Return the infusion; ValueError when library or pump does not allow it, or marks are missing."""
    patient, order = asked.patient, asked.order
    for field in ("label", "identifier"):
        if not getattr(patient, field).strip():
            raise FieldError(field, "the patient needs two marks: a label and a second identifier")
    entry = entry_for(library, order.programme)
    assert library is not None
    check_order(order, entry, pump.step, pump.ceiling)
    check_answers(entry, order.answers, order.by, all_of_them=not pump.delivers)
    first = ProgrammeVersion(
        1, order.programme, order.dose, order.by, at, order.reason, order.checked_by, order.accepted
    )
    return Infusion(
        asked.id,
        patient,
        entry,
        library.version,
        library.sha256,
        (first,),
        (pump.carrier,),
        order.answers,
        library.signed_for,
        attached=pump.delivers,
        template=asked.template,
    )


def no_dose_yet(patient: Patient, drug: str, library: DrugLibrary) -> PatientDose:
    """Return the account of a patient who got nothing, long enough for every window of the drug."""
    return PatientDose(patient, drug, DoseAccount(longest_window_ns(library, drug)))


def longest_window_ns(library: DrugLibrary, drug: str) -> int:
    """Return the longest window that any entry of ``drug`` asks about, in ns; a day when none asks for more.

    A library that replaces this one may look back, and finds a day at least.
    """
    windows_s = (
        total.window_s
        for entry in library.entries
        if entry.drug == drug
        for total in entry.totals
        if total.window_s is not None
    )
    return max((KEPT_AT_LEAST_S, *windows_s)) * NS_PER_S


def watched(infusion: Infusion, dose: PatientDose, now_ns: int, *, new_series: bool) -> InfusionWatch:
    """Return the watch of an infusion that begins now, on top of what the patient got before."""
    if new_series:
        dose = dose._replace(series_e6_p=0)
    return InfusionWatch(infusion, now_ns, dose)


def counted_from(watch: InfusionWatch, last: Telemetry | None) -> InfusionWatch:
    """Return the watch counting from ``last``, the newest reading of its pump; None when that is not fresh.

    So what flows before the next reading is counted, also when nobody watches until then.
    """
    if last is None or last.volume.value is None:
        return watch
    to_come = last.volume_to_be_infused.value
    return watch._replace(
        counter_nl=last.volume.value.nl,
        to_come_nl=None if to_come is None else to_come.nl,
        taken_ns=last.taken_ns,
        credited_ns=last.taken_ns,
    )


def ordered_before(infusion: Infusion) -> Order:
    """Return what is ordered now, to be held against another pump."""
    version = infusion.ordered
    return Order(
        version.programme, version.dose, version.by, version.reason, version.checked_by, version.accepted
    )


def moved_to(watch: InfusionWatch) -> InfusionWatch:
    """Return the watch as it goes on on another pump, whose counter nobody has read yet."""
    return watch._replace(
        up_to=watch.at_most,
        account_ns=None,
        counted_nl=0,
        stepped_nl=0,
        elsewhere_nl=0,
        counter_nl=0,
        to_come_nl=None,
        torn=False,
        resumed=False,
        credited_ns=None,
        taken_ns=None,
        pace_nl_h=0,
        rate_nl_h=None,
        raise_from_nl_h=None,
        agrees=None,
        stood_since=False,
        left=False,
    )
