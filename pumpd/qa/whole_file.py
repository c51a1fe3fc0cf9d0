"""Files that a verb writes: refused before the work when they can not be, and then whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from pumpd.errors import ConfigError, Problem


def demand_place(option: str, place: Path, *, folder: bool = False) -> None:
    """ConfigError, naming ``option``, when a file can not be written at ``place``, or below that folder."""
    near = place if folder or place.is_dir() else place.parent
    try:
        near.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = "not a directory" if isinstance(error, FileExistsError) else str(error.strerror).lower()
        what = f"{place} can not be written: {words}"
    else:
        if os.access(near, os.W_OK) and (folder or not place.is_dir()):
            return
        what = f"{place} is a directory" if place.is_dir() and not folder else f"{near} may not be written to"
    allowed = "a folder" if folder else "a file"
    raise ConfigError(
        (Problem("command line", 0, option, what, f"{allowed} that can be written", "choose another"),)
    )


def write_whole(file: Path, data: bytes, *, private: bool = False) -> None:
    """Write ``file``: who reads it meanwhile, and who writes it too, finds one whole file; OSError if not.

    A ``private`` one may be read by its owner alone.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    place = file.resolve()
    if place.exists() and not place.is_file():
        place.write_bytes(data)  # a pipe or a terminal has no other place
        return
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.touch(0o600 if private else 0o666)
        beside.write_bytes(data)
        beside.replace(place)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
