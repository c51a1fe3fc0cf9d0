"""The drug library under which infusions of a recording had begun before it, as the text of a file.

A daemon reads its library when it starts: within a recording there is one. Infusions that began earlier may
stand under another, and carry their entry with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import yaml

from pumpd.config_library_models import BOUNDS
from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import Bounds, DoseLimits, DrugLibrary, DrugLimits, Interval
from pumpd.core.infusion_record import Infusion
from pumpd.core.quantities import DoseRate
from pumpd.core.telemetry import Provenance

SIGNED = [
    {"name": "somebody", "role": "pharmacist", "date": "2026-01-01"},
    {"name": "somebody else", "role": "second person", "date": "2026-01-01"},
]
_DIGITS = 12
"""Every decimal that a file can hold."""


def older_library(infusions: Sequence[Infusion], library: DrugLibrary) -> tuple[str, list[Infusion]]:
    """Return the text of a library in which ``infusions`` find the limits that they stand under.

    Also those that find others there: two infusions may stand under different limits for the same order.
    ``library`` is the one of the recording; what it says of anything else stays.
    """
    entries: dict[object, DrugLimits] = {}
    for entry in (*(infusion.entry for infusion in infusions), *library.entries):
        entries.setdefault(_key(entry), entry)
    elsewhere = [infusion for infusion in infusions if entries[_key(infusion.entry)] != infusion.entry]
    signed = any(infusion.signed_for for infusion in infusions)
    told = {
        "version": infusions[0].library_version,
        # The pumps of a scenario are simulated, whatever they were.
        "signed_for": [Provenance.DEMO.value] if signed else [],
        "signatures": SIGNED if signed else [],
        "entries": [_entry(entry) for entry in entries.values()],
    }
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110), elsewhere


def _key(entry: DrugLimits) -> object:
    return entry.drug, entry.concentration, entry.care_area, entry.form, entry.indication


def _entry(entry: DrugLimits) -> dict[str, Any]:
    """Return an entry as its file says it."""
    source = {"source": entry.source}

    def sourced(value: object) -> dict[str, Any]:
        return {"value": _text(value), **source}

    def bounds(of: Bounds[Any] | DoseLimits, divide: int = 1) -> dict[str, Any]:
        named = {name: getattr(of, name) for name in BOUNDS}
        return {
            name: sourced(bound // divide if isinstance(bound, int) else bound)
            for name, bound in named.items()
            if bound is not None
        }

    told: dict[str, Any] = {
        "drug": entry.drug,
        "form": entry.form,
        "care_area": entry.care_area,
        "indication": entry.indication,
        "concentrations": [sourced(entry.concentration)],
        "weight": {
            name: sourced(weight)
            for name, weight in (("min", entry.lightest), ("max", entry.heaviest))
            if weight is not None
        },
        "dose_rate": bounds(entry.dose_rate),
        "flow": bounds(entry.flow),
        "duration": bounds(entry.duration_s, 60),
        "volume": bounds(entry.volume),
        "total_dose": [
            {"over": total.over.value, **bounds(total.amount)}
            | ({} if total.window_s is None else {"window_h": total.window_s // 3600})
            for total in entry.totals
        ],
        "advisories": [{"text": text, **source} for text in entry.advisories],
        "checklist": [{**_plain(question), **source} for question in entry.checklist],
        "second_check": entry.second_check,
        "restraint": entry.restrain.value,
    }
    if entry.bolus is not None:
        told["bolus"] = {
            "amount": bounds(entry.bolus.amount),
            "shortest_min": sourced(entry.bolus.shortest_s // 60),
            "apart_min": sourced(entry.bolus.apart_s // 60),
        }
    if entry.titration is not None:
        told["titration"] = {
            "largest_step": _text(entry.titration.largest_step),
            "apart_min": entry.titration.apart_s // 60,
            "hard": entry.titration.hard,
            **source,
        }
    if entry.during or entry.after:
        told["observations"] = {
            "during": [_interval(each) for each in entry.during],
            "after": [_interval(each) for each in entry.after],
            **source,
        }
    return told


def _interval(interval: Interval) -> dict[str, int]:
    until = {} if interval.until_s is None else {"until_min": interval.until_s // 60}
    return {"every_min": interval.every_s // 60, **until}


def _plain(value: Any) -> Mapping[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _text(value: object) -> object:
    """Return a quantity with every decimal that a file can hold; a count as it is."""
    if isinstance(value, DoseRate | DrugAmount):
        return f"{value.digits(_DIGITS)} {value.unit.value}"
    return value if isinstance(value, int) else str(value)
