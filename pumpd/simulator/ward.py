"""A simulated ward as a file: its lines, its pumps, and what happens when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from pumpd.document import DocPath, Document, read_document
from pumpd.document_check import check, in_order
from pumpd.errors import ConfigError, Problem
from pumpd.fields import Whole, refused
from pumpd.protocols.registers import RegisterMap
from pumpd.simulator.acts import impossible
from pumpd.simulator.framed_list import channels_in
from pumpd.simulator.timeline import TimelineEvent, WardPart
from pumpd.simulator.ward_pump import ChannelStart, PumpSection
from pumpd.transports.url import Framing, PumpUrl, parse_url

_TOLD_NAMES = 20
"""How many of a ward's pumps an error names."""


class LineSection(WardPart):
    """Pumps that share a connection or cable."""

    listen: str
    """modbus-tcp://HOST:PORT (0: a free port), modbus-rtu://HOST:PORT or modbus-rtu:///PATH?baud=19200.

    Framed pumps: tcp://HOST:PORT or serial:///PATH?baud=19200.
    """
    repeat: Whole = Field(default=1, ge=1, le=10_000)
    """Copies of this line on the ports that follow; ids and serial numbers get -1, -2 ..."""
    pumps: tuple[PumpSection, ...]
    """Who answers there."""

    @field_validator("listen")
    @classmethod
    def _place(cls, value: str) -> str:
        try:
            listening(value)
        except ValueError as error:
            raise refused(
                str(error),
                "modbus-tcp://HOST:PORT, modbus-rtu://HOST:PORT or modbus-rtu:///PATH?baud=19200",
                "write listen: modbus-tcp://127.0.0.1:5021",
            ) from None
        return value

    @model_validator(mode="after")
    def _a_cable_is_one(self) -> LineSection:
        if self.repeat > 1 and listening(self.listen).settings is not None:
            raise refused("a serial line can not be repeated", "repeat with HOST:PORT", "write each line out")
        for pump in self.pumps:
            room = pump.serial_room - (len(str(self.repeat)) + 1 if self.repeat > 1 else 0)
            if len(pump.serial_number) > room:
                raise refused(
                    f"serial number {pump.serial_number} is too long", f"{room} characters", "shorten it"
                )
        framed = listening(self.listen).framing is Framing.DIALECT
        spoken = {pump.map if pump.register_map is None else "" for pump in self.pumps}
        if spoken and (len(spoken) > 1 or bool(*spoken) is not framed):
            allowed = "maps on modbus-tcp:// or modbus-rtu://, one framed dialect on tcp:// or serial://"
            raise refused("pumps and line do not speak alike", allowed, "change listen, or the map")
        units = [pump.address for pump in self.pumps]
        if len(set(units)) != len(units):
            raise refused("two pumps of this line have the same unit", "each unit once", "change one unit")
        return self


class Ward(WardPart):
    """A whole simulated ward."""

    seed: Whole = 1
    """Every choice of chance comes from it."""
    lines: tuple[LineSection, ...] = Field(min_length=1)
    """Connections and cables."""
    timeline: tuple[TimelineEvent, ...] = ()
    """What happens when."""


def listening(listen: str) -> PumpUrl:
    """Return where a line listens; ValueError says what is wrong. Port 0 comes out as port 0."""
    base, mark, options = listen.partition("?")
    free = base.endswith(":0")
    unit = "" if base.startswith(("serial:", "tcp:")) else "/1"
    place = parse_url(f"{base[:-1] + '1' if free else base}{unit}{mark}{options}")
    if place.com_port is not None:
        raise ValueError("a simulated pump is no serial server that sets its port; listen without rfc2217")
    if not free:
        return place
    return PumpUrl(
        listen, place.framing, f"{place.host}:0", place.unit, place.settings, place.host, 0, place.baud
    )


def load_ward(file: Path) -> Ward:
    """Return the ward in ``file``; ConfigError names every problem at once, each with its line."""
    document = read_document(file)
    checked = check(document, Ward)
    problems = list(checked.problems)
    if checked.model is not None and not problems:
        problems += _cross_checks(document, checked.model, checked.place)
    if problems or checked.model is None:
        raise ConfigError(in_order(problems))
    return checked.model


def copy_name(name: str, copy_index: int, copies_count: int) -> str:
    """Return what the copy of a repeated line calls a pump or a serial number."""
    return f"{name}-{copy_index + 1}" if copies_count > 1 else name


def _cross_checks(document: Document, ward: Ward, place: Callable[[DocPath], DocPath]) -> Iterator[Problem]:
    sections: dict[str, PumpSection] = {}
    for number, line in enumerate(ward.lines):
        if not line.pumps:
            here = place(("lines", number, "pumps"))
            yield document.problem(
                here, "no pump on this line", "at least one pump", "add one, or drop the line"
            )
        for at, pump in enumerate(line.pumps):
            names = {copy_name(pump.id, copy_index, line.repeat): pump for copy_index in range(line.repeat)}
            if twice := sections.keys() & names.keys():
                here = place(("lines", number, "pumps", at))
                what = f"{min(twice)} stands twice"
                yield document.problem((*here, "id"), what, "each id once", "rename one of them")
            sections |= names
    for number, event in enumerate(ward.timeline):
        yield from timeline_problems(document, place(("timeline", number)), event, sections)


def timeline_problems(
    document: Document, here: DocPath, event: TimelineEvent, pumps: Mapping[str, PumpSection]
) -> Iterator[Problem]:
    """Yield why the event at ``here`` can not happen to the ``pumps`` of a ward."""
    section = pumps.get(event.pump)
    if section is None:
        near = get_close_matches(event.pump, pumps, n=1)
        known = ", ".join(list(pumps)[:_TOLD_NAMES]) + (" ..." if len(pumps) > _TOLD_NAMES else "")
        remedy = f"did you mean {near[0]}?" if near else "write one of these"
        yield document.problem((*here, "pump"), f"there is no pump {event.pump}", known, remedy)
        return
    if event.channel not in (channels := channels_in(section.map, section.channels)):
        known = ", ".join(channels)
        what = f"{event.pump} has no channel {event.channel}"
        yield document.problem((*here, "channel"), what, known, "write one of these")
    start = section.channels.get(event.channel, ChannelStart())
    yield from event_problems(document, here, event, start, section.register_map)


def event_problems(
    document: Document,
    here: DocPath,
    event: TimelineEvent,
    start: ChannelStart,
    register_map: RegisterMap | None,
) -> Iterator[Problem]:
    """Yield what the event at ``here`` asks of a channel that such a pump does not have."""
    if problem := impossible(event, start.made_traits("")):
        yield document.problem((*here, "action"), *problem)
    places = dict(register_map.places()) if register_map else {}
    if event.path is not None and event.path not in places:
        yield document.problem(
            (*here, "path"),
            f"{event.path} is no place of the map",
            ", ".join(places),
            "write one of these",
        )
    elif event.path and event.words is not None and len(event.words) != places[event.path].width:
        width = places[event.path].width
        yield document.problem(
            (*here, "words"), f"{len(event.words)} words", f"{width} words", "give as many as the map has"
        )
