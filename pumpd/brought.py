"""What other installed packages bring: drivers, register maps and simulated pumps, found by entry points.

A package that can not be used is left out and named with its reason: it must not blind the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType
from typing import Final, Generic, TypeVar

T = TypeVar("T")

REGISTER_MAPS: Final = "pumpd.register_maps"
"""Entry points that name packages of register maps (``*.yaml``)."""
DRIVERS: Final = "pumpd.drivers"
"""Entry points that name packages of cards (``*.yaml``), or a ``DriverSpec``."""
SIMULATORS: Final = "pumpd.simulators"
"""Entry points that name a ``SimulatedKind``: the pump's end of a framed dialect."""


@dataclass(frozen=True, slots=True)
class Brought(Generic[T]):
    """What the entry points of one group gave."""

    found: Mapping[str, T]
    faults: Mapping[str, str]
    """Entry point, with its package -> why it can not be used."""


def brought(group: str, read: Callable[[object], Iterator[tuple[str, T]]], taken: set[str]) -> Brought[T]:
    """Return what every package brings under ``group``; ``read`` yields names and values of a loaded object.

    A name that is ``taken``, or that two packages bring, belongs to the first: nobody stands in for another.
    """
    found: dict[str, T] = {}
    faults: dict[str, str] = {}
    for point in sorted(entry_points(group=group), key=_whose):
        try:
            for name, value in read(point.load()):
                if name in taken or name in found:
                    faults[_whose(point)] = f"there is a {name} already"
                else:
                    found[name] = value
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's package does, the others go on
            faults[_whose(point)] = f"{type(error).__name__}: {error}"
    return Brought(MappingProxyType(found), MappingProxyType(faults))


def yaml_texts(package: object) -> Iterator[tuple[str, str]]:
    """Yield name and text of each YAML file in a package; TypeError when it is none."""
    if not isinstance(package, ModuleType):
        raise TypeError(f"it names a {type(package).__name__}, not a package of YAML files")
    for file in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            yield file.name, file.read_text(encoding="utf-8")


def _whose(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "a package without a name"
    return f"{point.name} of {package}"
