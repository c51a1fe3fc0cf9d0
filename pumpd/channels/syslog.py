"""A line to a syslog server, where somebody's rules decide who is called."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.channels.base import Message, refused
from pumpd.syslog import Severity, Syslog


@dataclass(frozen=True, slots=True)
class SyslogChannel:
    """One syslog server."""

    server: Syslog

    async def send(self, message: Message) -> None:
        """Send one line; over UDP nobody says whether it arrived. See ``Channel.send``."""
        try:
            self.server.say(Severity.ALERT, f"{message.subject} ({message.id})")
        except OSError as error:
            raise refused("syslog", error) from None
