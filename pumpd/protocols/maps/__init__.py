"""The register maps that ship with pumpd, and those that other packages bring: read once, as code is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

from pumpd.brought import REGISTER_MAPS, Brought, brought, yaml_texts
from pumpd.protocols.registers import RegisterMap, load_map


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped maps, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


@cache
def shipped_map(name: str) -> RegisterMap:
    """Return the shipped map called ``name``; KeyError with the known names when there is none."""
    if name not in shipped_names():
        raise KeyError(f"no register map {name!r}; known are {', '.join(shipped_names())}")
    file = f"{name}.yaml"
    return load_map((resources.files(__package__) / file).read_text(encoding="utf-8"), file)


@cache
def brought_maps() -> Brought[RegisterMap]:
    """Return the maps that other packages bring."""
    return brought(REGISTER_MAPS, _maps, set(shipped_names()))


def installed_names() -> tuple[str, ...]:
    """Return the names of all maps of this installation, the shipped ones first."""
    return (*shipped_names(), *brought_maps().found)


def installed_map(name: str) -> RegisterMap:
    """Return the map called ``name``, shipped or brought; KeyError names the known ones."""
    if name in shipped_names():
        return shipped_map(name)
    if name not in brought_maps().found:
        raise KeyError(f"no register map {name!r}; known are {', '.join(installed_names())}")
    return brought_maps().found[name]


def _maps(package: object) -> Iterator[tuple[str, RegisterMap]]:
    for file, text in yaml_texts(package):
        register_map = load_map(text, file)
        yield register_map.name, register_map
