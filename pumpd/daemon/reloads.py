"""Whom the daemon listens to, and which pumps the house has, read anew when it is told so (SIGHUP).

Nothing else of the file is taken up.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from pumpd.config import Config, load
from pumpd.daemon.inside import Inside
from pumpd.daemon.permission import Permission, TrustedDashboard
from pumpd.daemon.trusted import trusted_of
from pumpd.drivers.fleet import Fleet
from pumpd.errors import ConfigError
from pumpd.key_files import KeyPlaceError
from pumpd.notify import ServiceManager

_log = structlog.get_logger("pumpd.reloads")
AGAIN_EVERY_S = 5.0


class Reloads:
    """Reads ``dashboards`` and the fleet again; a file with a fault changes nothing."""

    def __init__(self, config: Config, inside: Inside, manager: ServiceManager | None = None) -> None:
        """``config`` is what the daemon was started with; ``manager`` is told of each reading."""
        self._manager = manager or ServiceManager()
        self._config = config
        self._inside = inside
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have it read; returns at once."""
        self._asked.set()

    async def run(self) -> None:
        """Read whenever it is asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            now_us = self._inside.clock.monotonic_ns() // 1000
            self._manager.say("RELOADING=1", f"MONOTONIC_USEC={now_us}")
            await self.read()
            self._manager.say("READY=1")

    async def read(self) -> None:
        """Read it, and write down who is listened to from here on."""
        publisher = self._inside.publisher
        if publisher is None:
            return
        try:
            trusted, fleet, waits = await asyncio.to_thread(self._read)
        except ConfigError as error:
            first = error.problems[0]
            where = f"{first.file}:{first.line}: {first.path}"
            _log.error("dashboards not read anew", where=where, reason=first.what, remedy=first.remedy)
            return
        self._listen_to(publisher.permission, trusted)
        if waits:
            _log.warning("the rest of the file has changed, and is not taken up", remedy="start pumpd anew")
        self._take_up(fleet)

    async def listen_in_time(self) -> None:
        """Where the disk let no key be made or read at the start, try again until it does."""
        told = ""
        while (publisher := self._inside.publisher) is None or not publisher.permission.known:
            await asyncio.sleep(AGAIN_EVERY_S)
            if publisher is None:
                continue
            try:
                trusted = await asyncio.to_thread(trusted_of, self._config)
            except KeyPlaceError:  # told at the start
                continue
            except ConfigError as error:
                first = error.problems[0]
                if first.what != told:
                    told = first.what
                    _log.error("still no dashboard is listened to", reason=told, remedy=first.remedy)
                continue
            if not publisher.permission.known:  # else it was read anew meanwhile
                self._listen_to(publisher.permission, trusted)

    def _listen_to(self, permission: Permission, trusted: tuple[TrustedDashboard, ...]) -> None:
        """From here on listen to these, and write it down."""
        permission.trust(trusted)
        known = ", ".join(permission.known)
        _log.info("dashboards read anew", known=known)
        app = self._inside.app
        app.pipeline.note(app.ward, "node", "listens-to", detail=known)

    def _take_up(self, fleet: Fleet | None) -> None:
        """From here on go by ``fleet``, and write down what of it is not as it was."""
        known = self._config.fleet
        if known is None or fleet is None:
            return
        app = self._inside.app
        for words in known.changes(fleet):
            app.pipeline.note(app.ward, "node", "fleet", detail=words)
        known.take_up(fleet)

    def _read(self) -> tuple[tuple[TrustedDashboard, ...], Fleet | None, bool]:
        """Return who is trusted from here on, the fleet, and whether anything else has changed."""
        started, found = self._config, load(self._config.file)
        same = replace(found, dashboards=started.dashboards, sha256=started.sha256)
        if started.fleet is not None and found.fleet is not None:
            same = replace(same, fleet=started.fleet)
        return trusted_of(found), found.fleet, same != started
