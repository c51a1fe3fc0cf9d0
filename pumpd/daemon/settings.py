"""What was changed in configuration and drug library since the run before: who, old, new and reason."""

from __future__ import annotations

import asyncio
import hashlib
import json
import pwd
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from pumpd.config import Config
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import Ward
from pumpd.document import read_bounded, read_document

MOST_LINES = 100
"""More changes than this are another configuration: the rest is counted."""
_NAMES = ("id", "name", "drug", "ask", "over")
"""By which an entry of a list is known wherever it stands in it."""
_HIDDEN = ("alarms.contacts[", ".label")
"""Who can be reached where, and who lies there, is not for everybody who reads the journal."""
_ABOUT_THE_CHANGE = ("changed_by", "changed_why")

_log = structlog.get_logger("pumpd.settings")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of this run, and where those of the run before are kept."""

    kept: Path
    now: Mapping[str, str]
    """Where it stands -> what it is; of what is hidden only a hash."""
    by: str
    """Who changed it: as the configuration says, else the account that the file belongs to."""
    why: str

    def changes(self) -> list[str]:
        """Return each change in words, as ``key: old -> new``; empty when nothing was kept before."""
        try:
            before: Mapping[str, str] = json.loads(read_bounded(self.kept))
        except (OSError, ValueError):
            return []
        keys = {**self.now, **before}
        found = [key for key in keys if before.get(key) != self.now.get(key)]
        told = [f"{key}: {_shown(key, before.get(key))} -> {_shown(key, self.now.get(key))}" for key in found]
        if len(told) > MOST_LINES:
            told = [*told[:MOST_LINES], f"{len(told) - MOST_LINES} more settings"]
        return [f"{words} ({self.why})" if self.why else words for words in told]

    def tell(self, pipeline: Pipeline, ward: Ward) -> None:
        """Write each change into the journal; once that is on disk it is what the next run compares with."""
        written: asyncio.Future[None] | None = None
        for words in self.changes():
            written = pipeline.note(ward, "node", "configured", detail=words, by=self.by)
        if written is None:
            self.keep()
        else:
            written.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and done.exception() is None:
            self.keep()

    def keep(self) -> None:
        """Keep the settings for the next run; what can not be kept is told again then."""
        anew = self.kept.with_suffix(".anew")
        try:
            anew.write_text(json.dumps(self.now, ensure_ascii=False, indent=1))
            Path(anew).replace(self.kept)
        except OSError as error:
            _log.warning("settings not kept: changes are told again at the next start", reason=str(error))


def settings_of(config: Config) -> Settings:
    """Return the settings of ``config`` and of its drug library; both have been found good."""
    said = dict(_flat("", read_document(config.file).data))
    by, why = (said.pop(key, "") for key in _ABOUT_THE_CHANGE)
    library = {f"drug library: {k}": v for k, v in _flat("", read_document(config.library_file).data)}
    pumps = () if config.fleet is None else config.fleet.pumps
    fleet = {f"fleet[{pump.asset}]": str(pump) for pump in pumps}
    now = {
        key: _hash(value) if _is_hidden(key) else value for key, value in {**said, **library, **fleet}.items()
    }
    return Settings(config.data_dir / "settings.json", now, by or _owner(config.file), why)


def _flat(at: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield every value below ``at`` with where it stands: ``pumps[PUMP-01].ceiling``."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(f"{at}.{key}" if at else str(key), below)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _flat(f"{at}[{_name(below) or number}]", below)
    else:
        yield at, "none" if value is None else str(value)


def _name(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return " ".join(str(value[key]) for key in (*_NAMES, "form", "care_area", "indication") if key in value)


def _is_hidden(key: str) -> bool:
    return key.startswith(_HIDDEN[0]) or key.endswith(_HIDDEN[1])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(key: str, value: str | None) -> str:
    if value is None:
        return "not there"
    return "not shown" if _is_hidden(key) else value


def _owner(file: Path) -> str:
    try:
        return pwd.getpwuid(file.stat().st_uid).pw_name
    except (KeyError, OSError):
        return "unknown"
