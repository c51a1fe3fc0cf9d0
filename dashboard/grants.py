"""What a PIN opens: for a minute, at the screen where it was typed, what its owner may do."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.hashing import digest, new_token
from pumpd.clock import Clock

HOLDS_S = 60
"""Long enough for a form that is refused once, short enough that nobody else finds it open."""
MOST = 1000


@dataclass(frozen=True, slots=True)
class _Grant:
    number: int
    place: str
    until_ns: int


class Grants:
    """Kept in memory only: a restart of the dashboard ends all of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[bytes, _Grant] = {}

    def make(self, number: int, place: str) -> str:
        """Return the token of a grant of account ``number`` that holds at ``place`` only."""
        now_ns = self._clock.monotonic_ns()
        self._open = {key: grant for key, grant in self._open.items() if grant.until_ns > now_ns}
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        token = new_token()
        self._open[digest(token)] = _Grant(number, place, now_ns + HOLDS_S * 1_000_000_000)
        return token

    def number(self, token: str, place: str) -> int | None:
        """Return whose PIN it was by number; None when the grant is over, unknown, or another place's."""
        grant = self._open.get(digest(token))
        if grant is None or grant.place != place or self._clock.monotonic_ns() >= grant.until_ns:
            return None
        return grant.number

    def end(self, token: str) -> None:
        """End it before its time."""
        self._open.pop(digest(token), None)
