"""The drug library's file: every number with where it comes from, and who signed it for which pumps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pumpd.config_library_entry import entries_of
from pumpd.config_library_models import Bounded, EntrySection, LibrarySection
from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import DrugLibrary, DrugLimits, TotalOver, size
from pumpd.core.telemetry import Provenance
from pumpd.document import DocPath, Document, read_document
from pumpd.document_check import check, in_order
from pumpd.errors import ConfigError, Problem

_RISING = "hard_min <= soft_min <= soft_max <= hard_max"


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
        found = [*_fit(document, section, (*place, "dose_rate")), *_bounds(document, section, place)]
        found += [*_unlike(document, section, (*place, "concentrations"), entries)]
        problems += [problem for problem in found if problem.path not in said]
        if not found:
            entries += entries_of(section)
    if not problems:
        problems += _signed(document, checked.model)
    library = DrugLibrary(
        version=checked.model.version,
        sha256=document.sha256,
        entries=tuple(entries),
        signed_for=frozenset(Provenance(kind) for kind in checked.model.signed_for),
        valid_from=checked.model.valid_from,
        review_by=checked.model.review_by,
        content_sha256=content_hash(document),
    )
    return library, in_order(problems)


def drugs_named(document: Document) -> frozenset[str]:
    """Return every drug that a library names, whether its entry is good or not."""
    entries = document.data.get("entries") if isinstance(document.data, dict) else None
    if not isinstance(entries, list):
        return frozenset()
    names = [entry.get("drug") for entry in entries if isinstance(entry, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def content_hash(document: Document) -> str:
    """Return what a signature is of, in hex: all that stands in the file but who signed, however laid out."""
    data = document.data if isinstance(document.data, dict) else {}
    content = {key: value for key, value in data.items() if key not in {"signed_for", "signatures"}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _fit(document: Document, section: EntrySection, place: DocPath) -> list[Problem]:
    """Return what does not fit among the bounds of the dose rate."""
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
            problems.append(_falling(document, place, lower, upper, bounds))
    return problems


def _falling(
    document: Document, place: DocPath, lower: str, upper: str, bounds: dict[str, object]
) -> Problem:
    values = {name: getattr(bounds[name], "value", "") for name in (lower, upper)}
    return document.problem(
        (*place, lower, "value"),
        f"{lower} {values[lower]} is above {upper} {values[upper]}",
        _RISING,
        f"lower {lower} or raise {upper}, with its source",
    )


def _bounds(document: Document, section: EntrySection, place: DocPath) -> Iterator[Problem]:
    """Yield what does not fit among every other bound of an entry."""
    bounded: list[tuple[DocPath, Bounded]] = [
        ((*place, name), getattr(section, name)) for name in ("flow", "duration", "volume")
    ]
    if section.bolus is not None:
        bounded.append(((*place, "bolus", "amount"), section.bolus.amount))
    bounded += [((*place, "total_dose", at), total) for at, total in enumerate(section.total_dose)]
    for here, bounds_section in bounded:
        bounds = bounds_section.bounds()
        amounts = {n: b.value for n, b in bounds.items() if isinstance(b.value, DrugAmount)}
        kind = section.dose_rate.hard_max.value.unit.kind
        for name, amount in amounts.items():
            if amount.unit.kind is not kind:
                what = f"{amount} is not what the dose rate counts"
                yield document.problem(
                    (*here, name, "value"), what, "mass with mass, U with U", "mend the unit"
                )
        if len({amount.unit for amount in amounts.values()}) > 1:
            yield document.problem(here, "the bounds are in different units", "one unit", "write both in one")
            continue
        for lower, upper in pairwise(bounds):
            if size(bounds[lower].value) > size(bounds[upper].value):
                yield _falling(document, here, lower, upper, bounds)
    for at, total in enumerate(section.total_dose):
        here = (*place, "total_dose", at)
        if (total.over is TotalOver.WINDOW) is (total.window_h is None):
            what = "window_h stands with over: window, and only there"
            yield document.problem((*here, "window_h"), what, "hours for a window", "add it or take it away")
        if not total.bounds():
            yield document.problem(here, "there is no limit", "hard_max, soft_max or both", "add hard_max:")
    yield from _weights_and_steps(document, section, place)


def _weights_and_steps(document: Document, section: EntrySection, place: DocPath) -> Iterator[Problem]:
    low, high = section.weight.min, section.weight.max
    if low is not None and high is not None and low.value > high.value:
        what = f"min {low.value} is above max {high.value}"
        yield document.problem((*place, "weight", "min", "value"), what, "min <= max", "swap the two")
    unit = section.dose_rate.hard_max.value.unit
    if section.titration is not None and section.titration.largest_step.unit is not unit:
        what = f"{section.titration.largest_step} is not in the unit of the dose rate"
        here = (*place, "titration", "largest_step")
        yield document.problem(here, what, unit.value, f"write it in {unit.value}")
    if section.titration is not None and section.titration.largest_step.amount == 0:
        here = (*place, "titration", "largest_step")
        yield document.problem(here, "a largest step of 0", "above 0", "leave titration out, or write a step")
    if section.observations is not None:
        for name in ("during", "after"):
            intervals = getattr(section.observations, name)
            ends = [each.until_min for each in intervals]
            rising = [end for end in ends if end is not None]
            if None in ends[:-1] or rising != sorted(set(rising)):
                here = (*place, "observations", name)
                allowed = "each until_min later than the one before; only the last without one"
                yield document.problem(here, "the intervals do not follow each other", allowed, "order them")


def _unlike(
    document: Document, section: EntrySection, place: DocPath, before: list[DrugLimits]
) -> list[Problem]:
    """Return a problem for each concentration that an earlier entry covers, or for an empty list."""
    if not section.concentrations:
        return [
            document.problem(
                place, "there is no concentration", "one or more", "add - {value: 2 mg/mL, source: ...}"
            )
        ]
    here = (section.drug, section.form, section.care_area, section.indication)
    taken = {(e.drug, e.form, e.care_area, e.indication, e.concentration) for e in before}
    problems = []
    for at, strength in enumerate(section.concentrations):
        key = (*here, strength.value)
        if key in taken:
            what = f"{section.drug} {strength.value} in {section.care_area} stands twice in the library"
            allowed = "one entry per drug, form, concentration, care area and indication"
            problems.append(document.problem((*place, at), what, allowed, "remove one"))
        taken.add(key)
        others = [
            e for e in before if (e.drug, e.care_area, e.concentration) == (key[0], key[2], strength.value)
        ]
        for name in ("form", "indication"):
            values = {getattr(section, name), *(getattr(e, name) for e in others)}
            if len(values) > 1 and "" in values:
                what = f"another entry for {section.drug} differs by {name}, so each must name its own"
                problems.append(document.problem((*place[:-1], name), what, f"a {name}", f"add {name}:"))
    return problems


def _signed(document: Document, model: LibrarySection) -> list[Problem]:
    """Two people answer for real pumps, one a pharmacist; one for simulated ones; a change undoes both."""
    of = content_hash(document)
    is_real = "real" in model.signed_for
    problems = []
    for at, signature in enumerate(model.signatures):
        if signature.of != of and (signature.of or is_real):
            what = (
                f"{signature.name} signed something else"
                if signature.of
                else "it does not say what was signed"
            )
            remedy = "look at every change, and sign again with the hash that `pumpd library check` prints"
            problems.append(document.problem(("signatures", at, "of"), what, of, remedy))
    needed = 2 if is_real else 1 if model.signed_for else 0
    names = {signature.name for signature in model.signatures}
    roles = [signature.role.lower() for signature in model.signatures]
    if len(names) < needed:
        what = f"signed for {', '.join(model.signed_for)} by {len(names)} of the {needed} people needed"
        remedy = "add - {name: ..., role: ..., date: YYYY-MM-DD} to signatures, or write signed_for: []"
        allowed = "one signature for demo, two by different people for real"
        problems.append(document.problem(("signed_for",), what, allowed, remedy))
    elif is_real and not any("pharmacist" in role for role in roles):
        allowed = "a pharmacist and a second person for real"
        remedy = "have a pharmacist sign, with role: pharmacist"
        problems.append(document.problem(("signatures",), "no pharmacist signed it", allowed, remedy))
    return problems
