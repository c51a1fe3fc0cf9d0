"""The register maps that ship with pumpd: package data, read once, as code is."""

from __future__ import annotations

from functools import cache
from importlib import resources

from pumpd.protocols.registers import RegisterMap, load_map


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
