"""How often a property is tried: a small, printed count in ``make test``, the full count in ``make proof``.

Every count is announced here, so a claim can never stand on a number nobody sees. The runner of the full
counts is ``tests/proof_run.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from hypothesis import settings

FULL = os.environ.get("PUMPD_PROOF") == "1"
"""True while ``make proof`` runs."""

SEED = int(os.environ.get("PUMPD_SEED", "20260101"))
"""The one source of seeded randomness: ``random.Random(proof.SEED)``."""

T = TypeVar("T", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Announced:
    """One property and how often it is tried in this run."""

    name: str
    count: int
    full: int
    test: str
    """Node id of the test that tries it; empty when the count was read at import."""


announced: dict[str, Announced] = {}
running = ""
"""Node id of the test that runs now; the conftest keeps it."""


def _announce(name: str, count: int, full: int, test: str) -> None:
    announced[name] = Announced(name, count, full, test)


def count(name: str, small: int, full: int) -> int:
    """Return how often to try the property ``name``, and announce it."""
    if not 0 < small <= full:
        raise ValueError(f"{name}: 0 < small <= full")
    chosen = full if FULL else small
    _announce(name, chosen, full, running)
    return chosen


def explored(name: str, states: int) -> None:
    """Announce an exhaustive exploration: it covered ``states`` states, in every run all of them."""
    _announce(name, states, states, running)


def examples(name: str, small: int, full: int) -> Callable[[T], T]:
    """Decorate a hypothesis property: tried ``small`` times in ``make test``, ``full`` in ``make proof``."""
    wanted = count(name, small, full)

    def decorate(test: T) -> T:
        return settings(max_examples=wanted)(test)

    return decorate


def as_rows() -> list[dict[str, str | int]]:
    """Return what was announced in this process, for the summary and the record."""
    return [asdict(a) for a in announced.values()]
