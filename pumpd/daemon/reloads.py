"""Whom the daemon listens to, read anew when it is told so (SIGHUP); nothing else of the file is taken up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from pumpd.config import Config, load
from pumpd.daemon.inside import Inside
from pumpd.daemon.permission import TrustedDashboard
from pumpd.daemon.trusted import trusted_of
from pumpd.errors import ConfigError
from pumpd.notify import ServiceManager

_log = structlog.get_logger("pumpd.reloads")


class Reloads:
    """Reads ``dashboards`` of the configuration again; a file with a fault changes nothing."""

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
            trusted, waits = await asyncio.to_thread(self._read)
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

    def _read(self) -> tuple[tuple[TrustedDashboard, ...], bool]:
        """Return who is trusted from here on, and whether anything else is not as it was started with."""
        started, found = self._config, load(self._config.file)
        same = replace(found, dashboards=started.dashboards, sha256=started.sha256)
        return trusted_of(found), same != started
