"""Whose turn it is on a line: restraints, then the earliest deadline; the dead have a small share of it.

A question to a pump that does not answer costs its whole time-out, and its neighbours wait meanwhile. So each
pump has a breaker: open, its questions are probes, and all probes of a line that stay unanswered have
``PROBE_SHARE`` of its time together. One that is answered costs nobody anything, and closes the breaker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pumpd.protocols.wire import Permission
from pumpd.transports.exchange import Exchange
from pumpd.transports.lane import Lane

PROBE_SHARE: Final = 0.1
"""Of the line's time, for questions to dead pumps that stay unanswered."""
LATE_SHARE: Final = 0.05
"""Of the questions to pumps that answer, sent after their deadline: beyond it the line is too slow."""
JUDGED: Final = 200
"""Questions by which that is judged."""


class Fairness:
    """Decides, for one line."""

    def __init__(self) -> None:
        self._probe_at = 0.0
        """When the share of the dead is saved up again."""
        self._alive: set[Lane] = set()
        self._waited: deque[tuple[bool, float]] = deque(maxlen=JUDGED)
        """Of the last questions: whether it went out late, and how long it had waited, in seconds."""
        self._n_late = 0
        self._behind = False
        self.on_pace: Callable[[bool, float], None] = _nobody_listens
        """Told whether the line is too slow for what is asked, when that changes, and the longest wait."""

    def not_before(self, exchange: Exchange[Any]) -> float:
        """Return from when on a question may go without taking more than the share of the dead.

        Where nobody answers, nobody has to wait for the dead.
        """
        return self._probe_at if self._alive and _is_probe(exchange) else 0.0

    def rank(self, exchange: Exchange[Any]) -> tuple[int, float]:
        """Return its place among those that wait: the least goes first, of equals who came first.

        A silent pump's deadline counts as later, so that its second try costs those that answer little.
        """
        lane = exchange.lane
        if exchange.permission in {Permission.PAUSE, Permission.LOWER}:
            return 0, 0.0
        if lane.n_restraints:
            return 1, 0.0
        return 2, lane.deadline_s + lane.n_silences * lane.interval_s

    def entered(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn of a question; a probe is not tried twice."""
        exchange.lane.asks(now_s)
        if _is_probe(exchange):
            exchange.tries_left = 1

    def sent(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn that a question goes out."""
        lane = exchange.lane
        if exchange.permission is not Permission.READ or lane.n_silences:
            return
        waited_s = now_s - (lane.deadline_s - lane.interval_s)
        if len(self._waited) == JUDGED:
            self._n_late -= self._waited[0][0]
        self._waited.append((now_s > lane.deadline_s, waited_s))
        self._n_late += self._waited[-1][0]
        if len(self._waited) == JUDGED:
            if self._n_late > LATE_SHARE * JUDGED and not self._behind:
                self._say(behind=True)
            elif not self._n_late and self._behind:
                self._say(behind=False)

    def answered(self, exchange: Exchange[Any]) -> None:
        """Learn that a question was answered."""
        exchange.lane.answered()
        self._alive.add(exchange.lane)

    def unanswered(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn that a question cost its time-out for nothing."""
        if _is_probe(exchange):
            self._probe_at = now_s + (now_s - exchange.sent_at) * (1 / PROBE_SHARE - 1)
        exchange.lane.unanswered()
        if exchange.lane.dead:
            self._alive.discard(exchange.lane)

    def _say(self, *, behind: bool) -> None:
        self._behind = behind
        self.on_pace(behind, max(waited_s for _, waited_s in self._waited))


def _is_probe(exchange: Exchange[Any]) -> bool:
    lane = exchange.lane
    return lane.dead and not lane.n_restraints and exchange.permission is Permission.READ


def _nobody_listens(behind: bool, longest_wait_s: float) -> None:  # noqa: FBT001 - a callback's shape
    del behind, longest_wait_s
