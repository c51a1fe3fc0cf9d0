"""From what was typed to the core's values; ValueError says what can not be, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pumpd.contract.infusion_payloads import AnswerPart, BeginPayload, ObservePayload, OrderPart
from pumpd.core.field_error import FieldError
from pumpd.core.infusion import Programme
from pumpd.core.infusion_begin import Beginning
from pumpd.core.infusion_record import Answer, InfusionId, Observation, Order, Patient
from pumpd.core.quantities import Concentration, DoseRate, Volume, Weight
from pumpd.core.state import Now


def dose_of(digits: str, unit: str) -> DoseRate:
    """Return a dose rate."""
    return DoseRate.parse(f"{digits} {unit}")


def answers_of(parts: Sequence[AnswerPart]) -> tuple[Answer, ...]:
    """Return the answers to the checklist."""
    return tuple(Answer(each.ask, each.yes, each.second_person, each.reason) for each in parts)


def order_of(
    part: OrderPart,
    *,
    by: str,
    checked_by: str,
    accepted: str,
    answers: Sequence[AnswerPart] = (),
    reason: str = "",
) -> Order:
    """Return what is ordered."""
    dose = dose_of(part.dose, part.dose_unit)
    if part.weight_kg is None and dose.unit.per_kg:
        raise FieldError("weight_kg", f"doses are in {dose.unit.value}: write the patient's weight")
    programme = Programme(
        part.drug,
        Concentration.parse(part.concentration),
        part.care_area,
        None if part.weight_kg is None else _weight(part.weight_kg),
        dose_of(part.dose_min, part.dose_unit),
        dose_of(part.dose_max, part.dose_unit),
        None if part.volume_ml is None else Volume.parse(part.volume_ml),
        None if part.duration_min is None else part.duration_min * 60,
        part.form,
        part.indication,
    )
    if programme.volume is not None and programme.volume.nl == 0:
        raise FieldError("volume_ml", "a volume of 0 mL: leave it out, or write what is in the syringe")
    return Order(programme, dose, by, reason, checked_by, accepted, answers_of(answers))


def _weight(text: str) -> Weight:
    try:
        return Weight.parse(text)
    except ValueError as error:
        raise FieldError("weight_kg", str(error)) from None


def beginning_of(asked: BeginPayload) -> Beginning:
    """Return what is to begin."""
    order = order_of(
        asked.order,
        by=asked.user,
        checked_by=asked.checked_by,
        accepted=asked.accepted,
        answers=asked.answers,
    )
    patient = Patient(asked.label, asked.identifier)
    return Beginning(InfusionId(asked.id), patient, order, asked.template, asked.new_series)


def observation_of(asked: ObservePayload, now: Now) -> Observation:
    """Return what somebody saw."""
    return Observation(
        asked.user,
        now.wall,
        asked.pain,
        asked.sedation,
        asked.systolic_mmhg,
        asked.diastolic_mmhg,
        asked.pulse_per_min,
        asked.spo2_percent,
        asked.side_effects,
    )
