"""Screens that are let in without anybody signed in: a wall's, which only shows, and a ward's shared one."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from dashboard.hashing import digest, new_token
from dashboard.people import RefusedSecretError, checked_name
from dashboard.people_db import PeopleDb
from dashboard.people_log import Event, PeopleLog
from pumpd.errors import StoreError

CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No sign that looks like another."""
CODE_GROUPS, CODE_GROUP = 3, 4
"""58 bits, which are void after a day or one use."""
CODE_HOLDS_S = 24 * 3600


class DeviceKind(StrEnum):
    """What a screen may do."""

    WALL = "wall"
    """Shows the picture, for ever; nothing else."""
    SHARED = "shared"
    """Shows the picture, and takes name and PIN for what is done at it."""


@dataclass(frozen=True, slots=True)
class Device:
    """A screen."""

    name: str
    kind: DeviceKind
    let_in: bool
    """Its code was typed at it."""


class Devices:
    """Made on the command line, which gives a code; typed at the screen, the code lets it in."""

    def __init__(self, db: PeopleDb, log: PeopleLog) -> None:
        self._db = db
        self._log = log

    def all(self) -> list[Device]:
        """Return every screen by name."""
        rows = self._db.read("SELECT name, kind, token IS NOT NULL FROM device ORDER BY name")
        return [Device(name, DeviceKind(kind), bool(let_in)) for name, kind, let_in in rows]

    def add(self, name: str, kind: DeviceKind, by: str) -> str:
        """Make a screen and return its code, once; RefusedSecretError when there is one of this name."""
        shown, now_ms = checked_name(name), self._db.now_ms()
        code = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_GROUPS * CODE_GROUP))
        try:
            with self._db.writing() as db:
                db.execute(
                    "INSERT INTO device (name, kind, code, code_until_ms, made_ms) VALUES (?, ?, ?, ?, ?)",
                    (shown, kind.value, digest(code), now_ms + CODE_HOLDS_S * 1000, now_ms),
                )
        except sqlite3.IntegrityError:
            raise RefusedSecretError(f"there is a screen {shown!r} already: revoke it first") from None
        self._log.add(Event.SCREEN_ADDED, shown, by, kind.value)
        return "-".join(code[at : at + CODE_GROUP] for at in range(0, len(code), CODE_GROUP))

    def let_in(self, code: str, by: str) -> str | None:
        """Return the token of the screen whose code this is, None when it is no code, or no longer."""
        typed = "".join(sign for sign in code.upper() if sign in CODE_SIGNS)
        token = new_token()
        with self._db.writing() as db:
            rows = db.execute(
                "UPDATE device SET token = ?, code = NULL"
                " WHERE code = ? AND code_until_ms > ? RETURNING name",
                (digest(token), digest(typed), self._db.now_ms()),
            ).fetchall()
        if not rows:
            self._log.add(Event.CODE_FAILED, "", by)
            return None
        self._log.add(Event.SCREEN_LET_IN, rows[0][0], by)
        return token

    def find(self, token: str) -> Device | None:
        """Return the screen of a token, None when there is none, or no longer."""
        if not token:
            return None
        rows = self._db.read("SELECT name, kind FROM device WHERE token = ?", digest(token))
        return Device(rows[0][0], DeviceKind(rows[0][1]), let_in=True) if rows else None

    def revoke(self, name: str, by: str) -> None:
        """Let it in no more, at once; StoreError when there is none."""
        if not self._db.write("DELETE FROM device WHERE name = ?", name):
            raise StoreError(f"there is no screen {name!r}; pumpd screen list tells which there are")
        self._log.add(Event.SCREEN_REVOKED, name, by)
