"""How often somebody may guess: waits that double, by account and by address, and an end to it.

NIST SP 800-63B 5.2.2 allows at most 100 failures in a row on one account; a PIN is short, so it gets ten.
"""

from __future__ import annotations

import ipaddress
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboard.hashing import digest
from dashboard.people import folded
from dashboard.people_db import PeopleDb

FIRST_WAIT_S = 5
LONGEST_WAIT_S = 15 * 60
FORGOTTEN_AFTER_S = 3600
"""What came from an address is forgotten when it was quiet for so long; what went at an account never is."""
MOST_COUNTERS = 10_000
"""Of names that no account has: a flood of them fills no disk."""


class What(StrEnum):
    """What is counted."""

    PASSWORD = "password"  # noqa: S105 - by the name that was typed
    PIN = "pin"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class _Bounds:
    free: int
    """Failures without any wait: people mistype."""
    locked_at: int | None = None
    """So many in a row, and only a new secret helps."""


BOUNDS: Mapping[What, _Bounds] = {
    What.PASSWORD: _Bounds(free=5, locked_at=100),
    What.PIN: _Bounds(free=3, locked_at=10),
    What.ADDRESS: _Bounds(free=20),
}


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that was not looked at."""

    wait_s: int
    """Until the next one may be; 0: never, an admin must set a new secret."""


def wait_s(what: What, count: int) -> int:
    """Return how long to wait after ``count`` failures in a row; 0 while mistyping is free."""
    beyond = count - BOUNDS[what].free
    return 0 if beyond < 0 else min(FIRST_WAIT_S * 2 ** min(beyond, 30), LONGEST_WAIT_S)


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network, since whoever has one has all of it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Attempts:
    """Counts an attempt before it is looked at, so that a thousand at once are not let through together."""

    def __init__(self, db: PeopleDb) -> None:
        self._db = db

    def begin(self, what: What, name: str, address: str) -> Held | None:
        """Count an attempt at ``name``; return why it may not be looked at, None when it may."""
        now_ms = self._db.now_ms()
        keys = ((what, digest(folded(name))), (What.ADDRESS, digest(network_of(address))))
        with self._db.writing() as db:
            counts = []
            for kind, key in keys:
                row = db.execute(
                    "SELECT count, last_ms FROM failure WHERE what = ? AND key = ?", (kind.value, key)
                ).fetchone()
                count, last_ms = row or (0, 0)
                quiet_s = (now_ms - last_ms) / 1000
                if kind is What.ADDRESS and quiet_s >= FORGOTTEN_AFTER_S:
                    count = 0
                bound = BOUNDS[kind].locked_at
                if bound is not None and count >= bound:
                    return Held(0)
                if quiet_s < 0:  # the time of day was set back: the wait begins again, and ends
                    db.execute(
                        "UPDATE failure SET last_ms = ? WHERE what = ? AND key = ?", (now_ms, kind.value, key)
                    )
                left_s = wait_s(kind, count) - max(0.0, quiet_s)
                if left_s > 0:
                    return Held(math.ceil(left_s))
                counts.append(count)
            for (kind, key), count in zip(keys, counts, strict=True):
                db.execute(
                    "INSERT OR REPLACE INTO failure (what, key, count, last_ms) VALUES (?, ?, ?, ?)",
                    (kind.value, key, count + 1, now_ms),
                )
            self._bound(db)
        return None

    def succeeded(self, what: What, name: str, address: str) -> None:
        """Forget the failures at ``name``; of its address only this attempt: an own account clears no way."""
        with self._db.writing() as db:
            db.execute("DELETE FROM failure WHERE what = ? AND key = ?", (what.value, digest(folded(name))))
            db.execute(
                "UPDATE failure SET count = max(0, count - 1) WHERE what = ? AND key = ?",
                (What.ADDRESS.value, digest(network_of(address))),
            )

    def forget(self, what: What, name: str) -> None:
        """Forget the failures at ``name``: it has a new secret."""
        self._db.write("DELETE FROM failure WHERE what = ? AND key = ?", what.value, digest(folded(name)))

    def after(self, what: What, name: str) -> Held | None:
        """Return what the next attempt at ``name`` meets if it comes now, None when it is free."""
        rows = self._db.read(
            "SELECT count FROM failure WHERE what = ? AND key = ?", what.value, digest(folded(name))
        )
        count = rows[0][0] if rows else 0
        bound = BOUNDS[what].locked_at
        if bound is not None and count >= bound:
            return Held(0)
        wait = wait_s(what, count)
        return Held(wait) if wait else None

    @staticmethod
    def _bound(db: sqlite3.Connection) -> None:
        """When there are too many, give up the oldest of addresses and of names that no account has."""
        ((count,),) = db.execute("SELECT count(*) FROM failure").fetchall()
        if count <= MOST_COUNTERS:
            return
        known = {digest(name) for (name,) in db.execute("SELECT folded FROM account")}
        oldest = db.execute("SELECT what, key FROM failure ORDER BY last_ms").fetchall()
        given_up = [(what, key) for what, key in oldest if key not in known][
            : count - MOST_COUNTERS * 9 // 10
        ]
        db.executemany("DELETE FROM failure WHERE what = ? AND key = ?", given_up)
