"""Puts a table of the house's pumps in its place: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from pumpd.config import load
from pumpd.config_fleet import fleet_in, fleet_text, read_fleet
from pumpd.document import read_bounded, read_document
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.errors import ConfigError, Problem


def replace_fleet(config: Path, table: Path) -> list[str]:
    """Let the table in ``table`` be the fleet of ``config``; return what has changed, in words.

    ConfigError names every fault of it, with its line; then nothing has changed.
    """
    try:
        raw = read_bounded(table)
    except OSError as error:
        what = f"it can not be read: {(error.strerror or str(error)).lower()}"
        raise ConfigError(
            (Problem(str(table), 0, "(file)", what, "a CSV file", "look at its name"),)
        ) from None
    read = fleet_in(raw, str(table))
    if read.problems:
        raise ConfigError(read.problems)
    return _put(config, raw, read.fleet)


def put_pump(config: Path, pump: FleetPump) -> list[str]:
    """Let the fleet of ``config`` hold ``pump`` under its asset number; as ``replace_fleet``."""
    file = _file_of(config)
    before = read_fleet(file, str(file)) if file.exists() else None
    if before is not None and before.problems:
        raise ConfigError(before.problems)
    pumps = {each.asset: each for each in (before.fleet.pumps if before else ())}
    text = fleet_text(Fleet((pumps | {pump.asset: pump}).values()))
    read = fleet_in(text.encode(), str(file))  # what was typed is held to what a file is held to
    if read.problems:
        raise ConfigError(read.problems)
    return _put(config, text.encode(), read.fleet)


def _file_of(config: Path) -> Path:
    """Return the fleet's file that ``config`` names; ConfigError when it names none."""
    document = read_document(config)
    named = document.data.get("fleet", "") if isinstance(document.data, dict) else ""
    if not isinstance(named, str) or not named:
        what, remedy = "the configuration names no fleet", "write fleet: fleet.csv into it"
        raise ConfigError((document.problem(("fleet",), what, "the name of a CSV file", remedy),))
    return config.parent / named


def _put(config: Path, raw: bytes, fleet: Fleet) -> list[str]:
    file = _file_of(config)
    known = read_fleet(file, str(file)).fleet if file.exists() else Fleet(())
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(raw)
            written.flush()
            os.fsync(written.fileno())
        load(config, fleet=made)  # the configuration must agree with it
        if file.exists():
            shutil.copymode(file, made)
        else:
            made.chmod(0o644)
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    return known.changes(fleet)
