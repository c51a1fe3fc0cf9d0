"""People who silence alarms and put them off, in random hospitals; drawn from a source of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from pumpd.qa.explore_pumps import Bed

_NURSES = ("A. Nurse", "B. Keller")
_SILENCED = ("over-hard", "link-lost", "over-soft", "no-programme", "flow-ceiling", "restrained")


def quieting(seed: int, beds: Sequence[Bed], ends_s: float) -> Iterator[dict[str, Any]]:
    """Yield the events of the hospital of ``seed``; the rest of it is drawn as if there were none."""
    chance = random.Random(f"quieting {seed}")  # noqa: S311 - a hospital is to be repeated, not secret
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        at_s = chance.uniform(5.0, ends_s - 5.0)
        who: dict[str, Any] = {
            "pump": chance.choice(beds).pump,
            "alarm": chance.choice(_SILENCED),
            "by": chance.choice(_NURSES),
        }
        begins, ends = chance.choice((("pause-audio", "resume-audio"), ("shelve", "unshelve")))
        for_s = chance.choice((5, 20, 120))
        yield {"at_s": round(at_s, 1), "action": begins, "for_s": for_s, **who}
        ended_s = at_s + chance.uniform(1.0, 20.0)
        if chance.random() < 0.4 and ended_s < ends_s:
            yield {"at_s": round(ended_s, 1), "action": ends, **who}
