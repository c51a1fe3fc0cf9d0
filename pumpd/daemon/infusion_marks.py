"""Who is who by two marks: a label that is known by another second mark, and all the pumps of one patient."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.core.field_error import FieldError
from pumpd.core.infusion_record import Carrier, Patient
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.same_drug import mark
from pumpd.daemon.dose_times import KEPT_NS
from pumpd.daemon.seams import LivePump, Ward


def check_known(ward: Ward, patient: Patient, another: str, now_ns: int) -> None:
    """ValueError, naming both marks, when the label is known by another second mark and nobody says why.

    ``another`` says why this is another patient. A second mark that was mistyped would begin another dose
    account, and what the patient had before would count no more. As long as an account is kept, it asks.
    """
    if another.strip():
        return
    known = {one.identifier for one in _known(ward, now_ns) if mark(one.label) == mark(patient.label)}
    if not known or mark(patient.identifier) in {mark(one) for one in known}:
        return
    marks = " and ".join(sorted(known))
    words = f"{patient.label} is known here by the second mark {marks}, not by {patient.identifier}"
    raise FieldError("another_patient", f"{words}. Correct it, or say why this is another patient")


def _known(ward: Ward, now_ns: int) -> Iterator[Patient]:
    """Yield the patients whose infusions and dose accounts are kept."""
    for live in ward.pumps.values():
        watch = live.state.watch
        if watch is not None and (watch.goes_on or now_ns - watch.latest_ns <= KEPT_NS):
            yield watch.infusion.patient
    for dose in ward.doses.values():
        if now_ns - dose.latest_ns <= KEPT_NS:
            yield dose.patient


def patients_other_pumps(ward: Ward, live: LivePump, to: Carrier) -> list[tuple[LivePump, InfusionWatch]]:
    """Return what else goes on for the patient on ``live``, wherever it stands, unless at ``to`` already."""
    watch = live.state.watch
    assert watch is not None
    marks = mark(*watch.infusion.patient.marks)
    return [
        (other, there)
        for other in ward.pumps.values()
        if other is not live
        and (there := other.state.watch) is not None
        and there.goes_on
        and mark(*there.infusion.patient.marks) == marks
        and (there.infusion.carrier.bed, there.infusion.carrier.ward) != (to.bed, to.ward)
    ]
