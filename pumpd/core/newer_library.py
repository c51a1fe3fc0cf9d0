"""A newer drug library beside a running infusion: what is tighter in it, and how a person takes it over.

An infusion keeps the library it was begun under: limits never change under a patient by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import ConditionId
from pumpd.core.dosing import flow_for
from pumpd.core.drug_library import BolusLimits, Bounds, DrugLibrary, DrugLimits, Titration, size
from pumpd.core.field_error import FieldError
from pumpd.core.infusion import Programme, flow_limits
from pumpd.core.infusion_order import check_weight, entry_for, passed_limits
from pumpd.core.infusion_record import Infusion
from pumpd.core.quantities import FlowRate, Weight
from pumpd.core.told import ToldOfPump
from pumpd.core.total_dose import DoseAccount, Stretch

_BOUNDS = ("hard_max", "soft_max", "soft_min", "hard_min")
_NAMES = {
    "hard_max": "hard limit",
    "soft_max": "soft limit",
    "soft_min": "soft minimum",
    "hard_min": "hard minimum",
}
_NOTHING: Bounds[Any] = Bounds()


@dataclass(frozen=True, slots=True)
class NewerLimits:
    """The library of now, where it is tighter for an infusion than the one that it was begun under."""

    version: str
    sha256: str
    tighter: tuple[str, ...]
    """Every limit that is narrower or was not there, in words."""
    problem: str
    """Why the present order can not stand under it; empty when it can."""


def newer_limits(infusion: Infusion, library: DrugLibrary | None) -> NewerLimits | None:
    """Return what a nurse is asked about ``library``; None where it is no tighter for this infusion."""
    if library is None or library.sha256 == infusion.library_sha256:
        return None
    try:
        entry = entry_for(library, _entered(infusion))
    except ValueError as error:
        return NewerLimits(library.version, library.sha256, ("no limits for this any more",), str(error))
    tighter = tuple(_tighter(infusion.entry, entry, infusion.programme))
    if not tighter:
        return None
    return NewerLimits(library.version, library.sha256, tighter, _problem(infusion.programme, entry))


def _entered(infusion: Infusion) -> Programme:
    """Return the programme under the names of the entry that it was begun with."""
    entry = infusion.entry
    return replace(infusion.programme, form=entry.form, indication=entry.indication)


def _problem(programme: Programme, entry: DrugLimits) -> str:
    try:
        check_weight(programme, entry)
    except FieldError as error:
        return str(error)
    return next((words for _, words in passed_limits(programme, entry, hard=True)), "")


def _tighter(was: DrugLimits, after: DrugLimits, programme: Programme) -> Iterator[str]:
    """Yield every limit of ``after`` that is narrower than the one of ``was``, for this patient."""
    concentration, weight = programme.concentration, programme.weight
    if after.by_weight and weight is None:
        yield f"limits by weight, {after.by_weight}"
        return

    def flow(dose: Any) -> Fraction:
        return flow_for(dose, concentration, weight)

    if weight is not None and _outside(after, weight) and not _outside(was, weight):
        yield f"not for a patient of {weight}"
    yield from _narrower("dose rate", was.dose_rate, after.dose_rate, flow)
    yield from _narrower("flow", was.flow, after.flow, size)
    yield from _narrower("volume", was.volume, after.volume, size)
    yield from _narrower("duration", was.duration_s, after.duration_s, size, _minutes)
    before = {(total.over, total.window_s): total.amount for total in was.totals}
    for total in after.totals:
        over = f"total dose in the {total.over.value}"
        if total.window_s is not None:
            over = f"total dose within {total.window_s // 3600} h"
        amount = before.get((total.over, total.window_s), _NOTHING)
        yield from _narrower(over, amount, total.amount, lambda each: each.p_for(weight))
    boluses = _bolus(was.bolus, weight), _bolus(after.bolus, weight)
    yield from _narrower("one bolus", *boluses, lambda each: each.p_for(weight))
    yield from _titration(was.titration, after.titration, flow)


def _outside(entry: DrugLimits, weight: Weight) -> bool:
    lightest, heaviest = entry.lightest, entry.heaviest
    return (lightest is not None and weight < lightest) or (heaviest is not None and weight > heaviest)


def _narrower(
    what: str,
    was: Any,
    after: Any,
    measure: Callable[[Any], Fraction],
    words: Callable[[Any], str] = str,
) -> Iterator[str]:
    """Yield each bound of ``after`` that ``was`` did not hold as tightly, soft or hard."""
    for name in _BOUNDS:
        bound, own = getattr(after, name), getattr(was, name)
        # Where there was only a hard one, it was also as far as one could go unasked.
        held = own if own is not None else getattr(was, name.replace("soft", "hard"))
        if bound is None:
            continue
        if held is not None:
            now, before = measure(bound), measure(held)
            if (now >= before) if name.endswith("max") else (now <= before):
                continue
        yield _said(f"{what}, {_NAMES[name]}", words(bound), "" if own is None else words(own))


def _bolus(limits: BolusLimits | None, weight: Weight | None) -> Bounds[DrugAmount]:
    """Return the bounds of one bolus that can be held against this patient: one by weight needs a weight."""
    amount = _NOTHING if limits is None else limits.amount
    bounds = {name: getattr(amount, name) for name in _BOUNDS}
    return Bounds(
        **{name: one for name, one in bounds.items() if one and not (one.unit.per_kg and weight is None)}
    )


def _titration(
    was: Titration | None, after: Titration | None, flow: Callable[[Any], Fraction]
) -> Iterator[str]:
    if after is None:
        return
    if was is None or flow(after.largest_step) < flow(was.largest_step):
        yield _said("largest raise", str(after.largest_step), "" if was is None else str(was.largest_step))
    if was is None or after.apart_s > was.apart_s:
        yield _said(
            "time between raises", _minutes(after.apart_s), "" if was is None else _minutes(was.apart_s)
        )
    if was is not None and after.hard and not was.hard:
        yield "the largest raise is a hard limit"


def _said(what: str, now: str, before: str) -> str:
    return f"{what} {now}, was {before}" if before else f"{what} {now}, there was none"


def _minutes(seconds: int) -> str:
    return f"{Fraction(seconds, 60)} min"


def under_library(infusion: Infusion, library: DrugLibrary | None, sha256: str) -> Infusion:
    """Return the infusion under ``library``, whose hash was on the screen as ``sha256``.

    ValueError when it is another library by now, no tighter for it, or has no limits for it.
    """
    if library is None or library.sha256 != sha256:
        raise FieldError("library_sha256", "the drug library was replaced since: look again")
    if newer_limits(infusion, library) is None:
        raise FieldError("library_sha256", "this library is no tighter than the one it stands under")
    entry = entry_for(library, _entered(infusion))
    return replace(
        infusion,
        entry=entry,
        library_version=library.version,
        library_sha256=library.sha256,
        signed_for=library.signed_for,
    )


def kept_for(account: DoseAccount, keep_ns: int, given: Stretch) -> DoseAccount:
    """Return the account keeping as much as ``keep_ns`` asks for, if that is longer.

    ``given`` is all of this infusion: what of it no window asked about before is put back, evenly.
    """
    if keep_ns <= account.keep_ns:
        return account
    lost_e6_p = given.amount_e6_p - account.kept_e6_p
    account = account._replace(keep_ns=keep_ns)
    if lost_e6_p <= 0:
        return account
    kept = account.stretches
    ended_ns = kept[0].begun_ns if kept else given.ended_ns
    first = Stretch(min(given.begun_ns, ended_ns), ended_ns, lost_e6_p)
    return account.with_stretches([first, *kept])._replace(kept_e6_p=account.kept_e6_p + lost_e6_p)


def check_flow(flow: FlowRate | None, entry: DrugLimits, programme: Programme, step: FlowRate) -> None:
    """ValueError when the pump gives more than ``entry`` ever allows: its limit might pause it at once."""
    if flow is None:
        return
    most = flow_limits(entry, programme, step).hard_max
    if flow > most:
        words = f"the pump gives {flow}, and the tighter hard limit is {most}: turn it down first"
        raise FieldError("library_sha256", words)


def asked_of_nurse(newer: NewerLimits | None) -> ToldOfPump:
    """Return what is to be said of the channel that carries the infusion."""
    if newer is None:
        return ToldOfPump(ConditionId.LIBRARY_TIGHTER, "")
    first, *more = newer.tighter
    words = f"{first}{f', and {len(more)} more' if more else ''}; library {newer.version}"
    return ToldOfPump(ConditionId.LIBRARY_TIGHTER, words, frozenset({newer.sha256, *newer.tighter}))
