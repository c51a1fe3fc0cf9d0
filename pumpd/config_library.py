"""The drug library's file: every number with where it comes from, and who signed it for which pumps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pumpd.config_models import Section
from pumpd.core.drug_library import DoseLimits, DrugLibrary, DrugLimits, Restrain
from pumpd.core.quantities import DoseUnit
from pumpd.core.telemetry import Provenance
from pumpd.document import Document, read_document
from pumpd.document_check import check, in_order
from pumpd.errors import ConfigError, Problem
from pumpd.fields import Dose, DrugConcentration, refused

_SOURCE = "where the number was published; a number without a source is refused"
_SOURCE_EXAMPLE = '"Journal 2020;1:2-3, table 4"'


def _said(text: str) -> str:
    if len(text.strip()) < 8:
        raise refused(f"{text!r} is no source", _SOURCE, f"write source: {_SOURCE_EXAMPLE}")
    return text


Source = Annotated[str, AfterValidator(_said)]


class Bound(Section):
    """One limit of a dose rate."""

    value: Dose = Field(description="a dose rate such as 0.5 mg/kg/h", examples=["0.5 mg/kg/h"])
    source: Source = Field(description=_SOURCE, examples=[_SOURCE_EXAMPLE])


class Strength(Section):
    """One concentration in which the drug is given."""

    value: DrugConcentration = Field(description="a concentration such as 2 mg/mL", examples=["2 mg/mL"])
    source: Source = Field(description=_SOURCE, examples=[_SOURCE_EXAMPLE])


class DoseRateSection(Section):
    """The bounds of an entry: hard_min <= soft_min <= soft_max <= hard_max, all in one unit."""

    hard_max: Bound = Field(description="the dose rate that must never be exceeded: value and source")
    soft_max: Bound | None = Field(default=None, description="above it somebody should look")
    soft_min: Bound | None = Field(default=None, description="below it somebody should look")
    hard_min: Bound | None = Field(default=None, description="below it the infusion has no use")

    def bounds(self) -> dict[str, Bound]:
        """Return the bounds that there are, from the lowest to the highest."""
        named = {name: getattr(self, name) for name in ("hard_min", "soft_min", "soft_max", "hard_max")}
        return {name: bound for name, bound in named.items() if bound is not None}


class EntrySection(Section):
    """One drug in one care area, in the concentrations that may be used there."""

    drug: str = Field(
        min_length=1, description="the drug's name, as programmes spell it", examples=["ketamine"]
    )
    care_area: str = Field(min_length=1, description="where it is given", examples=["pain-clinic"])
    concentrations: tuple[Strength, ...] = Field(description="a list of concentrations: value and source")
    dose_rate: DoseRateSection = Field(description="limits of the dose rate")
    restraint: Restrain = Field(
        description="what pumpd may do to a pump that gives too much: none, cap or pause", examples=["none"]
    )


class Signature(Section):
    """A person who answers for the numbers."""

    name: str = Field(min_length=3, description="the person's name", examples=["B. Keller"])
    role: str = Field(min_length=3, description="the person's role", examples=["pharmacist"])
    date: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$", description="the day, as YYYY-MM-DD", examples=["2026-01-31"]
    )


class LibrarySection(Section):
    """The whole file."""

    version: str = Field(min_length=1, description="the library's version, as text", examples=['"2026-1"'])
    signed_for: tuple[Literal["demo", "real"], ...] = Field(
        default=(), description="the kinds of pump the signatures cover: demo, real", examples=["[demo]"]
    )
    signatures: tuple[Signature, ...] = Field(default=(), description="who signed: name, role, date")
    entries: tuple[EntrySection, ...] = Field(description="a list of drugs: drug, care_area, dose_rate ...")


def load_library(file: Path, shown_as: str | None = None) -> DrugLibrary:
    """Return the drug library in ``file``; ConfigError names every problem in it."""
    document = read_document(file, shown_as)
    library, problems = check_library(document)
    if problems:
        raise ConfigError(problems)
    assert library is not None
    return library


def check_library(document: Document) -> tuple[DrugLibrary | None, tuple[Problem, ...]]:
    """Return what could be read of a library and every problem in it; None when nothing could."""
    checked = check(document, LibrarySection)
    if checked.model is None:
        return None, checked.problems
    problems = list(checked.problems)
    said = {problem.path for problem in problems}
    entries: list[DrugLimits] = []
    for at, section in enumerate(checked.model.entries):
        place = checked.place(("entries", at))
        found = [*_fit(document, section, (*place, "dose_rate"))]
        found += [*_unlike(document, section, (*place, "concentrations"), entries)]
        problems += [problem for problem in found if problem.path not in said]
        if not found:
            entries += _entries(section)
    problems += _signed(document, checked.model)
    library = DrugLibrary(
        version=checked.model.version,
        sha256=document.sha256,
        entries=tuple(entries),
        signed_for=frozenset(Provenance(kind) for kind in checked.model.signed_for),
    )
    return library, in_order(problems)


def drugs_named(document: Document) -> frozenset[str]:
    """Return every drug that a library names, whether its entry is good or not."""
    entries = document.data.get("entries") if isinstance(document.data, dict) else None
    if not isinstance(entries, list):
        return frozenset()
    names = [entry.get("drug") for entry in entries if isinstance(entry, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def _fit(document: Document, section: EntrySection, place: tuple[str | int, ...]) -> list[Problem]:
    """Return what does not fit among the bounds of one entry."""
    bounds = section.dose_rate.bounds()
    unit = section.dose_rate.hard_max.value.unit
    problems = []
    for name, bound in bounds.items():
        if bound.value.unit is not unit:
            what = f"{bound.value} is not in the unit of hard_max"
            remedy = f"write it in {unit.value}"
            problems.append(document.problem((*place, name, "value"), what, unit.value, remedy))
    for strength in section.concentrations:
        if strength.value.kind is not unit.kind:
            what = f"{unit.value} can not be worked out from {strength.value}"
            problems.append(
                document.problem(
                    (*place, "hard_max", "value"),
                    what,
                    "mass with mg or ug per mL, units with U per mL",
                    "mend the unit of the limit or of the concentration",
                )
            )
    if problems:
        return problems
    names = list(bounds)
    for lower, upper in pairwise(names):
        if bounds[lower].value.amount > bounds[upper].value.amount:
            problems.append(
                document.problem(
                    (*place, lower, "value"),
                    f"{lower} {bounds[lower].value} is above {upper} {bounds[upper].value}",
                    "hard_min <= soft_min <= soft_max <= hard_max",
                    f"lower {lower} or raise {upper}, with its source",
                )
            )
    return problems


def _unlike(
    document: Document, section: EntrySection, place: tuple[str | int, ...], before: list[DrugLimits]
) -> list[Problem]:
    """Return a problem for each concentration that an earlier entry covers, or for an empty list."""
    if not section.concentrations:
        return [
            document.problem(
                place, "there is no concentration", "one or more", "add - {value: 2 mg/mL, source: ...}"
            )
        ]
    taken = {(entry.drug, entry.care_area, entry.concentration) for entry in before}
    problems = []
    for at, strength in enumerate(section.concentrations):
        key = (section.drug, section.care_area, strength.value)
        if key in taken:
            what = f"{section.drug} {strength.value} in {section.care_area} stands twice in the library"
            problems.append(
                document.problem(
                    (*place, at), what, "one entry per drug, concentration and care area", "remove one"
                )
            )
        taken.add(key)
    return problems


def _signed(document: Document, model: LibrarySection) -> list[Problem]:
    """Two people answer for real pumps, one for simulated ones; a signature must say for what."""
    needed = 2 if "real" in model.signed_for else 1 if model.signed_for else 0
    names = {signature.name for signature in model.signatures}
    if len(names) < needed:
        what = f"signed for {', '.join(model.signed_for)} by {len(names)} of the {needed} people needed"
        remedy = "add - {name: ..., role: ..., date: YYYY-MM-DD} to signatures, or write signed_for: []"
        allowed = "one signature for demo, two by different people for real"
        return [document.problem(("signed_for",), what, allowed, remedy)]
    return []


def _entries(section: EntrySection) -> list[DrugLimits]:
    bounds = section.dose_rate.bounds()
    unit: DoseUnit = section.dose_rate.hard_max.value.unit
    limits = DoseLimits(**{name: bound.value for name, bound in bounds.items()})
    return [
        DrugLimits(
            drug=section.drug,
            concentration=strength.value,
            care_area=section.care_area,
            unit=unit,
            dose_rate=limits,
            restrain=section.restraint,
            source="; ".join(
                [f"concentration: {strength.source}", *(f"{name}: {b.source}" for name, b in bounds.items())]
            ),
        )
        for strength in section.concentrations
    ]
