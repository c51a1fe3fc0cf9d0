"""How a program of pumpd is: whether it lives, whether it does its work, and what is not well and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_TOLD = 20
"""More that is not well than this is counted."""


@dataclass(frozen=True, slots=True)
class Unwell:
    """One thing that is not well."""

    part: str
    """What it is about: a condition's id, ``broker``, ``pump PUMP-01``."""
    why: str
    blocks: bool = False
    """The program can not do its work while it is so."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a program is at one moment."""

    unwell: tuple[Unwell, ...] = ()
    alive: bool = True
    """False: it turns no more, and only a restart helps."""

    @property
    def ready(self) -> bool:
        """Whether it does its work."""
        return self.alive and not any(each.blocks for each in self.unwell)

    def body(self) -> dict[str, Any]:
        """Return it as ``/healthz`` and ``/readyz`` tell it; what blocks comes first."""
        told = sorted(self.unwell, key=lambda each: not each.blocks)
        left_out = len(told) - MOST_TOLD
        return {
            "status": "ok" if self.alive else "stuck",
            "ready": self.ready,
            "not_well": [
                {"part": each.part, "why": each.why, "blocks": each.blocks} for each in told[:MOST_TOLD]
            ],
            "more": max(0, left_out),
        }
