"""Sessions: two ends. First the rights go and the picture stays; much later the picture goes too."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.accounts import ACCOUNT, account_of
from dashboard.hashing import digest, new_token
from dashboard.people import Account
from dashboard.people_db import PeopleDb

CLOCK_MAY_STEP_BACK_MS = 60_000
MOST_OF_ONE_ACCOUNT = 20


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """When sessions end; the defaults are those of NIST SP 800-63B."""

    idle_s: int = 15 * 60
    """Without anything done by a person: rights end (4.3.3, the shorter of its two)."""
    longest_s: int = 12 * 3600
    """Whatever is done: rights end (4.2.3 and 4.3.3)."""
    picture_s: int = 30 * 24 * 3600
    """The picture ends (4.1.3: a month)."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that still shows something."""

    account: Account
    ends_ms: int
    """When rights end, or ended."""
    over: bool
    """Rights have ended; the picture stays."""


class Sessions:
    """Begun by a sign-in, found by the token that the cookie holds."""

    def __init__(self, db: PeopleDb, ends: SessionEnds) -> None:
        self._db = db
        self.ends = ends

    def begin(self, account: Account, instead_of: str = "") -> str:
        """Return the token of a new session; what this browser had before, ``instead_of``, ends."""
        token, now_ms = new_token(), self._db.now_ms()
        with self._db.writing() as db:
            gone_ms = now_ms - self.ends.picture_s * 1000
            db.execute("DELETE FROM session WHERE token = ? OR begun_ms < ?", (digest(instead_of), gone_ms))
            db.execute(
                "DELETE FROM session WHERE token IN (SELECT token FROM session WHERE account = ?"
                " ORDER BY active_ms DESC LIMIT -1 OFFSET ?)",
                (account.number, MOST_OF_ONE_ACCOUNT - 1),
            )
            db.execute(
                "INSERT INTO session (token, account, begun_ms, active_ms) VALUES (?, ?, ?, ?)",
                (digest(token), account.number, now_ms, now_ms),
            )
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a token, None when it shows nothing: unknown, ended, too old, disabled."""
        if not token:
            return None
        rows = self._db.read(
            f"SELECT begun_ms, active_ms, {ACCOUNT} FROM session JOIN account ON account.id = session.account"  # noqa: S608
            " WHERE token = ?",
            digest(token),
        )
        if not rows:
            return None
        begun_ms, active_ms, *columns = rows[0]
        account, now_ms = account_of(tuple(columns)), self._db.now_ms()
        set_back = now_ms < active_ms - CLOCK_MAY_STEP_BACK_MS
        if account.disabled or now_ms >= begun_ms + self.ends.picture_s * 1000:
            return None
        ends_ms = min(begun_ms + self.ends.longest_s * 1000, active_ms + self.ends.idle_s * 1000)
        return Session(account, ends_ms, over=now_ms >= ends_ms or set_back)

    def was_active(self, token: str) -> None:
        """Note that a person did something; a session whose rights have ended gets none back."""
        found = self.find(token)
        if found is not None and not found.over:
            self._db.write(
                "UPDATE session SET active_ms = ? WHERE token = ?", self._db.now_ms(), digest(token)
            )

    def end(self, token: str) -> None:
        """End it, picture and all."""
        self._db.write("DELETE FROM session WHERE token = ?", digest(token))
