"""Mutants of the shipped register maps: scale, byte order, address, range, codes, bits, missing values."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.protocols.registers_fields import ORDERS
from tests.mutants.mutant import ROOT, Mutant, source

MAPS = "pumpd/protocols/maps"
_UNSIGNED = {"i16": "u16", "i32": "u32"}
Keys = tuple[str | int, ...]


def map_files() -> list[str]:
    """Return the shipped register maps."""
    return [path.relative_to(ROOT).as_posix() for path in sorted(Path(ROOT, MAPS).glob("*.yaml"))]


def map_mutants() -> Iterator[Mutant]:
    """Yield every mutant of every shipped map; its examples stay as they are: they judge it."""
    for file in map_files():
        data = yaml.safe_load(source(file))
        for path, value, parent in _leaves(data, (), {}):
            if path[0] in {"examples", "never_sent", "source", "name", "make", "model", "quirks"}:
                continue
            for kind, other in _others(path, value, parent):
                changed = copy.deepcopy(data)
                _put(changed, path, other)
                text = _dumped(changed)
                yield Mutant(kind, file, ".".join(map(str, path)), f"{value} -> {other}", text)
        yield from _without_entries(file, data)


def _leaves(node: Any, path: Keys, parent: Any) -> Iterator[tuple[Keys, Any, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, (*path, key), node)
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _leaves(value, (*path, at), parent)
    else:
        yield path, node, parent


def _dumped(data: Any) -> str:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False)


def _put(data: Any, path: Keys, value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


def _others(path: Keys, value: Any, parent: Any) -> Iterator[tuple[str, Any]]:
    """Yield what could be written by mistake in a value's place, with the kind of mistake."""
    key, table = path[-1], path[-2] if len(path) > 1 else ""
    match key:
        case "order":
            yield from (("word order", order) for order in ORDERS if order != value)
        case "address_base":
            yield "address", 1 - value
        case "address":
            yield "address", value + 1
        case "function":
            yield "address", {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5}[value]
        case "scale":
            yield "scale", float(Decimal(str(value)) * 10)
            yield "scale", float(Decimal(str(value)) / 10)
        case "type" if value in _UNSIGNED:
            yield "scale", _UNSIGNED[value]
        case "length" | "value":
            yield "address" if key == "length" else "control", value - 1
        case "changes_within_ms":
            yield "limit", value * 10
    match table:
        case "range":
            yield "limit", float(Decimal(str(value)) + Decimal(str(parent.get("scale", 1))))
            if value or not parent["type"].startswith("u"):  # below 0 it has no words to break a limit with
                yield "limit", float(Decimal(str(value)) - Decimal(str(parent.get("scale", 1))))
        case "codes":
            yield "code", _other_meaning(path, value, parent)
        case "bits":
            yield "code", _next([alarm.value for alarm in PumpAlarm], value)
        case "no_value":
            yield "code", f"0x{int(value, 16) ^ 1:X}"


def _next(names: list[str], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]


def _other_meaning(path: Keys, value: Any, table: Any) -> Any:
    """Return another meaning of a code: of its own kind, or something where it means nothing."""
    statuses, alarms = [status.value for status in PumpStatus], [alarm.value for alarm in PumpAlarm]
    if value is None:
        return PumpAlarm.OTHER.value if "alarms" in path else PumpStatus.RUNNING.value
    if isinstance(value, bool):
        return not value
    return _next(next(kind for kind in (statuses, alarms, list(table.values())) if value in kind), value)


_AS_UNNAMED = {PumpStatus.UNKNOWN.value, PumpAlarm.OTHER.value}
"""What a code or bit means that a map does not name: without such an entry it is the same map."""


def _without_entries(file: str, data: Any) -> Iterator[Mutant]:
    """Yield the map without each of its codes and bits, and without each part it may leave out."""
    for path, node in _tables(data, ()):
        for key, meaning in node.items():
            if path and path[-1] in {"codes", "bits"} and meaning in _AS_UNNAMED:
                continue
            if (path and path[-1] in {"codes", "bits"}) or key in {"no_value", "pause", "heartbeat"}:
                changed = copy.deepcopy(data)
                inner = _at(changed, path)
                del inner[key]
                where = ".".join(map(str, path)) or "map"
                yield Mutant("code", file, where, f"without {key}", _dumped(changed))


def _tables(node: Any, path: Keys) -> Iterator[tuple[Keys, dict[Any, Any]]]:
    if isinstance(node, dict):
        if path[:1] not in {("examples",), ("never_sent",)}:
            yield path, node
        for key, value in node.items():
            yield from _tables(value, (*path, key))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _tables(value, (*path, at))


def _at(data: Any, path: Keys) -> Any:
    for key in path:
        data = data[key]
    return data
