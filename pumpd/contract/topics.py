"""Topic names of schema version 1: the only place that spells them."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEMA_VERSION = 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_id(text: str, what: str) -> str:
    """Return ``text`` when it may stand in a topic; ValueError says what is allowed."""
    if not _ID.fullmatch(text):
        raise ValueError(
            f"{what} {text!r}: allowed are 1 to 64 letters, digits, '.', '_' and '-', "
            "the first a letter or digit"
        )
    return text


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one site."""

    site: str

    def __post_init__(self) -> None:
        check_id(self.site, "site")

    @property
    def prefix(self) -> str:
        """Everything of this site stands below it."""
        return f"pumpd/v{SCHEMA_VERSION}/{self.site}"

    def node_status(self, node: str) -> str:
        """Retained: online, offline or lost."""
        return f"{self.prefix}/node/{node}/status"

    def node_telemetry(self, node: str) -> str:
        """Not retained, QoS 0: readings travel together."""
        return f"{self.prefix}/node/{node}/telemetry"

    def node_event(self, node: str) -> str:
        """Not retained, QoS 1: every transition in journal order."""
        return f"{self.prefix}/node/{node}/event"

    def snapshot(self, pump: str, channel: str) -> str:
        """Retained: the whole picture of one channel, the truth."""
        return f"{self.prefix}/pump/{pump}/{channel}/snapshot"

    def alarm(self, pump: str, channel: str, condition: str) -> str:
        """Retained, emptied when OFF: for other systems."""
        return f"{self.prefix}/pump/{pump}/{channel}/alarm/{condition}"

    def command(self, node: str, verb: str) -> str:
        """Never retained."""
        return f"{self.prefix}/node/{node}/command/{verb}"

    def commands(self, node: str) -> str:
        """Filter for every command to a node."""
        return f"{self.prefix}/node/{node}/command/+"

    def reply(self, node: str, command_id: str) -> str:
        """Answer to one command."""
        return f"{self.prefix}/node/{node}/reply/{command_id}"

    def replies(self) -> str:
        """Filter for answers to commands."""
        return f"{self.prefix}/node/+/reply/+"

    def presence(self, dashboard: str) -> str:
        """Retained, with last will: a dashboard that watches."""
        return f"{self.prefix}/dashboard/{dashboard}/presence"

    def everything_live(self) -> tuple[str, ...]:
        """Filters for all that a dashboard needs."""
        return (
            f"{self.prefix}/node/+/status",
            f"{self.prefix}/node/+/telemetry",
            f"{self.prefix}/node/+/event",
            f"{self.prefix}/pump/+/+/snapshot",
            self.replies(),
        )

    def everything_of_pumps(self) -> tuple[str, ...]:
        """Filters for every retained topic of a pump, for finding those of pumps that were removed."""
        return (f"{self.prefix}/pump/+/+/snapshot", f"{self.prefix}/pump/+/+/alarm/+")
