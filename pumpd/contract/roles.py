"""What people are to pumpd, and who may ask the daemon for what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody who signed in may do. Nobody gets another's rights with his own: an admin is no nurse."""

    VIEWER = "viewer"
    """Looks."""
    NURSE = "nurse"
    """Answers alarms, pauses pumps, begins, changes and ends infusions."""
    PHARMACIST = "pharmacist"
    """Answers for the drug library."""
    ENGINEER = "engineer"
    """Answers for pumps, lines and the node; answers their alarms."""
    ADMIN = "admin"
    """Answers for accounts."""


_ALARM = frozenset({Role.NURSE, Role.ENGINEER})
_CLINICAL = frozenset({Role.NURSE})
_TECHNICAL = frozenset({Role.ENGINEER})

MAY_ASK: Mapping[str, frozenset[Role]] = {
    "acknowledge": _ALARM,
    "pause-audio": _ALARM,
    "resume-audio": _ALARM,
    "shelve": _ALARM,
    "unshelve": _ALARM,
    "accept": _CLINICAL,
    "off-line": _ALARM,
    "pause-pump": _CLINICAL,
    "test-channel": _TECHNICAL,
    "exchange-ports": _ALARM,
    "begin": _CLINICAL,
    "change": _CLINICAL,
    "observe": _CLINICAL,
    "end": _CLINICAL,
    "swap": _CLINICAL,
    "transfer": _CLINICAL,
}
"""Who may ask for each of the daemon's verbs; a verb that is missing here is refused to all."""
