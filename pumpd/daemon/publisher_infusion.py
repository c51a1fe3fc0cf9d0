"""The infusion of a channel as the snapshot tells it, worked out from present state."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from pydantic_core import to_json

from pumpd.clock import Clock
from pumpd.contract.infusion_payloads import (
    AcceptancePart,
    InfusionPart,
    NewerLibraryPart,
    ObservationPart,
    VersionPart,
)
from pumpd.core.acceptance import Acceptance
from pumpd.core.drug_library import DrugLibrary, TotalLimit, TotalOver
from pumpd.core.infusion_record import Infusion, Observation, ProgrammeVersion, to_waste_e6_p
from pumpd.core.infusion_seen import reckoned
from pumpd.core.infusion_watch import InfusionWatch, flow_to_set
from pumpd.core.infusion_words import amount_digits, amount_unit
from pumpd.core.newer_library import newer_limits
from pumpd.core.quantities import NL_PER_ML, NS_PER_S, AmountKind, Volume, Weight
from pumpd.daemon.seams import LivePump

SHOWN_OBSERVATIONS = 12


def infusion_part(live: LivePump, clock: Clock, library: DrugLibrary | None) -> InfusionPart | None:
    """Return what people see of the infusion on ``live``; None without one, and when all is over.

    ``library`` is the one in force.
    """
    watch = _shown(live)
    if watch is None:
        return None
    return InfusionPart.model_validate(
        {**_standing(live, watch, library), **_moving(live, watch, clock.monotonic_ns(), clock.wall())}
    )


class InfusionWriter:
    """Writes it as JSON: most of it stays the same while an infusion runs, and it is told every second."""

    def __init__(self, live: LivePump, clock: Clock) -> None:
        """``live`` is the channel that carries it."""
        self._live = live
        self._clock = clock
        self._standing_for: tuple[object, ...] = ()
        self._standing = ""

    def write(self, library: DrugLibrary | None) -> str:
        """Return what ``infusion_part`` says, as JSON; null for None."""
        watch = _shown(self._live)
        if watch is None:
            return "null"
        moving = _moving(self._live, watch, self._clock.monotonic_ns(), self._clock.wall())
        # All of them are replaced when they change, never changed in place.
        standing = (watch.infusion, watch.accepted, watch.goes_on, self._live.state.setup, library)
        if not same(standing, self._standing_for):
            self._standing_for = standing
            whole = infusion_part(self._live, self._clock, library)
            assert whole is not None
            self._standing = whole.model_dump_json(exclude=set(moving)).removesuffix("}")
        return f"{self._standing},{to_json(moving).decode().removeprefix('{')}"


def same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """Return whether these are the very objects that those were."""
    return len(these) == len(those) and all(a is b for a, b in zip(these, those, strict=True))


def _shown(live: LivePump) -> InfusionWatch | None:
    """Return the infusion that people see; None without one, and when all is over."""
    watch = live.state.watch
    if watch is None or watch.left:
        return None
    if watch.ended_ns is not None and watch.look_due_ns is None and watch.stood_since:
        return None
    return watch


def _standing(live: LivePump, watch: InfusionWatch, library: DrugLibrary | None) -> dict[str, object]:
    """Return what stays the same until somebody does something."""
    infusion = watch.infusion
    programme, ordered, ending = infusion.programme, infusion.ordered, infusion.ending
    return {
        "id": infusion.id,
        "drug": programme.drug,
        "concentration": str(programme.concentration),
        "form": infusion.entry.form,
        "care_area": infusion.entry.care_area,
        "indication": infusion.entry.indication,
        "begun_by": infusion.begun.by,
        "begun_at": infusion.begun.at,
        "attached": infusion.attached,
        "template": infusion.template,
        "ended_by": "" if ending is None else ending.by,
        "ended_at": None if ending is None else ending.at,
        "version": ordered.number,
        "versions": [_version(each) for each in infusion.versions],
        "dose": ordered.dose.digits(6),
        "dose_revision": ordered.dose_revision,
        "dose_unit": programme.unit.value,
        "set_ml_h": flow_to_set(infusion, live.state.setup.flow_step).ml_per_h,
        "amount_unit": "mg" if amount_unit(programme.concentration) == "mg" else "U",
        "observations": [_observation(o) for o in reversed(infusion.observations[-SHOWN_OBSERVATIONS:])],
        "checklist_open": list(infusion.checklist_open),
        "second_check": infusion.entry.second_check,
        "checked_by": ordered.checked_by,
        "accepted": [_acceptance(each) for each in watch.accepted],
        "pumps": _pumps(infusion),
        "library_version": infusion.library_version,
        "library_sha256": infusion.library_sha256,
        "newer_library": _newer(watch, library),
        "advisories": list(infusion.entry.advisories),
    }


def _moving(live: LivePump, watch: InfusionWatch, now_ns: int, wall: datetime) -> dict[str, object]:
    """Return what changes from reading to reading, as JSON has it."""
    told = reckoned(watch, now_ns, live.state.setup.freshness.stale_after_ns)
    infusion = watch.infusion
    kind, volume = infusion.programme.concentration.kind, infusion.programme.volume
    waste = to_waste_e6_p(infusion, told.given_e6_p)

    def at(moment_ns: int | None) -> str | None:
        if moment_ns is None:
            return None
        return (wall + timedelta(microseconds=(moment_ns - now_ns) // 1000)).isoformat()

    return {
        "state": _state(watch),
        "agrees": watch.agrees,
        "given": amount_digits(told.given_e6_p, kind),
        "given_up_to": told.at_most,
        "given_ml": Volume(told.given_nl).ml,
        "remaining_ml": None if volume is None else Volume(max(0, volume.nl - told.given_nl)).ml,
        "remaining_s": _remaining_s(watch),
        "to_waste": None if waste is None else amount_digits(waste, kind),
        "totals": [_total(each, watch, now_ns) for each in infusion.entry.totals],
        "looked_at": at(watch.looked_ns),
        "look_due_at": at(watch.look_due_ns),
    }


def _newer(watch: InfusionWatch, library: DrugLibrary | None) -> NewerLibraryPart | None:
    newer = newer_limits(watch.infusion, library) if watch.goes_on else None
    if newer is None:
        return None
    return NewerLibraryPart(
        version=newer.version, sha256=newer.sha256, tighter=list(newer.tighter), problem=newer.problem
    )


def _remaining_s(watch: InfusionWatch) -> int | None:
    ordered_s = watch.infusion.programme.duration_s
    return None if ordered_s is None else max(0, ordered_s - watch.flowed_ns // NS_PER_S)


def _state(watch: InfusionWatch) -> Literal["begun", "running", "standing", "ended"]:
    if watch.ended_ns is not None:
        return "ended"
    if watch.flowed_from_ns is None:
        return "begun"
    return "running" if watch.standing_ns is None else "standing"


def _pumps(infusion: Infusion) -> list[str]:
    return list(dict.fromkeys(f"{c.pump}/{c.channel}" for c in reversed(infusion.carriers)))[::-1]


@lru_cache(maxsize=1024)  # a version never changes, and its infusion is told every second
def _version(version: ProgrammeVersion) -> VersionPart:
    programme = version.programme
    return VersionPart(
        number=version.number,
        dose_min=programme.dose_min.digits(6),
        dose_max=programme.dose_max.digits(6),
        dose_unit=programme.unit.value,
        volume_ml=None if programme.volume is None else programme.volume.ml,
        duration_s=programme.duration_s,
        by=version.by,
        at=version.at,
        reason=version.reason,
        checked_by=version.checked_by,
    )


def _observation(seen: Observation) -> ObservationPart:
    return ObservationPart(
        by=seen.by,
        at=seen.at,
        pain=seen.pain,
        sedation=seen.sedation,
        systolic_mmhg=seen.systolic_mmhg,
        diastolic_mmhg=seen.diastolic_mmhg,
        pulse_per_min=seen.pulse_per_min,
        spo2_percent=seen.spo2_percent,
        side_effects=seen.side_effects,
    )


def _acceptance(one: Acceptance) -> AcceptancePart:
    return AcceptancePart(
        condition=one.condition.value, words=one.words, by=one.by, at=one.at, reason=one.reason
    )


def _total(limit: TotalLimit, watch: InfusionWatch, now_ns: int) -> dict[str, object]:
    programme = watch.infusion.programme
    kind, weight = programme.concentration.kind, programme.weight
    window_ns = None if limit.window_s is None else limit.window_s * NS_PER_S
    given: Fraction | int
    if limit.over is TotalOver.INFUSION:
        given = watch.given_e6_p
    elif limit.over is TotalOver.SERIES:
        given = watch.dose.series_e6_p
    else:
        given = watch.dose.account.given(window_ns, now_ns) * NL_PER_ML
    soft_max, hard_max = _most(limit, weight, kind)
    return {
        "over": limit.over.value,
        "window_h": None if limit.window_s is None else limit.window_s // 3600,
        "given": amount_digits(int(given), kind),
        "soft_max": soft_max,
        "hard_max": hard_max,
    }


@lru_cache(maxsize=1024)  # worked out in fractions, and the same for the whole of an infusion
def _most(limit: TotalLimit, weight: Weight | None, kind: AmountKind) -> tuple[str | None, str | None]:
    """Return the soft and the hard limit for this patient, as digits."""
    soft, hard = limit.amount.soft_max, limit.amount.hard_max
    return (
        None if soft is None else amount_digits(int(soft.p_for(weight) * NL_PER_ML), kind),
        None if hard is None else amount_digits(int(hard.p_for(weight) * NL_PER_ML), kind),
    )
