"""A scenario as a file: pumps, what happens, and what must follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, Field

from pumpd.config_alarms import AlarmsSection
from pumpd.config_library import check_library
from pumpd.config_lines import driver_problems, line_problems
from pumpd.config_models import PumpSection
from pumpd.config_section import Section
from pumpd.core.drug_library import DrugLibrary
from pumpd.document import DocPath, Document, read_document
from pumpd.document_check import Checked, check, in_order
from pumpd.drivers.registry import installed
from pumpd.errors import ConfigError, Problem
from pumpd.fields import Flag, Number, Whole, refused
from pumpd.qa.checks import Check
from pumpd.qa.happenings import Happening, SiteEvent
from pumpd.simulator.framed_list import kinds
from pumpd.simulator.timeline import TimelineEvent, WardPart
from pumpd.simulator.ward import event_problems
from pumpd.simulator.ward_pump import ChannelStart, DeviceSection

LATENCY_MS = 20
"""What a scenario's network may add to a reply; the daemon reckons with it as with a real one."""


class Simulated(WardPart):
    """The pump that stands at the far end of the wire."""

    serial_number: str = Field(default="", pattern=r"^(SIM-[A-Za-z0-9-]{1,60})?$")
    """Begins with SIM-; without it SIM-0001, SIM-0002 ... in the order of the file."""
    firmware: str = Field(default="1.0", pattern=r"^[ -~]{0,8}$")
    """Up to 8 plain characters."""
    reply_time_ms: Number = Field(default=2, ge=0, le=10_000)
    """From the end of a request to the beginning of the reply, in milliseconds."""
    device: DeviceSection = DeviceSection()
    """What is set on the device."""
    channels: dict[str, ChannelStart] = Field(default_factory=dict)
    """Channel -> how it is at the beginning."""
    absent: Flag = False
    """true when nobody has plugged its line in yet."""


class ScenarioPump(PumpSection):
    """One pump: what pumpd is configured for, and what really stands there."""

    simulated: Simulated = Field(default=Simulated(), description="the pump that stands there")


def _some(pumps: tuple[ScenarioPump, ...]) -> tuple[ScenarioPump, ...]:
    if not pumps:
        raise refused(
            "there are no pumps", "a list of one or more pumps", "add id, url, driver and simulated"
        )
    return pumps


class Scenario(Section):
    """The whole file."""

    title: str = Field(
        min_length=1, max_length=80, description="what it is about", examples=["Ten times the rate"]
    )
    story: str = Field(default="", description="what happens, for the reader of a report")
    seed: Whole = Field(default=1, ge=0, description="every choice of chance comes from it", examples=[1])
    duration_s: Number = Field(gt=0, le=86_400, description="how long it lasts, in seconds", examples=[120])
    library: str = Field(
        default="drug-library.yaml",
        min_length=1,
        description="the drug library's file, relative to this file",
        examples=["drug-library.yaml"],
    )
    pumps: Annotated[tuple[ScenarioPump, ...], AfterValidator(_some)] = Field(
        description="a list of one or more pumps"
    )
    alarms: AlarmsSection = Field(
        default_factory=AlarmsSection, description="how long alarms may be quieted, and who is called"
    )
    fleet: Flag = Field(
        default=False,
        description="true when the house's pumps are known: those of this file, by their serial numbers",
    )
    timeline: tuple[Happening, ...] = Field(default=(), description="what happens when")
    expect: tuple[Check, ...] = Field(default=(), description="what must follow from it")


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario without a known fault, with its drug library."""

    file: Path
    """As it was named."""
    sha256: str
    """Hash of the file's bytes, in hex."""
    scenario: Scenario
    library: DrugLibrary
    later: Mapping[str, DrugLibrary] = field(default_factory=lambda: MappingProxyType({}))
    """Those that take its place, by the names that the timeline gives them."""

    @property
    def name(self) -> str:
        """The file's name without its ending: what a report calls it."""
        return self.file.stem


def load_scenario(file: Path) -> LoadedScenario:
    """Return the scenario in ``file``; ConfigError names every problem at once, each with its line."""
    document = read_document(file)
    checked = check(document, Scenario)
    if checked.model is None:
        raise ConfigError(checked.problems)
    problems = list(checked.problems)
    said = {problem.path for problem in problems}
    library, found = _library(file, document, ("library",), checked.model.library)
    problems += found
    later: dict[str, DrugLibrary] = {}
    for at, event in enumerate(checked.model.timeline):
        if not isinstance(event, SiteEvent) or event.library is None:
            continue
        place = (*checked.place(("timeline", at)), "library")
        one, found = _library(file, document, place, event.library)
        problems += found
        if one is not None:
            later[event.library] = one
    problems += [problem for problem in _cross(document, checked) if problem.path not in said]
    if problems or library is None:
        raise ConfigError(in_order(problems))
    return LoadedScenario(file, document.sha256, checked.model, library, later)


def _library(
    file: Path, document: Document, place: DocPath, name: str
) -> tuple[DrugLibrary | None, Sequence[Problem]]:
    """Return the drug library that ``document`` names at ``place``, and what is wrong with it."""
    library_document = read_document(file.parent / name)
    library, found = check_library(library_document)
    if library_document.sha256:
        return library, found
    what = f"the drug library {name} can not be read: {found[0].what.split(': ')[-1]}"
    remedy = "name the library's file, relative to this file"
    return None, [document.problem(place, what, found[0].allowed, remedy)]


def _cross(document: Document, checked: Checked[Scenario]) -> Iterator[Problem]:
    scenario = checked.model
    assert scenario is not None
    pumps: list[tuple[DocPath, PumpSection]] = [
        (checked.place(("pumps", at)), pump) for at, pump in enumerate(scenario.pumps)
    ]
    ids = [pump.id for _, pump in pumps]
    for at, (place, pump) in enumerate(pumps):
        if pump.id in ids[:at]:
            yield document.problem((*place, "id"), f"{pump.id} stands twice", "each id once", "rename it")
    yield from line_problems(document, pumps, installed(), LATENCY_MS)
    yield from driver_problems(document, pumps, installed())
    for place, pump in pumps:
        spec = installed().get(pump.driver)
        if spec is not None and spec.dialect is not None and spec.dialect.name not in kinds():
            what = f"{pump.driver} speaks a protocol of its own, and no simulator of it is installed"
            known = ", ".join(name for name, other in installed().items() if other.register_map)
            yield document.problem((*place, "driver"), what, known, "take one of these")
        if pump.programme is not None:
            try:
                pump.programme.programme()
            except ValueError as error:
                here = (*place, "programme")
                yield document.problem(here, str(error), "a programme that fits itself", "mend it")
    yield from _names(document, checked, scenario)


def _names(document: Document, checked: Checked[Scenario], scenario: Scenario) -> Iterator[Problem]:
    """Say what a timeline or a check names that is not there, or that comes too late."""
    pumps = {pump.id: pump for pump in scenario.pumps}
    known = ", ".join(pumps)
    requests = [event.name for event in scenario.timeline if isinstance(event, SiteEvent) and event.name]
    for part, items in (("timeline", scenario.timeline), ("expect", scenario.expect)):
        for at, item in enumerate(items):
            place = checked.place((part, at))
            assert isinstance(item, WardPart)
            name, channel = getattr(item, "pump", None), getattr(item, "channel", "1")
            if name is not None and name not in pumps:
                yield document.problem(
                    (*place, "pump"), f"there is no pump {name}", known, "write one of these"
                )
            elif name is not None and pumps[name].driver in installed():
                channels = installed()[pumps[name].driver].watching(pumps[name].channels).channels
                if channel not in channels:
                    what = f"{name} has no channel {channel}"
                    yield document.problem(
                        (*place, "channel"), what, ", ".join(channels), "write one of these"
                    )
                elif isinstance(item, TimelineEvent):
                    start = pumps[name].simulated.channels.get(channel, ChannelStart())
                    register_map = installed()[pumps[name].driver].register_map
                    yield from event_problems(document, place, item, start, register_map)
            late = max(getattr(item, "at_s", None) or 0.0, getattr(item, "until_s", 0.0))
            if late > scenario.duration_s:
                what = f"{late:g} s is after the end of the scenario"
                allowed = f"up to {scenario.duration_s:g} s"
                key = "at_s" if getattr(item, "at_s", None) is not None else "within_s"
                yield document.problem((*place, key), what, allowed, "raise duration_s or lower it")
            request = getattr(item, "request", None)
            if request is not None and request not in requests:
                what = f"nothing in the timeline is named '{request}'"
                yield document.problem(
                    (*place, "request"), what, ", ".join(requests) or "a name", "name it there"
                )
            if getattr(item, "check", "") == "dose" and name in pumps and pumps[name].programme is None:
                what = f"{name} has no programme, so no dose"
                yield document.problem((*place, "pump"), what, "a pump with a programme", "check volume")
