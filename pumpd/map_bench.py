"""``pumpd map``: a register map held against its own examples, and against a pump. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pumpd.bench_line import BenchLine, Tell, bench_line, silent, url_for
from pumpd.document import read_document
from pumpd.document_check import demand
from pumpd.drivers.map_reading import Answers, Seen, hints, order_told, plan_at, registers_seen
from pumpd.drivers.register_map import read_request
from pumpd.drivers.registry import DriverSpec, of_register_map
from pumpd.drivers.unverified import REPLY_TIME_MS, unverified_card
from pumpd.errors import DeviceRefusedError, PumpdError
from pumpd.probe import advice
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_plan import ReadPlan
from pumpd.qa.conformance.score import points_of, tried
from pumpd.transports.base import Transport

_FUNCTIONS: Final = {1: "coil", 2: "input bit", 3: "holding", 4: "input"}
_BAUD: Final = 9600
_BITS: Final = 10
"""Of a byte on the line whose wire time is told: 8N1."""


def map_in(file: Path) -> RegisterMap:
    """Return the map in ``file``; ConfigError names every problem at once."""
    return demand(read_document(file), RegisterMap)


def check_map(file: Path, tell: Tell) -> bool:
    """Tell what a map says and whether its examples hold; return whether they do."""
    register_map = map_in(file)
    spec = of_register_map(unverified_card(register_map), register_map)
    tell(f"{register_map.name}: {register_map.make} {register_map.model}")
    tell(f"from {register_map.source.document}, revision {register_map.source.revision}")
    bits = spec.cycle_rtu_bytes * _BITS
    tell(
        f"a reading takes {spec.n_questions} requests, {spec.cycle_rtu_bytes} bytes on a serial line: "
        f"{1000 * bits / _BAUD:.0f} ms at {_BAUD} baud"
    )
    for name, channel in register_map.channels.items():
        numbers = ", ".join(n.replace("_", " ") for n, _ in channel.numbers())
        tell(f"channel {name}: {len(channel.status.codes)} statuses, {numbers}, {len(channel.alarms)} alarms")
        for what, control in (("pause", channel.pause), ("lower rate", channel.lower)):
            if control is not None:
                tell(f"  {what}: function {control.function} at {control.address}; untried on a real pump")
    return _examples_hold(spec, register_map, tell)


def _examples_hold(spec: DriverSpec, register_map: RegisterMap, tell: Tell) -> bool:
    results = [tried(point) for point in points_of(spec, ("example read", "example written"))]
    failed = [result for result in results if not result.reached]
    for result in failed:
        tell(f"WRONG: {result.failed}")
    told = f"{len(register_map.examples)} examples, read and written"
    tell(f"{told}: {len(failed)} of {len(results)} do not hold" if failed else f"{told}: all hold")
    return not failed


async def read_map(
    file: Path, url_text: str, tell: Tell, *, show_bytes: bool = False, wire: Transport | None = None
) -> bool:
    """Read every register of a map from a pump; return whether all of them make sense.

    ConfigError when file or URL is wrong. A refused request is told and the others are read; ``wire`` stands
    in for the URL's own.
    """
    register_map = map_in(file)
    url = url_for(url_text, None)
    assert url.unit is not None, "a Modbus URL names its unit"
    tell_bytes = tell if show_bytes else silent
    async with bench_line(url, url.unit, REPLY_TIME_MS, tell_bytes, wire=wire) as line:
        try:
            await line.open()
            return await _read(register_map, line, url.unit, tell)
        except PumpdError as error:
            tell(f"failed: {error}")
            tell(f"what to do: {advice(error, url, line.wire)}")
            return False


async def _read(register_map: RegisterMap, line: BenchLine, unit: int, tell: Tell) -> bool:
    at_base: dict[int, tuple[ReadPlan, Answers]] = {}
    own = register_map.address_base
    for base in (own, 1 - own):
        read_plan = plan_at(register_map, base)
        at_base[base] = read_plan, await _answers(read_plan, line, unit)
    read_plan, answers = at_base[own]
    order, trouble = order_told(register_map, read_plan, answers)
    if trouble:
        tell(f"byte order: {trouble}")
    seen = list(registers_seen(register_map, read_plan, answers, order))
    _table(seen, tell)
    good = sum(one.good for one in seen)
    tell(f"{good} of {len(seen)} registers make sense, read in order {order} with address_base {own}")
    for hint in hints(register_map, at_base, order):
        tell(f"hint: {hint}")
    return good == len(seen) and not trouble


async def _answers(read_plan: ReadPlan, line: BenchLine, unit: int) -> Answers:
    answers: list[Sequence[int] | None] = []
    for read in read_plan.reads:
        try:
            answers.append(await line.talk.ask(read_request(unit, read)))
        except DeviceRefusedError:
            answers.append(None)
    return answers


def _table(seen: Sequence[Seen], tell: Tell) -> None:
    widest = max(len(one.path) for one in seen)
    for one in seen:
        words = " ".join(f"{int(word):04X}" for word in one.words)
        place = f"{_FUNCTIONS[one.function]} {one.address}"
        tell(f"{one.path:{widest}}  {place:14}  {words:20}  {one.value:20}  {one.verdict}".rstrip())
