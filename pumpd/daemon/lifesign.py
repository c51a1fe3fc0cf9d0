"""What the daemon's ping to the service manager is worth: pumps are asked, and the watchdog goes round."""

from __future__ import annotations

from pumpd.core.freshness import Freshness
from pumpd.core.quantities import NS_PER_S
from pumpd.daemon.inside import Inside
from pumpd.daemon.node_health import node_health

IDLE_NS = 30 * NS_PER_S
"""A silent pump is asked, and a line that is down is tried, every few seconds; see session and bus."""
IDLE_POLLS = 3
"""Where every pump is asked seldom, so many of the shortest interval."""


class Lifesign:
    """Looks at whether the daemon still does what it is there for.

    Fed by questions to pumps and attempts to open lines, not by turns of the loop, nor by answers: a ward
    whose pumps are all switched off is well watched, and starting the daemon anew would not turn them on.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        shortest_ns = min(watched.plan.poll_interval_ns for watched in inside.parts.watched)
        self._idle_ns = max(IDLE_NS, IDLE_POLLS * shortest_ns)
        self._done = -1
        self._moved_ns = inside.clock.monotonic_ns()

    def ready(self) -> bool:
        """Whether every pump has been looked at once."""
        inside = self._inside
        return inside.started and inside.app.watchdog.turned_ns is not None

    def well(self) -> bool:
        """Whether pumps are asked and the watchdog goes round."""
        parts, now_ns = self._inside.parts, self._inside.clock.monotonic_ns()
        asked = sum(watched.talk.counters.asked for watched in parts.watched)
        done = asked + sum(line.attempts for line in parts.lines)
        if done != self._done:
            self._done, self._moved_ns = done, now_ns
        return now_ns - self._moved_ns <= self._idle_ns and node_health(self._inside).alive

    def words(self) -> str:
        """Return how many channels are read, for ``systemctl status``."""
        lives = self._inside.app.ward.pumps.values()
        fresh = sum(live.state.freshness is Freshness.FRESH for live in lives)
        return f"{fresh} of {len(lives)} channels read"
