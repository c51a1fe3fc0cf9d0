"""Pumps against their drivers and the lines they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pumpd.config_models import PumpSection
from pumpd.core.state import Enforcement
from pumpd.document import DocPath, Document
from pumpd.drivers.registry import DriverSpec
from pumpd.errors import Problem

Placed = list[tuple[DocPath, PumpSection]]
"""Pumps with their places in the document."""


def driver_problems(
    document: Document, pumps: Placed, drivers: Mapping[str, DriverSpec]
) -> Iterator[Problem]:
    """Yield what a pump's driver does not know or can not do."""
    for place, pump in pumps:
        spec = drivers.get(pump.driver)
        if spec is None:
            near = get_close_matches(pump.driver, drivers, n=1)
            yield document.problem(
                (*place, "driver"),
                f"there is no driver '{pump.driver}'",
                ", ".join(drivers),
                f"did you mean '{near[0]}'?" if near else "see `pumpd drivers list`",
            )
            continue
        yield from _control(document, place, pump, spec)
        step = spec.flow_step
        if pump.ceiling is not None and pump.ceiling.nl_per_h % step.nl_per_h:
            yield document.problem(
                (*place, "ceiling"),
                f"{pump.ceiling} is finer than {spec.name} can tell",
                f"steps of {step}",
                f"write {type(step)(pump.ceiling.nl_per_h // step.nl_per_h * step.nl_per_h)}",
            )


def _control(document: Document, place: DocPath, pump: PumpSection, spec: DriverSpec) -> Iterator[Problem]:
    """Asking for a control that the pump does not have would look safe on paper and do nothing at the bed."""
    able = {Enforcement.ALARM: True, Enforcement.PAUSE: bool(spec.pausable), Enforcement.CAP: False}
    if not able[pump.enforcement]:
        yield document.problem(
            (*place, "enforcement"),
            f"{spec.name} can not do {pump.enforcement.value} over the wire",
            ", ".join(kind.value for kind, has in able.items() if has),
            "write enforcement: alarm",
        )
