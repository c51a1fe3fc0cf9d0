"""Tells the service manager that started this process how it is: sd_notify(3), a datagram on a socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LOOK_EVERY_S = 0.2
"""How soon it is told that the process is ready."""
STATUS_EVERY_S = 5.0
"""How often the words may change where nobody asked for a watchdog."""
PINGS_IN_TIME = 3
"""So often in the time after which the service manager gives up; sd_watchdog_enabled(3) asks for two."""


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Where to tell it; silent where nobody asked."""

    address: str = ""
    """The path of its socket, or an abstract name that begins with @; empty: nobody asked."""
    watchdog_s: float | None = None
    """After so long without a ping it ends this process; None: it does not watch."""

    @classmethod
    def of(cls, environment: Mapping[str, str], process: str) -> ServiceManager:
        """Return what NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask of the process of that number."""
        limit_us = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", process) == process
        watched = meant and limit_us.isdecimal() and int(limit_us) > 0
        return cls(environment.get("NOTIFY_SOCKET", ""), int(limit_us) / 1e6 if watched else None)

    def say(self, *assignments: str) -> bool:
        """Send assignments such as ``READY=1``; never waits; False when nobody asked or took it."""
        if not self.address:
            return False
        place = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto("\n".join(assignments).encode(), place)
            except OSError:
                return False
        return True

    def stopping(self) -> None:
        """Tell that this process is about to end."""
        self.say("STOPPING=1", "STATUS=stopping")

    async def keep_told(
        self, is_ready: Callable[[], bool], is_well: Callable[[], bool], words: Callable[[], str]
    ) -> None:
        """Tell once that it is ready, then ping while ``is_well``, with ``words`` for people.

        Goes on until cancelled; returns at once where nobody asked.
        """
        if not self.address:
            return
        while not is_ready():  # noqa: ASYNC110 - what it waits for is spread over the process
            await asyncio.sleep(LOOK_EVERY_S)
        self.say("READY=1")
        told = ""
        while True:
            if is_well():
                self.say("WATCHDOG=1")
            present = words()
            if present != told:
                told = present
                self.say(f"STATUS={' '.join(present.split())}")
            limit_s = self.watchdog_s
            await asyncio.sleep(STATUS_EVERY_S if limit_s is None else limit_s / PINGS_IN_TIME)


def service_manager() -> ServiceManager:
    """Return the one that started this process."""
    return ServiceManager.of(os.environ, str(os.getpid()))
