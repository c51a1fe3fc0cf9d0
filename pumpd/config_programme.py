"""A pump's programme against itself, the drug library and the pump's ceiling."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.config_models import PumpSection
from pumpd.config_order import OrderSection, ProgrammeSection
from pumpd.core.dosing import flow_for
from pumpd.core.drug_library import DrugLibrary, DrugLimits, Restrain
from pumpd.core.restraint_gate import Enforcement
from pumpd.core.telemetry import Provenance
from pumpd.document import DocPath, Document
from pumpd.errors import Problem

_WEIGH_AGAIN = "weigh again and check the unit, or have the library extended and signed"


def programme_problems(
    document: Document,
    place: DocPath,
    pump: PumpSection,
    library: DrugLibrary | None,
    doubtful: frozenset[str],
) -> Iterator[Problem]:
    """Yield what is wrong with the programme of the pump at ``place``."""
    programme = pump.programme
    if programme is None:
        return
    here = (*place, "programme")
    fits = list(_fits_itself(document, here, programme))
    yield from fits
    if not fits:
        yield from _ceiling(document, place, pump, programme)
    if library is None:
        return
    entry = library.lookup(
        programme.drug, programme.concentration, programme.care_area, programme.form, programme.indication
    )
    if entry is None and programme.drug in doubtful:
        return
    if entry is None:
        yield from no_entry(document, here, programme, library)
        return
    if not fits:
        yield from _hard_limits(document, here, programme, entry)
    yield from _bounds(document, here, programme, entry)
    yield from _enforcement(document, place, pump, entry, library)


def _fits_itself(document: Document, here: DocPath, programme: ProgrammeSection) -> Iterator[Problem]:
    low, high = programme.dose_min, programme.dose_max
    if low.unit is not high.unit:
        yield document.problem(
            (*here, "dose_min"),
            f"dose_min is in {low.unit.value} and dose_max in {high.unit.value}",
            "one unit for both",
            f"write both in {high.unit.value}",
        )
    elif low.amount > high.amount:
        yield document.problem(
            (*here, "dose_min"), f"dose_min {low} is above dose_max {high}", f"at most {high}", "swap the two"
        )
    for name, dose in (("dose_min", low), ("dose_max", high)):
        if dose.unit.kind is not programme.concentration.kind:
            yield document.problem(
                (*here, name),
                f"{dose.unit.value} can not be worked out from {programme.concentration}",
                "a mass per time for mg or ug per mL, U/h for U/mL",
                "mend the unit of the dose or of the concentration",
            )
    if high.unit.per_kg and programme.weight is None:
        yield document.problem(
            (*here, "weight"),
            f"a dose in {high.unit.value} needs the patient's weight",
            "a weight such as 70 kg",
            "add weight: with what the patient weighs",
        )


def no_entry(
    document: Document, here: DocPath, programme: OrderSection, library: DrugLibrary
) -> Iterator[Problem]:
    """Say which of drug, care area and concentration the library does not have, in that order."""
    of_drug = [entry for entry in library.entries if entry.drug == programme.drug]
    in_area = [entry for entry in of_drug if entry.care_area == programme.care_area]
    if not of_drug:
        key, value = "drug", programme.drug
        known = sorted({entry.drug for entry in library.entries})
    elif not in_area:
        key, value = "care_area", programme.care_area
        known = sorted({entry.care_area for entry in of_drug})
    elif programme.concentration not in {entry.concentration for entry in in_area}:
        key, value = "concentration", str(programme.concentration)
        known = sorted({str(entry.concentration) for entry in in_area})
    else:
        yield _which(document, here, programme, library)
        return
    yield document.problem(
        (*here, key),
        f"the drug library {library.version} has no {key} '{value}'"
        + ("" if key == "drug" else f" for {programme.drug}"),
        ", ".join(known) or "nothing: the library is empty",
        "write one of them, or have the library extended and signed",
    )


def _which(document: Document, here: DocPath, programme: OrderSection, library: DrugLibrary) -> Problem:
    """Say that form or indication does not name one entry."""
    entries = library.matching(programme.drug, programme.concentration, programme.care_area)
    forms = sorted({entry.form for entry in entries})
    key = "form" if len(forms) > 1 or programme.form not in ("", *forms) else "indication"
    known = sorted({getattr(entry, key) for entry in entries})
    given = getattr(programme, key)
    what = f"the drug library {library.version} has no {key} '{given}' for {programme.drug}"
    if not given:
        what = f"the drug library {library.version} has several entries for {programme.drug}"
    return document.problem((*here, key), what, ", ".join(known), f"add {key}: with one of these")


def _hard_limits(
    document: Document, here: DocPath, programme: ProgrammeSection, entry: DrugLimits
) -> Iterator[Problem]:
    weight = programme.weight
    if entry.by_weight and weight is None:
        yield document.problem(
            (*here, "weight"),
            f"the library's limits are {entry.by_weight}, which needs the patient's weight",
            "a weight such as 70 kg",
            "add weight: with what the patient weighs",
        )
        return

    ordered = {
        name: flow_for(getattr(programme, name), entry.concentration, weight)
        for name in ("dose_min", "dose_max")
    }
    hard_max, hard_min = entry.dose_rate.hard_max, entry.dose_rate.hard_min
    for name, exact in ordered.items():
        if exact > flow_for(hard_max, entry.concentration, weight):
            yield document.problem(
                (*here, name),
                f"{name} {getattr(programme, name)} is above the library's hard maximum",
                f"at most {hard_max}",
                "lower the ordered dose; a hard limit has no exception",
            )
        elif hard_min is not None and exact < flow_for(hard_min, entry.concentration, weight):
            yield document.problem(
                (*here, name),
                f"{name} {getattr(programme, name)} is below the library's hard minimum",
                f"at least {hard_min}",
                "raise the ordered dose; a hard limit has no exception",
            )


def _bounds(
    document: Document, here: DocPath, programme: ProgrammeSection, entry: DrugLimits
) -> Iterator[Problem]:
    """Yield what of weight, duration and volume is outside the library's hard limits."""
    weight = programme.weight
    if weight is not None and entry.lightest is not None and weight < entry.lightest:
        what = f"{weight} is below the lightest patient the library's limits are meant for"
        yield document.problem((*here, "weight"), what, f"at least {entry.lightest}", _WEIGH_AGAIN)
    if weight is not None and entry.heaviest is not None and weight > entry.heaviest:
        what = f"{weight} is above the heaviest patient the library's limits are meant for"
        yield document.problem((*here, "weight"), what, f"at most {entry.heaviest}", _WEIGH_AGAIN)
    minutes, hard_s = programme.duration_min, entry.duration_s.hard_max
    if minutes is not None and hard_s is not None and minutes * 60 > hard_s:
        what = f"{minutes} min is above the library's hard maximum"
        yield document.problem(
            (*here, "duration_min"), what, f"at most {hard_s // 60}", "shorten the infusion"
        )
    volume, hard = programme.volume, entry.volume.hard_max
    if volume is not None and hard is not None and volume > hard:
        what = f"{volume} is above the library's hard maximum"
        yield document.problem((*here, "volume"), what, f"at most {hard}", "lower the volume")


def _ceiling(
    document: Document, place: DocPath, pump: PumpSection, programme: ProgrammeSection
) -> Iterator[Problem]:
    if pump.ceiling is None:
        return
    needed = flow_for(programme.dose_max, programme.concentration, programme.weight)
    if needed > pump.ceiling.nl_per_h:
        millilitres = f"{float(needed) / 1e6:.4g}"
        yield document.problem(
            (*place, "ceiling"),
            f"{pump.ceiling} is below the ordered {programme.dose_max}, which is {millilitres} mL/h",
            f"at least {millilitres} mL/h",
            "raise the ceiling or lower dose_max",
        )


def _enforcement(
    document: Document, place: DocPath, pump: PumpSection, entry: DrugLimits, library: DrugLibrary
) -> Iterator[Problem]:
    """Asking for more than the library allows would look safe on paper and do nothing at the bed."""
    if pump.enforcement is Enforcement.ALARM:
        return
    path = (*place, "enforcement")
    kind = Provenance.REAL if pump.real else Provenance.DEMO
    if kind not in library.signed_for:
        signed = ", ".join(sorted(p.value for p in library.signed_for)) or "no pump"
        yield document.problem(
            path,
            f"the drug library {library.version} is signed for {signed}, not for {kind.value} pumps",
            "alarm",
            "write enforcement: alarm, or have the library signed",
        )
    elif entry.restrain is Restrain.NONE or (
        pump.enforcement is Enforcement.PAUSE and entry.restrain is not Restrain.PAUSE
    ):
        allowed = "alarm" if entry.restrain is Restrain.NONE else "alarm, cap"
        yield document.problem(
            path,
            f"the drug library does not allow {pump.enforcement.value} for {entry.drug}",
            allowed,
            "write what the library allows",
        )
