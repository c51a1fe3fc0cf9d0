"""Pumps against the lines they share and their drivers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pumpd.config_models import PumpSection
from pumpd.config_reach import horizon_s, load_told, reach_s, wire_s
from pumpd.core.restraint_gate import Enforcement
from pumpd.document import DocPath, Document
from pumpd.drivers.registry import DriverSpec, find
from pumpd.errors import Problem
from pumpd.transports.url import Framing, PumpUrl, parse_url

if TYPE_CHECKING:
    from pumpd.config import Config

Placed = Sequence[tuple[DocPath, PumpSection]]
"""Pumps with their places in the document."""


URLS = (
    "modbus-tcp://host:port/UNIT, modbus-rtu:///dev/PORT/UNIT?baud=..., modbus-rtu://host:port/UNIT, "
    "serial:///dev/PORT?baud=..., tcp://host:port, rfc2217://host:port?baud=..., "
    "modbus-rtu+rfc2217://host:port/UNIT?baud=..."
)
_EXAMPLES = {
    "modbus-tcp": "modbus-tcp://10.0.0.5:502/1",
    "modbus-rtu": "modbus-rtu:///dev/ttyUSB0/1?baud=19200",
    "serial": "serial:///dev/ttyUSB0?baud=9600",
    "tcp": "tcp://10.0.0.5:4001",
    "rfc2217": "rfc2217://10.0.0.5:4001?baud=9600",
    "modbus-rtu+rfc2217": "modbus-rtu+rfc2217://10.0.0.5:4001/1?baud=19200",
}


def line_problems(
    document: Document, pumps: Placed, drivers: Mapping[str, DriverSpec], latency_ms: int
) -> Iterator[Problem]:
    """Yield what is wrong with URLs, and with what the pumps of one line ask of it together."""
    lines: dict[str, list[tuple[DocPath, PumpSection, PumpUrl]]] = defaultdict(list)
    for place, pump in pumps:
        try:
            url = parse_url(pump.url)
        except ValueError as error:
            yield _bad_url(document, (*place, "url"), pump.url, str(error))
            continue
        spec = drivers.get(pump.driver)
        if spec is not None and spec.dialect is not None and url.framing is not Framing.DIALECT:
            what = f"{pump.driver} speaks a protocol of its own, and this URL is one of Modbus"
            scheme = "serial" if url.settings else "rfc2217" if url.com_port else "tcp"
            yield document.problem((*place, "url"), what, URLS, f"write {_EXAMPLES[scheme]}")
        elif spec is not None and spec.dialect is None and url.framing is Framing.DIALECT:
            what = f"{pump.driver} is a Modbus pump, and this URL names no unit"
            scheme = "modbus-rtu" if url.settings else "modbus-tcp"
            scheme = "modbus-rtu+rfc2217" if url.com_port else scheme
            yield document.problem((*place, "url"), what, URLS, f"write {_EXAMPLES[scheme]}")
        elif spec is not None and spec.dialect is not None:
            if (at := spec.address(url.unit)) not in (known := spec.dialect.addresses):
                allowed = f"{known[0]} to {known[-1]}" if spec.dialect.addressed else "no address"
                yield document.problem(
                    (*place, "url"), f"{pump.driver} is never at {at}", allowed, "mend address="
                )
            url = replace(url, unit=at)
        lines[url.line].append((place, pump, url))
    for line, members in lines.items():
        yield from _shared(document, line, members)
        yield from _capacity(document, line, members, drivers, latency_ms)


def _bad_url(document: Document, path: DocPath, url: str, error: str) -> Problem:
    """Return the problem without the URL itself: what stands before an @ may be a secret."""
    scheme, found, _ = url.partition("://")
    if not found:
        port = re.fullmatch(r"(?:/dev/)?(tty\w+)", url)
        name = port[1] if port else "ttyUSB0"
        remedy = f"write modbus-rtu:///dev/{name}/1?baud=19200, or serial:///dev/{name}?baud=9600"
        return document.problem(path, "the URL has no scheme", URLS, remedy)
    near = get_close_matches(scheme, _EXAMPLES, n=1, cutoff=0.5)
    example = _EXAMPLES[near[0] if near else "modbus-tcp"]
    reason = error.removeprefix(f"{url!r}").removeprefix(":").strip()
    return document.problem(path, f"the URL is not good: {reason}", URLS, f"write it like {example}")


_OWN_ADDRESS = "write this pump's own address"


def _shared(
    document: Document, line: str, members: list[tuple[DocPath, PumpSection, PumpUrl]]
) -> Iterator[Problem]:
    first_place, _, first = members[0]
    taken: dict[int | None, DocPath] = {}
    for place, pump, url in members:
        path = (*place, "url")
        if url.unit in taken:
            called = "address" if url.framing is Framing.DIALECT else "unit"
            what = (
                f"the pump on line {document.line(taken[url.unit])} is at {called} {url.unit} of {line} too"
            )
            remedy = "list the places of a rack in one entry" if pump.channels else _OWN_ADDRESS
            yield document.problem(path, what, "one pump per address", remedy)
        taken.setdefault(url.unit, path)
        if not url.agrees_with(first):
            other = document.line((*first_place, "url"))
            what = f"{line} has other settings here than on line {other}"
            yield document.problem(path, what, "one setting per line", f"write the settings of line {other}")


def _capacity(
    document: Document,
    line: str,
    members: list[tuple[DocPath, PumpSection, PumpUrl]],
    drivers: Mapping[str, DriverSpec],
    latency_ms: int,
) -> Iterator[Problem]:
    """Hold what the pumps of a line ask for against what it carries."""
    if any(pump.driver not in drivers for _, pump, _ in members):
        return
    asked = [(url, drivers[pump.driver].watching(pump.channels)) for _, pump, url in members]
    share = sum(
        wire_s(url, spec) / pump.poll_interval_s
        for (_, pump, _), (url, spec) in zip(members, asked, strict=True)
    )
    slowest_s = reach_s(asked, latency_ms)
    for (place, pump, _), (url, spec) in zip(members, asked, strict=True):
        yield from _too_often(document, (*place, "poll_interval_s"), pump, (url, spec), share, latency_ms)
        needed_s = max(pump.poll_interval_s, slowest_s)
        if pump.stale_after_s is not None and pump.stale_after_s < needed_s:
            yield document.problem(
                (*place, "stale_after_s"),
                f"a reading may be {needed_s:.3g} s old before {line} brings the next",
                f"more than {needed_s:.3g} s",
                "raise stale_after_s, lower poll_interval_s, or leave it out: the default follows the line",
            )


def _too_often(
    document: Document,
    path: DocPath,
    pump: PumpSection,
    reached: tuple[PumpUrl, DriverSpec],
    share: float,
    latency_ms: int,
) -> Iterator[Problem]:
    """Tell a poll interval that the line can not carry, with the numbers that show it."""
    url, spec = reached
    horizon = horizon_s(url, spec, latency_ms)
    if share <= 1 and pump.poll_interval_s >= horizon:
        return
    least_s = f"{max(share * pump.poll_interval_s, horizon) + 0.05:.1f}"
    bytes_s = f"{spec.cycle_rtu_bytes} bytes a reading take {wire_s(url, spec):.3f} s"
    if share > 1:
        what = (
            f"{url.line} can not carry it: {bytes_s}, and its pumps ask for {100 * share:.0f} % of its time"
        )
    else:
        wait_ms = spec.card.reply_time_ms + latency_ms
        what = (
            f"{url.line} can not carry it: {bytes_s}, the pump and the way up to {wait_ms} ms, and the same "
            f"question goes out again only after four such time-outs, {horizon:.2f} s"
        )
    faster = ", or a higher baud rate here and on the pumps" if url.settings or url.baud else ""
    remedy = f"write poll_interval_s: {least_s}{faster}"
    yield document.problem(path, what, f"at least {least_s} s on this line", remedy)


def lines_told(config: Config) -> Iterator[str]:
    """Yield of every serial line what its pumps ask of it, in numbers."""
    lines: dict[str, list[tuple[PumpUrl, DriverSpec, float]]] = defaultdict(list)
    for pump in config.pumps:
        url = parse_url(pump.url)
        spec = find(pump.driver).watching(pump.channels)
        lines[url.line].append((url, spec, pump.poll_interval_s))
    for line, members in lines.items():
        load = load_told(members, config.lines.latency_ms)
        if load is not None:
            by_bytes, by_late = load
            told = f"{line}: {len(members)} pump{'s' if len(members) > 1 else ''} take "
            told += (
                f"{100 * by_bytes:.0f} % of its time, {100 * by_late:.0f} % if all answer as late as they may"
            )
            yield told + (f": then all are read {by_late:.1f} times less often" if by_late > 1 else "")


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
        yield from _places(document, (*place, "channels"), pump, spec)
        if pump.real and pump.programme is not None and not spec.card.human_use:
            yield document.problem(
                (*place, "programme"),
                f"{spec.name} is a laboratory pump, and this one is real: it can not carry an infusion",
                "a programme on a pump for use on people, or on a simulated one",
                "remove the programme",
            )
        if pump.programme is not None and len(pump.channels) > 1:
            yield document.problem(
                (*place, "programme"),
                f"a rack of {len(pump.channels)} pumps has one programme, and each gives its own drug",
                "a programme where one pump is watched",
                "remove the programme; infusions are begun for each pump",
            )
        step = spec.flow_step
        if pump.ceiling is not None and pump.ceiling.nl_per_h % step.nl_per_h:
            yield document.problem(
                (*place, "ceiling"),
                f"{pump.ceiling} is finer than {spec.name} can tell",
                f"steps of {step}",
                f"write {type(step)(pump.ceiling.nl_per_h // step.nl_per_h * step.nl_per_h)}",
            )


def _places(document: Document, path: DocPath, pump: PumpSection, spec: DriverSpec) -> Iterator[Problem]:
    """Yield every place that a rack does not have or that stands there twice."""
    if pump.channels and not spec.places:
        what = f"{spec.name} is no rack"
        yield document.problem(path, what, "no channels", "leave channels out")
        return
    for at, name in enumerate(pump.channels):
        if name in spec.places and name not in pump.channels[:at]:
            continue
        what = f"place '{name}' stands twice" if name in spec.places else f"{spec.name} has no place '{name}'"
        allowed = f"{spec.places[0]}, {spec.places[1]} and so on to {spec.places[-1]}, each once"
        yield document.problem(path, what, allowed, "name each place whose pump is watched, once")


def _control(document: Document, place: DocPath, pump: PumpSection, spec: DriverSpec) -> Iterator[Problem]:
    """Asking for a control that the pump does not have would look safe on paper and do nothing at the bed."""
    able = {
        Enforcement.ALARM: True,
        Enforcement.PAUSE: bool(spec.pausable),
        Enforcement.CAP: bool(spec.lowerable),
    }
    if not able[pump.enforcement]:
        yield document.problem(
            (*place, "enforcement"),
            f"{spec.name} can not do {pump.enforcement.value} over the wire{_why(pump.enforcement, spec)}",
            ", ".join(kind.value for kind, has in able.items() if has),
            "write enforcement: alarm",
        )


def _why(asked: Enforcement, spec: DriverSpec) -> str:
    """Return the reason that the driver's card gives, if any."""
    ability = spec.card.capabilities["pause" if asked is Enforcement.PAUSE else "lower rate"]
    return f": {ability.comment}" if ability.state == "exempt" else ""
