"""Puts a table of the house's pumps in its place: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from pumpd.config import load
from pumpd.config_fleet import fleet_in, fleet_text
from pumpd.document import read_bounded, read_document
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.errors import ConfigError, Problem


def replace_fleet(config: Path, table: Path) -> list[str]:
    """Let the table in ``table`` be the fleet of ``config``; return what has changed, in words.

    ConfigError names every fault of it, with its line; then nothing has changed.
    """
    raw = _bytes_of(table)
    read = fleet_in(raw, str(table))
    if read.problems:
        raise ConfigError(read.problems)
    return _put(config, raw, read.fleet)


def put_pump(config: Path, pump: FleetPump) -> list[str]:
    """Let the fleet of ``config`` hold ``pump`` under its asset number; as ``replace_fleet``."""
    file = _file_of(config)
    before = fleet_in(_bytes_of(file), str(file)) if file.exists() else None
    if before is not None and before.problems:
        raise ConfigError(before.problems)
    pumps = {each.asset: each for each in (before.fleet.pumps if before else ())}
    text = fleet_text(Fleet((pumps | {pump.asset: pump}).values()))
    raw = text.encode(errors="surrogateescape")  # a command line may hold bytes that are no text
    read = fleet_in(raw, str(file))  # what was typed is held to what a file is held to
    if read.problems:
        raise ConfigError(read.problems)
    return _put(config, raw, read.fleet)


def _bytes_of(file: Path) -> bytes:
    """Return what is in ``file``; ConfigError where it can not be read."""
    try:
        return read_bounded(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _problem(file, f"it can not be read: {reason.lower()}", "a CSV file") from None


def _problem(file: Path, what: str, allowed: str) -> ConfigError:
    return ConfigError((Problem(str(file), 0, "(file)", what, allowed, "look at its name"),))


def _file_of(config: Path) -> Path:
    """Return the fleet's file that ``config`` names; ConfigError when it names none, or can not be read."""
    document = read_document(config)
    if document.problems:
        raise ConfigError(document.problems)
    named = document.data.get("fleet", "") if isinstance(document.data, dict) else ""
    if not isinstance(named, str) or not named:
        what, remedy = "the configuration names no fleet", "write fleet: fleet.csv into it"
        raise ConfigError((document.problem(("fleet",), what, "the name of a CSV file", remedy),))
    return config.parent / named


def _put(config: Path, raw: bytes, fleet: Fleet) -> list[str]:
    file = _file_of(config)
    known = fleet_in(_bytes_of(file), str(file)).fleet if file.exists() else Fleet(())
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        what = f"nothing can be written beside it: {(error.strerror or str(error)).lower()}"
        raise _problem(file, what, "a folder that is there, and that this user may write to") from None
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
