"""What was done by and to accounts, with time and who: kept in the dashboard's own database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dashboard.people_db import PeopleDb


class Event(StrEnum):
    """What is kept."""

    SIGNED_IN = "signed in"
    SIGN_IN_FAILED = "sign-in failed"
    THROTTLED = "throttled"
    """So many failed that the next attempt has to wait."""
    LOCKED = "locked"
    """So many failed that only an admin's new secret helps."""
    SIGNED_OUT = "signed out"
    PIN_TAKEN = "PIN taken"
    PIN_FAILED = "PIN failed"
    ACCOUNT_ADDED = "account added"
    PASSWORD_SET = "password set"  # noqa: S105 - an event's name
    PIN_SET = "PIN set"
    ROLE_SET = "role set"
    WARDS_SET = "wards set"
    DISABLED = "disabled"
    ENABLED = "enabled"
    SCREEN_ADDED = "screen added"
    SCREEN_LET_IN = "screen let in"
    CODE_FAILED = "screen's code failed"
    SCREEN_REVOKED = "screen revoked"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that was done."""

    at: datetime
    event: str
    who: str
    """The account or screen that it is about; empty where no account has the name that was typed."""
    by: str
    """Who did it, or the address it came from."""
    detail: str


class PeopleLog:
    """Appends and reads."""

    def __init__(self, db: PeopleDb) -> None:
        self._db = db

    def add(self, event: Event, who: str, by: str, detail: str = "") -> None:
        """Keep one line. What was typed as a name is never given here: people type passwords there."""
        self._db.write(
            "INSERT INTO log (at_ms, event, who, by, detail) VALUES (?, ?, ?, ?, ?)",
            self._db.now_ms(),
            event.value,
            who,
            by,
            detail,
        )

    def lines(self, most: int) -> list[LogLine]:
        """Return the newest lines, at most so many, oldest first."""
        rows = self._db.read("SELECT at_ms, event, who, by, detail FROM log ORDER BY id DESC LIMIT ?", most)
        return [LogLine(datetime.fromtimestamp(at / 1000, UTC), *rest) for at, *rest in reversed(rows)]
