"""What a scenario can be played in: a hospital in virtual time, or one of real processes and sockets."""

from __future__ import annotations

from typing import Protocol

from pumpd.qa.beds import Beds
from pumpd.qa.happenings import SiteEvent
from pumpd.qa.people import Desk
from pumpd.qa.record import Record
from pumpd.qa.scenario import LoadedScenario


class World(Protocol):
    """One scenario's surroundings; lives on one loop."""

    loaded: LoadedScenario
    record: Record
    beds: Beds
    desk: Desk

    @property
    def all_told(self) -> bool:
        """True when daemon, broker and journal are well, so that everything must have gone out."""
        ...

    @property
    def heard_sha256(self) -> str:
        """Hash of every message that was heard from the broker, in hex."""
        ...

    def now_s(self) -> float:
        """Return seconds since the scenario began."""
        ...

    def sample(self) -> None:
        """Write down what every pump does at this moment."""
        ...

    async def open(self) -> None:
        """Make everything but the daemon."""
        ...

    async def start(self) -> None:
        """Start a daemon, with a boot id of its own, on the same disk, wires and broker, if none runs."""
        ...

    async def stop(self) -> None:
        """Stop the daemon as SIGTERM does; safe to call when none runs."""
        ...

    async def kill(self) -> None:
        """End the daemon as ``kill -9`` does."""
        ...

    async def cause(self, event: SiteEvent) -> None:
        """Let something happen to broker, stores or clock: an action of ``TO_SURROUNDINGS``."""
        ...

    async def close(self) -> None:
        """Leave nothing behind; safe to call whatever came before."""
        ...


TO_SURROUNDINGS = (
    "broker-down",
    "broker-up",
    "broker-empty",
    "broker-freeze",
    "broker-thaw",
    "journal-fail",
    "journal-slow",
    "journal-well",
    "damage-record",
    "history-fail",
    "history-well",
    "step-clock",
    "lose-time-server",
    "find-time-server",
    "fill-disk",
    "empty-disk",
    "certificate-holds",
    "renew-certificate",
    "replace-library",
)
"""The actions that each world has its own way to let happen."""
