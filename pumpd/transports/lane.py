"""One pump's claim to its line: how often it is to be read, and its breaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

DEAD_AFTER: Final = 3
"""Questions in a row without an answer; of a pump that never answered the first is enough."""


def _nobody_asks() -> None:
    pass


@dataclass(slots=True, eq=False)
class Lane:
    """One pump's claim to its line."""

    interval_s: float = 1.0
    """How often it is to be read."""
    n_questions: int = 1
    """How many questions one reading takes."""
    patience_s: float = 0.0
    """How much longer than its time-out a question is waited for, since such a pump may be slow."""
    on_slow: Callable[[], None] = _nobody_asks
    """Called when an answer came after its time-out, and was waited for."""
    deadline_s: float = 0.0
    """Until when its present reading should have been asked, on the loop's time."""
    n_restraints: int = 0
    """How many who wait for this pump must not wait for others: a restraint, and what belongs to it."""
    n_silences: int = 0
    """Questions in a row that it did not answer."""
    proven: bool = False
    """Whether it ever answered."""
    _asked: int = 0
    """Questions of the present reading."""

    @property
    def dead(self) -> bool:
        """True while its breaker is open."""
        return self.n_silences >= (DEAD_AFTER if self.proven else 1)

    def asks(self, now_s: float) -> None:
        """Begin a reading, unless one is under way: its later questions have the deadline of its first."""
        if now_s >= self.deadline_s or self._asked >= self.n_questions:
            self.deadline_s, self._asked = now_s + self.interval_s, 0
        self._asked += 1

    def answered(self) -> None:
        """Learn that it answered, if only with a refusal: the breaker closes at once."""
        self.n_silences, self.proven = 0, True

    def unanswered(self) -> None:
        """Learn that a question stayed without an answer."""
        self.n_silences += 1
