"""Accounts: made, changed and read; never deleted, because their names stand in the journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.attempts import Attempts, What
from dashboard.hashing import Hasher
from dashboard.people import (
    Account,
    RefusedSecretError,
    checked_name,
    checked_password,
    checked_pin,
    checked_wards,
    folded,
)
from dashboard.people_db import PeopleDb, Row
from dashboard.people_log import Event, PeopleLog
from pumpd.contract.roles import Role
from pumpd.errors import StoreError

ACCOUNT = "account.id, account.name, role, wards, pin <> '', disabled, account.demo"
"""Columns that make an Account."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """An account with what is kept of its password and PIN."""

    account: Account
    password: str
    pin: str


def account_of(row: Row) -> Account:
    """Return the account in the columns ACCOUNT."""
    number, name, role, wards, has_pin, disabled, demo = row
    return Account(
        number, name, Role(role), frozenset(json.loads(wards)), bool(has_pin), bool(disabled), bool(demo)
    )


class Accounts:
    """Every change is kept in the log with ``by``. RefusedSecretError, a ValueError, where it can not be."""

    def __init__(
        self, db: PeopleDb, log: PeopleLog, attempts: Attempts, hasher: Hasher, place: Iterable[str] = ()
    ) -> None:
        """``place`` holds words that no password is made of alone."""
        self._place = tuple(place)
        self._db = db
        self._log = log
        self._attempts = attempts
        self._hasher = hasher

    def all(self) -> list[Account]:
        """Return every account by name, disabled ones too."""
        rows = self._db.read(f"SELECT {ACCOUNT} FROM account ORDER BY folded")  # noqa: S608
        return [account_of(row) for row in rows]

    def none_yet(self) -> bool:
        """Return whether nobody could sign in."""
        return not self._db.read("SELECT 1 FROM account WHERE disabled = 0 LIMIT 1")

    def secrets(self, name: str) -> Secrets | None:
        """Return the account that somebody means by ``name``, None when there is none."""
        rows = self._db.read(
            f"SELECT {ACCOUNT}, password, pin FROM account WHERE folded = ?",  # noqa: S608
            folded(name),
        )
        if not rows:
            return None
        *columns, password, pin = rows[0]
        return Secrets(account_of(tuple(columns)), password, pin)

    def named(self, name: str) -> Account:
        """Return the account; StoreError when there is none."""
        found = self.secrets(name)
        if found is None:
            raise StoreError(f"there is no account {name!r}; pumpd user list tells which there are")
        return found.account

    def numbered(self, number: int) -> Account | None:
        """Return the account with this id."""
        rows = self._db.read(f"SELECT {ACCOUNT} FROM account WHERE id = ?", number)  # noqa: S608
        return account_of(rows[0]) if rows else None

    def add(
        self, name: str, role: Role, wards: Iterable[str], password: str, by: str, *, demo: bool = False
    ) -> None:
        """Make an account."""
        shown, kept_wards = checked_name(name), _json(wards)
        kept = self._hasher.make(checked_password(password, shown, self._place))
        if self.secrets(shown) is not None:
            raise RefusedSecretError(f"there is an account {shown!r} already")
        try:
            with self._db.writing() as db:
                db.execute(
                    "INSERT INTO account (name, folded, role, wards, password, demo, made_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (shown, folded(shown), role.value, kept_wards, kept, demo, self._db.now_ms()),
                )
        except sqlite3.IntegrityError:
            raise RefusedSecretError(f"there is an account {shown!r} already") from None
        self._log.add(Event.ACCOUNT_ADDED, shown, by, role.value)

    def set_password(self, name: str, password: str, by: str) -> None:
        """Give another password; every session of the account ends, and a lock is taken off."""
        account = self.named(name)
        kept = self._hasher.make(checked_password(password, account.name, self._place))
        with self._db.writing() as db:
            db.execute("UPDATE account SET password = ? WHERE id = ?", (kept, account.number))
            db.execute("DELETE FROM session WHERE account = ?", (account.number,))
        self._attempts.forget(What.PASSWORD, account.name)
        self._log.add(Event.PASSWORD_SET, account.name, by)

    def set_pin(self, name: str, pin: str, by: str) -> None:
        """Give another PIN, or none when it is empty; a lock is taken off."""
        account = self.named(name)
        kept = self._hasher.make(checked_pin(pin)) if pin else ""
        self._db.write("UPDATE account SET pin = ? WHERE id = ?", kept, account.number)
        self._attempts.forget(What.PIN, account.name)
        self._log.add(Event.PIN_SET, account.name, by, "" if pin else "none")

    def set_role(self, name: str, role: Role, by: str) -> None:
        """Give another role; sessions that there are have it at once."""
        account = self.named(name)
        self._db.write("UPDATE account SET role = ? WHERE id = ?", role.value, account.number)
        self._log.add(Event.ROLE_SET, account.name, by, f"{account.role.value} to {role.value}")

    def set_wards(self, name: str, wards: Iterable[str], by: str) -> None:
        """Say where it may act; none: everywhere."""
        account = self.named(name)
        kept = _json(wards)
        self._db.write("UPDATE account SET wards = ? WHERE id = ?", kept, account.number)
        self._log.add(Event.WARDS_SET, account.name, by, kept)

    def set_disabled(self, name: str, by: str, *, disabled: bool) -> None:
        """Let it in no more, at once; or let it in again."""
        account = self.named(name)
        with self._db.writing() as db:
            db.execute("UPDATE account SET disabled = ? WHERE id = ?", (disabled, account.number))
            db.execute("DELETE FROM session WHERE account = ?", (account.number,))
        self._log.add(Event.DISABLED if disabled else Event.ENABLED, account.name, by)


def _json(wards: Iterable[str]) -> str:
    return json.dumps(checked_wards(wards), ensure_ascii=False)
