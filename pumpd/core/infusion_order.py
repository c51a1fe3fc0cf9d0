"""Whether an order may be carried out under the drug library: every refusal in words for who asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pumpd.core.dosing import flow_for, highest_flow
from pumpd.core.drug_library import Bounds, DrugLibrary, DrugLimits, size
from pumpd.core.field_error import FieldError
from pumpd.core.infusion import Programme
from pumpd.core.infusion_record import Answer, Order, named, same_person
from pumpd.core.quantities import DoseRate, FlowRate, Volume


def entry_for(library: DrugLibrary | None, programme: Programme) -> DrugLimits:
    """Return the library's entry for ``programme``; ValueError says what it has instead."""
    entries = () if library is None else library.entries
    what = (programme.drug, programme.concentration, programme.care_area)
    found = None
    if library is not None:
        found = library.lookup(*what, programme.form, programme.indication)
    if found is not None:
        return found
    known = sorted({f"{e.drug} {e.concentration} in {e.care_area}" for e in entries if e.drug == what[0]})
    if not known:
        known = sorted({e.drug for e in entries})
    named_by = f"{what[0]} {what[1]} in {what[2]}"
    raise ValueError(f"the drug library has no limits for {named_by}; it has {', '.join(known) or 'nothing'}")


def flow_to_set(order: Order, step: FlowRate) -> FlowRate:
    """Return what to set on a pump that resolves ``step``: rounded down, so never more than ordered."""
    programme = order.programme
    return highest_flow(order.dose, programme.concentration, programme.weight, step)


def check_order(order: Order, entry: DrugLimits, step: FlowRate, ceiling: FlowRate | None) -> None:
    """ValueError unless ``order`` stands within ``entry`` and can be set on the pump.

    A hard limit has no exception; a soft one may be passed with a reason.
    """
    named(order.by, "an order")
    programme = order.programme
    low, high = programme.dose_min, programme.dose_max
    if order.dose.unit is not low.unit or not low.amount <= order.dose.amount <= high.amount:
        raise FieldError("dose", f"{order.dose} is outside the order of {low} to {high}")
    check_weight(programme, entry)
    if entry.second_check and not order.checked_by.strip():
        raise FieldError("checked_by", "a second person must check this order: write the name")
    if order.checked_by and same_person(order.by, order.checked_by):
        raise FieldError("checked_by", "the second person who checks is somebody else")
    if ceiling is not None and flow_for(high, programme.concentration, programme.weight) > ceiling.nl_per_h:
        raise FieldError("dose_max", f"{high} is more than this pump may ever give ({ceiling})")
    for field, problem in passed_limits(programme, entry, hard=True):
        raise FieldError(field, problem)
    if not order.accepted.strip():
        passed = "; ".join(words for _, words in passed_limits(programme, entry, hard=False))
        if passed:
            raise FieldError("accepted", f"{passed}. It may be so, with a reason")
    if flow_to_set(order, step).nl_per_h == 0:
        raise FieldError("dose", f"{order.dose} is less than this pump can give: its step is {step}")


def check_weight(programme: Programme, entry: DrugLimits) -> None:
    """ValueError unless the patient's weight is one that the limits are for."""
    weight = programme.weight
    if weight is None:
        if entry.by_weight:
            raise FieldError("weight_kg", f"the limits are {entry.by_weight}: write the patient's weight")
        return
    if entry.lightest is not None and weight < entry.lightest:
        words = f"{weight} is below the lightest patient these limits are for, {entry.lightest}"
        raise FieldError("weight_kg", words)
    if entry.heaviest is not None and weight > entry.heaviest:
        words = f"{weight} is above the heaviest patient these limits are for, {entry.heaviest}"
        raise FieldError("weight_kg", words)


def passed_limits(programme: Programme, entry: DrugLimits, *, hard: bool) -> Iterator[tuple[str, str]]:
    """Yield every limit of a kind that the programme passes, in words, after the field that passes it."""
    kind = "hard" if hard else "soft"
    of = programme.concentration, programme.weight
    doses = entry.dose_rate
    top: DoseRate | None = doses.hard_max if hard else doses.soft_max
    bottom: DoseRate | None = doses.hard_min if hard else doses.soft_min
    high, low = programme.dose_max, programme.dose_min
    if top is not None and flow_for(high, *of) > flow_for(top, *of):
        yield "dose_max", f"{high} is above the library's {kind} limit of {top}"
    if bottom is not None and flow_for(low, *of) < flow_for(bottom, *of):
        yield "dose_min", f"{low} is below the library's {kind} minimum of {bottom}"
    flow: Bounds[FlowRate] = entry.flow
    most, least = (flow.hard_max, flow.hard_min) if hard else (flow.soft_max, flow.soft_min)
    if most is not None and flow_for(high, *of) > most.nl_per_h:
        yield "dose_max", f"{high} is a flow above the library's {kind} limit of {most}"
    if least is not None and flow_for(low, *of) < least.nl_per_h:
        yield "dose_min", f"{low} is a flow below the library's {kind} minimum of {least}"
    for words in _outside(programme.volume, entry.volume, kind):
        yield "volume_ml", words
    for words in _outside(programme.duration_s, entry.duration_s, kind):
        yield "duration_min", words


def _outside(value: Volume | int | None, bounds: Bounds[Volume] | Bounds[int], kind: str) -> Iterator[str]:
    if value is None:
        return
    top, bottom = getattr(bounds, f"{kind}_max"), getattr(bounds, f"{kind}_min")
    if top is not None and size(value) > size(top):
        yield f"{_words(value)} is above the library's {kind} limit of {_words(top)}"
    if bottom is not None and size(value) < size(bottom):
        yield f"{_words(value)} is below the library's {kind} minimum of {_words(bottom)}"


def _words(value: Volume | int) -> str:
    return f"{Fraction(value, 60)} min" if isinstance(value, int) else str(value)


def check_answers(entry: DrugLimits, answers: Sequence[Answer], by: str, *, all_of_them: bool) -> None:
    """ValueError unless ``answers`` are to questions of the checklist, and a yes has its second person.

    ``all_of_them``: every question must be answered, as before a start.
    """
    questions = {question.ask: question for question in entry.checklist}
    seen: set[str] = set()
    for answer in answers:
        question = questions.get(answer.ask)
        if question is None:
            raise FieldError("answers", f"'{answer.ask}' is not on the checklist of {entry.drug}")
        if answer.ask in seen:
            raise FieldError("answers", f"'{answer.ask}' is answered twice")
        seen.add(answer.ask)
        if not answer.yes or not question.second_person:
            continue
        if not answer.second_person.strip() or not answer.reason.strip():
            raise FieldError("answers", f"'{answer.ask}' yes: write a second person's name and the reason")
        if same_person(by, answer.second_person):
            raise FieldError("answers", f"'{answer.ask}' yes: the second person is somebody else")
    left = [ask for ask in questions if ask not in seen]
    if all_of_them and left:
        raise FieldError("answers", f"answer the checklist before the start: {' '.join(left)}")
