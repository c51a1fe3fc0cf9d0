"""Whether what a clinic gives fits itself and the drug library, before any weight is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pumpd.config_order import TemplateSection
from pumpd.config_programme import no_entry
from pumpd.core.drug_library import DrugLibrary
from pumpd.document import DocPath, Document
from pumpd.errors import Problem


def template_problems(
    document: Document,
    templates: Sequence[tuple[DocPath, TemplateSection]],
    library: DrugLibrary | None,
    doubtful: frozenset[str],
) -> Iterator[Problem]:
    """Yield what is wrong with the templates, each at its place."""
    names: set[str] = set()
    for place, template in templates:
        if template.name in names:
            yield document.problem(
                (*place, "name"),
                f"{template.name!r} is there twice",
                "names that are unique",
                "name it otherwise",
            )
        names.add(template.name)
        fits = list(_range(document, place, template))
        yield from fits
        if library is not None and template.drug not in doubtful:
            yield from _library(document, place, template, library, fits=not fits)


def _range(document: Document, place: DocPath, template: TemplateSection) -> Iterator[Problem]:
    doses = {name: getattr(template, name) for name in ("dose_min", "dose", "dose_max")}
    for name, dose in doses.items():
        if dose.unit is not template.dose_max.unit or dose.unit.kind is not template.concentration.kind:
            yield document.problem(
                (*place, name),
                f"{dose.unit.value} does not fit {template.dose_max.unit.value} and {template.concentration}",
                "one unit for all doses, and of the concentration's kind",
                f"write it in {template.dose_max.unit.value}",
            )
            return
    for (low, lesser), (high, greater) in pairwise(doses.items()):
        if lesser.amount > greater.amount:
            yield document.problem(
                (*place, low),
                f"{low} {lesser} is above {high} {greater}",
                f"at most {greater}",
                "mend the range",
            )


def _library(
    document: Document, place: DocPath, template: TemplateSection, library: DrugLibrary, *, fits: bool
) -> Iterator[Problem]:
    entry = library.lookup(
        template.drug, template.concentration, template.care_area, template.form, template.indication
    )
    if entry is None:
        yield from no_entry(document, place, template, library)
        return
    top, highest = entry.dose_rate.hard_max, template.dose_max
    # A limit in another unit needs a weight to be compared: the daemon does that when an infusion begins.
    if fits and top.unit is highest.unit and highest.amount > top.amount:
        yield document.problem(
            (*place, "dose_max"),
            f"{highest} is above the library's hard limit of {top}",
            f"at most {top}",
            "lower it, or have the library changed and signed",
        )
