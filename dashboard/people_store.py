"""All that the dashboard keeps of people, in one file: ``pumpd user`` and the running dashboard share it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dashboard.accounts import Accounts
from dashboard.attempts import Attempts
from dashboard.devices import Devices
from dashboard.hashing import Hasher
from dashboard.people_db import PeopleDb
from dashboard.people_log import PeopleLog
from dashboard.sessions import SessionEnds, Sessions
from pumpd.clock import Clock


class PeopleStore:
    """Accounts, sessions, screens, failed attempts and the log; StoreError when the file can not be used.

    ``hasher`` is another than the default one in tests only; ``place`` holds names of this site.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        ends: SessionEnds | None = None,
        hasher: Hasher | None = None,
        place: Iterable[str] = (),
    ) -> None:
        self._db = PeopleDb(path, clock)
        self.hasher = hasher or Hasher()
        self.log = PeopleLog(self._db)
        self.attempts = Attempts(self._db)
        self.accounts = Accounts(self._db, self.log, self.attempts, self.hasher, place)
        self.sessions = Sessions(self._db, ends or SessionEnds())
        self.devices = Devices(self._db, self.log)

    def now_ms(self) -> int:
        """Return the time of day in ms since 1970."""
        return self._db.now_ms()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
