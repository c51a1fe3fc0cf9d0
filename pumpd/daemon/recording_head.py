"""The head of a recording's segment: what a replay needs besides the wire, so that it needs no other file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from pumpd.config import Config
from pumpd.config_models import PumpSection
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.quantities import DoseRate
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recorded_state import state_of
from pumpd.daemon.seams import LivePump, Ward
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.drivers.registry import find
from pumpd.store.values import read, written


def head_of(
    config: Config,
    ward: Ward,
    wall: datetime,
    sections: Sequence[PumpSection],
    plans: Mapping[PumpId, PumpPlan],
    lives: Mapping[tuple[PumpId, ChannelId], LivePump],
) -> dict[str, Any]:
    """Return the head of one line's segment, with the state of its pumps at this moment."""
    entries = dict.fromkeys(plan.entry for plan in plans.values() if plan.entry is not None)
    return {
        "program": ward.version,
        "boot_id": ward.boot_id,
        "site": ward.site,
        "node": ward.node,
        "wall": wall.isoformat(),
        "config_sha256": ward.config_sha256,
        "latency_ms": config.lines.latency_ms,
        "fleet": None if config.fleet is None else [written(pump) for pump in config.fleet.pumps],
        "library": written(replace(config.library, entries=tuple(entries))),
        "pumps": [
            {
                "section": _section(section),
                "phase": plans[PumpId(section.id)].phase,
                "driver_sha256": driver_sha256(section.driver),
                "channels": {
                    channel: state_of(lives[PumpId(section.id), channel])
                    for channel in plans[PumpId(section.id)].channels
                },
            }
            for section in sections
        ],
    }


@cache
def driver_sha256(driver: str) -> str:
    """Return a hash of a driver's card and register map, in hex: another one may read other values.

    Of a framed dialect, whose meaning is code, the examples stand in for the map.
    """
    spec = find(driver)
    reads_by = repr(spec.dialect.examples) if spec.dialect else ""
    if spec.register_map is not None:
        reads_by = spec.register_map.model_dump_json()
    return hashlib.sha256((spec.card.model_dump_json() + reads_by).encode()).hexdigest()


def _section(section: PumpSection) -> dict[str, Any]:
    told = section.model_dump(mode="json", include=set(PumpSection.model_fields))
    if section.programme is not None:
        told["programme"]["dose_min"] = _exact(section.programme.dose_min)
        told["programme"]["dose_max"] = _exact(section.programme.dose_max)
    return told


def _exact(dose: DoseRate) -> str:
    """Return a dose with every decimal that a file can hold; shown ones are rounded."""
    return f"{dose.digits(12)} {dose.unit.value}"


def library_of(head: dict[str, Any]) -> DrugLibrary:
    """Return the drug library that a head holds, as far as its pumps look into it."""
    library = read(DrugLibrary, head["library"])
    assert isinstance(library, DrugLibrary)
    return library


def fleet_of(head: dict[str, Any]) -> Fleet | None:
    """Return the house's pumps that a head names; None where nobody said which they are."""
    told = head.get("fleet")
    return None if told is None else Fleet(read(FleetPump, pump) for pump in told)
