"""From the contacts of a configuration to their channels."""

from __future__ import annotations

import functools
from pathlib import Path

from pumpd.channels.base import Channel
from pumpd.channels.command import Command
from pumpd.channels.mail import Mail
from pumpd.channels.syslog import SyslogChannel
from pumpd.channels.webhook import Webhook
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_alarms import ContactSection
from pumpd.document import read_bounded
from pumpd.syslog import Syslog


def channels_of(config: Config, clock: Clock) -> dict[str, Channel]:
    """Return the channel of every contact, by its name."""
    directory = config.file.parent
    return {contact.name: _channel(contact, directory, clock) for contact in config.alarms.contacts}


def ways_of(config: Config) -> dict[str, str]:
    """Return by which way every contact is told, as people say it."""
    return {
        contact.name: "mail" if contact.kind == "smtp" else contact.kind for contact in config.alarms.contacts
    }


def _channel(contact: ContactSection, directory: Path, clock: Clock) -> Channel:
    secret = functools.partial(_secret, directory, contact.secret_file)
    ca_file = str(directory / contact.ca_file) if contact.ca_file else ""
    match contact.kind:
        case "smtp":
            return Mail(
                contact.host,
                contact.port,
                contact.tls,
                contact.sender,
                contact.to,
                contact.username,
                secret,
                ca_file,
            )
        case "webhook":
            return Webhook(contact.url, secret, ca_file)
        case "syslog":
            return SyslogChannel(Syslog(contact.address, clock))
        case "command":
            return Command(contact.command)


def _secret(directory: Path, name: str) -> str:
    """Return what the file holds; it is read each time, so that it may be changed, and never kept."""
    return read_bounded(directory / name).decode().strip() if name else ""
