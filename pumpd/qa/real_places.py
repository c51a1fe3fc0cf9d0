"""Where the lines of a scenario are on this machine, and the configuration that names them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pumpd.config import load
from pumpd.config_fleet import fleet_text
from pumpd.errors import ConfigError
from pumpd.qa.beds import fleet_of, listen_as_written
from pumpd.qa.happenings import SiteEvent
from pumpd.qa.hospital import NODE, SITE
from pumpd.qa.people import DASHBOARD
from pumpd.qa.processes import HeldPort
from pumpd.qa.scenario import LATENCY_MS, LoadedScenario, ScenarioPump
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.transports.url import PumpUrl, parse_url

VIRTUAL_ONLY = {
    "journal-slow": "no disk can be made so slow without the rights of root",
    "lose-time-server": "the time of day belongs to the whole machine",
    "find-time-server": "the time of day belongs to the whole machine",
    "fill-disk": "the disk belongs to the whole machine, and must not be filled",
    "empty-disk": "the disk belongs to the whole machine, and must not be filled",
    "certificate-holds": "what is asked of it lies weeks ahead",
    "renew-certificate": "what is asked of it lies weeks ahead",
    "step-clock": "the time of day belongs to the whole machine, and only root may set it",
}
"""The actions that can not be had for real, and why."""


class Places:
    """A port of the loopback for every network line, a pseudo-terminal's path for every serial one."""

    def __init__(self, pumps: Sequence[ScenarioPump], directory: Path) -> None:
        self._held: list[HeldPort] = []
        self._places: dict[str, str] = {}
        for url in (parse_url(pump.url) for pump in pumps):
            if url.line in self._places:
                continue
            if url.settings is None:
                self._held.append(HeldPort())
                self._places[url.line] = f"127.0.0.1:{self._held[-1].port}"
            else:
                self._places[url.line] = str(directory / f"line-{len(self._places) + 1}")

    def url(self, url: PumpUrl) -> str:
        """Return where a pump of the scenario is found on this machine."""
        parts, place = urlsplit(url.url), self._places[url.line]
        if url.settings is None:
            return urlunsplit(parts._replace(netloc=place))
        return urlunsplit(parts._replace(path=place + parts.path.removeprefix(url.line)))

    def listen(self, url: PumpUrl) -> str:
        """Return where a line of the scenario listens on this machine."""
        return listen_as_written(parse_url(self.url(url)))

    def close(self) -> None:
        """Let go of the ports."""
        for held in self._held:
            held.close()


def write_config(
    loaded: LoadedScenario, file: Path, port: int, url: Callable[[PumpUrl], str], library: str | None = None
) -> None:
    """Write the configuration of ``pumpd run`` for the pumps of a scenario, found at ``url``.

    ``library`` takes the place of the scenario's own.
    """
    pumps = [
        pump.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"simulated"})
        | {"url": url(parse_url(pump.url))}
        for pump in loaded.scenario.pumps
    ]
    fleet = file.with_name("fleet.csv")
    if loaded.scenario.fleet:
        fleet.write_text(fleet_text(fleet_of(loaded.scenario.pumps)), encoding="utf-8")
    library_file = loaded.file.parent / (library or loaded.scenario.library)
    configuration = {
        "site": SITE,
        "node": NODE,
        "data_dir": ".",
        "mqtt": {"host": "127.0.0.1", "port": port},
        "library": str(library_file.resolve()),
        "dashboards": [{"id": DASHBOARD, "keys": [seeded_signer(DASHBOARD).public.text]}],
        "lines": {"latency_ms": LATENCY_MS},
        "alarms": loaded.scenario.alarms.model_dump(mode="json", exclude_unset=True),
        "machine": {"time_server": False},
        "syslog": str(file.parent / "syslog"),  # where nobody listens: nothing of it is news
        "fleet": fleet.name if loaded.scenario.fleet else "",
        "pumps": pumps,
    }
    file.write_text(json.dumps(configuration, indent=1), encoding="utf-8")  # JSON is YAML


def why_virtual_only(loaded: LoadedScenario) -> str:
    """Return why a scenario can not be played for real; empty when it can."""
    for event in loaded.scenario.timeline:
        if isinstance(event, SiteEvent) and event.action in VIRTUAL_ONLY:
            return f"{event.action}: {VIRTUAL_ONLY[event.action]}"
    with tempfile.TemporaryDirectory(prefix="pumpd-qa-") as directory:
        file = Path(directory) / "pumpd.yaml"
        write_config(loaded, file, 1883, lambda url: url.url)
        try:
            load(file)
        except ConfigError as error:
            return f"`pumpd run` refuses the configuration: {error.problems[0].what}"
    return ""
