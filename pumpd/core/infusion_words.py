"""Infusions in words, for the journal and the screen: whole sentences, every number with its unit."""

from __future__ import annotations

from pumpd.core.infusion_record import Ending, Infusion, Observation, ProgrammeVersion
from pumpd.core.quantities import NL_PER_ML, PG_PER_MG, PU_PER_U, AmountKind, Concentration, decimal_text

SHOWN = 1000
"""Amounts are shown to a thousandth of a milligram or unit, rounded half up."""


def amount_digits(amount_e6_p: int, kind: AmountKind) -> str:
    """Return an amount in millionths of a picogram (or pico-unit) as mg (or U), in plain digits."""
    per = NL_PER_ML * (PG_PER_MG if kind is AmountKind.MASS else PU_PER_U)
    return decimal_text((2 * amount_e6_p * SHOWN + per) // (2 * per), SHOWN)


def amount_unit(concentration: Concentration) -> str:
    """Return in what the amount of a drug is shown."""
    return "mg" if concentration.kind is AmountKind.MASS else "U"


def amount_words(amount_e6_p: int, concentration: Concentration, *, up_to: bool = False) -> str:
    """Return an amount with its unit."""
    text = f"{amount_digits(amount_e6_p, concentration.kind)} {amount_unit(concentration)}"
    return f"up to {text}" if up_to else text


def order_words(version: ProgrammeVersion) -> str:
    """Return what is ordered."""
    programme = version.programme
    said = [
        f"{programme.drug} {programme.concentration}",
        f"{version.dose} of {programme.dose_min} to {programme.dose_max}",
    ]
    if programme.weight is not None:
        said.append(str(programme.weight))
    if programme.volume is not None:
        said.append(str(programme.volume))
    if programme.duration_s is not None:
        said.append(f"{programme.duration_s // 60} min")
    if version.checked_by:
        said.append(f"checked by {version.checked_by}")
    if version.accepted:
        said.append(f"soft limits passed: {version.accepted}")
    return ", ".join(said)


def beginning_words(infusion: Infusion) -> str:
    """Return how it began, with all that was answered; it goes over MQTT, so no identifier is in it."""
    said = [
        f"{infusion.patient.label}: {order_words(infusion.begun)}",
        f"library {infusion.library_version}",
    ]
    if infusion.template:
        said.append(f"template {infusion.template}")
    if infusion.attached:
        said.append("the pump ran already")
    for answer in infusion.answers:
        more = f" ({answer.second_person}: {answer.reason})" if answer.second_person else ""
        said.append(f"{answer.ask} {'yes' if answer.yes else 'no'}{more}")
    return "; ".join(said)


def ending_words(ending: Ending, infusion: Infusion) -> str:
    """Return what was given and what is left; of what was given at most, that much is left at least."""
    of = infusion.programme.concentration
    words = f"given {amount_words(ending.given_e6_p, of, up_to=ending.up_to)}"
    if ending.wasted_e6_p is None:
        return words
    least = "at least " if ending.up_to else ""
    words += f", to waste {least}{amount_words(ending.wasted_e6_p, of)}"
    return words + (f" (witness {ending.witness})" if ending.witness else "")


def observation_words(seen: Observation) -> str:
    """Return what somebody saw."""
    said = []
    if seen.pain is not None:
        said.append(f"pain {seen.pain} of 10")
    if seen.sedation:
        said.append(f"sedation {seen.sedation}")
    if seen.systolic_mmhg is not None or seen.diastolic_mmhg is not None:
        upper = "?" if seen.systolic_mmhg is None else seen.systolic_mmhg
        lower = "?" if seen.diastolic_mmhg is None else seen.diastolic_mmhg
        said.append(f"blood pressure {upper}/{lower} mmHg")
    if seen.pulse_per_min is not None:
        said.append(f"pulse {seen.pulse_per_min}/min")
    if seen.spo2_percent is not None:
        said.append(f"SpO2 {seen.spo2_percent} %")
    if seen.side_effects:
        said.append(f"side effects: {seen.side_effects}")
    return ", ".join(said)
