"""Says something to syslog: the one on this host, or one that listens on UDP."""

from __future__ import annotations

import os
import socket
from enum import IntEnum

from pumpd.clock import Clock

LOCAL = "/dev/log"
_DAEMON = 3
"""Facility "system daemons" (RFC 5424, table 1)."""


class Severity(IntEnum):
    """How much it matters (RFC 5424, table 2)."""

    ALERT = 1
    """Somebody must act at once."""
    WARNING = 4
    NOTICE = 5


class Syslog:
    """Sends one datagram per message and never waits, as the standard library's handler would."""

    def __init__(self, address: str, clock: Clock) -> None:
        """``address`` is the path of a socket, or host:port."""
        self._address = address
        self._clock = clock

    def say(self, severity: Severity, text: str) -> None:
        """Send ``text``; OSError with the reason when nobody takes it."""
        line = " ".join(text.split())
        priority = _DAEMON * 8 + severity
        if self._address.startswith("/"):
            message = f"<{priority}>pumpd[{os.getpid()}]: {line}"
            self._send(socket.AF_UNIX, message, self._address)
            return
        host, _, port = self._address.rpartition(":")
        at = self._clock.wall().isoformat(timespec="milliseconds")
        message = f"<{priority}>1 {at} {socket.gethostname()} pumpd {os.getpid()} - - {line}"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._send(family, message, (host.strip("[]"), int(port)))

    @staticmethod
    def _send(family: int, message: str, to: str | tuple[str, int]) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode("utf-8", "backslashreplace"), to)
