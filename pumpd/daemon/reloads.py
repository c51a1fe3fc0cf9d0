"""Whom the daemon listens to, and which pumps the house has, read anew when it is told so (SIGHUP).

Nothing else of the file is taken up.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from pumpd.config import Config, load
from pumpd.daemon.inside import Inside
from pumpd.daemon.permission import TrustedDashboard
from pumpd.daemon.trusted import trusted_of
from pumpd.drivers.fleet import Fleet
from pumpd.errors import ConfigError
from pumpd.notify import ServiceManager

_log = structlog.get_logger("pumpd.reloads")


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
        publisher, app = self._inside.publisher, self._inside.app
        if publisher is None:
            return
        try:
            trusted, fleet, waits = await asyncio.to_thread(self._read)
        except ConfigError as error:
            first = error.problems[0]
            where = f"{first.file}:{first.line}: {first.path}"
            _log.error("dashboards not read anew", where=where, reason=first.what, remedy=first.remedy)
            return
        publisher.permission.trust(trusted)
        known = ", ".join(publisher.permission.known)
        _log.info("dashboards read anew", known=known)
        if waits:
            _log.warning("the rest of the file has changed, and is not taken up", remedy="start pumpd anew")
        app.pipeline.note(app.ward, "node", "listens-to", detail=known)
        self._take_up(fleet)

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
