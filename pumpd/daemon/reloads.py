"""Whom the daemon listens to, read anew when it is told so (SIGHUP); nothing else of the file is taken up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from pumpd.config import load
from pumpd.daemon.inside import Inside
from pumpd.daemon.trusted import trusted_of
from pumpd.errors import ConfigError
from pumpd.notify import ServiceManager

_log = structlog.get_logger("pumpd.reloads")


class Reloads:
    """Reads ``dashboards`` of the configuration again; a file with a fault changes nothing."""

    def __init__(self, file: Path, inside: Inside, manager: ServiceManager | None = None) -> None:
        """``manager`` is told when reading begins and ends."""
        self._manager = manager or ServiceManager()
        self._file = file
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
            trusted = await asyncio.to_thread(lambda: trusted_of(load(self._file)))
        except ConfigError as error:
            _log.error("dashboards not read anew", reason=str(error.problems[0].what))
            return
        publisher.permission.trust(trusted)
        known = ", ".join(publisher.permission.known)
        _log.info("dashboards read anew", known=known)
        app.pipeline.note(app.ward, "node", "listens-to", detail=known)
