"""From an entry of the drug library's file to the core's values, one for each concentration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pumpd.config_library_models import BolusSection, Bounded, EntrySection, IntervalSection, Sourced
from pumpd.core.drug_library import (
    BolusLimits,
    Bounds,
    DoseLimits,
    DrugLimits,
    Interval,
    Question,
    Titration,
    TotalLimit,
)

MINUTE_S = 60
HOUR_S = 3600


def entries_of(section: EntrySection) -> list[DrugLimits]:
    """Return the limits of ``section``, which fits itself, for each of its concentrations."""
    lightest, heaviest = section.weight.min, section.weight.max
    titration, observations = section.titration, section.observations
    sources = [f"{name}: {source}" for name, source in _sources(section)]
    return [
        DrugLimits(
            drug=section.drug,
            concentration=strength.value,
            care_area=section.care_area,
            unit=section.dose_rate.hard_max.value.unit,
            dose_rate=DoseLimits(**_values(section.dose_rate)),
            restrain=section.restraint,
            source="; ".join([f"concentration: {strength.source}", *sources]),
            form=section.form,
            indication=section.indication,
            lightest=None if lightest is None else lightest.value,
            heaviest=None if heaviest is None else heaviest.value,
            flow=Bounds(**_values(section.flow)),
            bolus=None if section.bolus is None else _bolus(section.bolus),
            totals=tuple(
                TotalLimit(
                    total.over,
                    Bounds(**_values(total)),
                    None if total.window_h is None else total.window_h * HOUR_S,
                )
                for total in section.total_dose
            ),
            duration_s=Bounds(**{n: minutes * MINUTE_S for n, minutes in _values(section.duration).items()}),
            volume=Bounds(**_values(section.volume)),
            titration=None
            if titration is None
            else Titration(titration.largest_step, titration.apart_min * MINUTE_S, titration.hard),
            during=() if observations is None else tuple(map(_interval, observations.during)),
            after=() if observations is None else tuple(map(_interval, observations.after)),
            advisories=tuple(advisory.text for advisory in section.advisories),
            checklist=tuple(Question(each.ask, each.second_person) for each in section.checklist),
            second_check=section.second_check,
        )
        for strength in section.concentrations
    ]


def _values(bounded: Bounded) -> dict[str, Any]:
    return {name: bound.value for name, bound in bounded.bounds().items()}


def _bolus(section: BolusSection) -> BolusLimits:
    return BolusLimits(
        amount=Bounds(**_values(section.amount)),
        shortest_s=section.shortest_min.value * MINUTE_S,
        apart_s=section.apart_min.value * MINUTE_S,
    )


def _interval(section: IntervalSection) -> Interval:
    until = section.until_min
    return Interval(section.every_min * MINUTE_S, None if until is None else until * MINUTE_S)


def _sources(section: EntrySection) -> Iterator[tuple[str, str]]:
    """Yield every number's name and source, but those of the concentrations."""
    for name, bound in section.dose_rate.bounds().items():
        yield name, bound.source
    groups = {"flow": section.flow, "duration": section.duration, "volume": section.volume}
    if section.bolus is not None:
        groups["bolus"] = section.bolus.amount
        yield "bolus shortest", section.bolus.shortest_min.source
        yield "bolus apart", section.bolus.apart_min.source
    groups |= {f"total over {total.over.value}": total for total in section.total_dose}
    for group, bounded in groups.items():
        for name, bound in bounded.bounds().items():
            yield f"{group} {name}", bound.source
    singles: dict[str, Sourced | None] = {
        "weight min": section.weight.min,
        "weight max": section.weight.max,
        "titration": section.titration,
        "observations": section.observations,
    }
    for name, single in singles.items():
        if single is not None:
            yield name, single.source
